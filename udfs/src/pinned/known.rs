//! [`Known`]: what an expression makes of a time of which only the first and last instant are known.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Operator, ScalarFunctionArgs};
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column, IsNotNullExpr, IsNullExpr, Literal,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use crate::functions::{is_monotonic_in_time, reference_of};

/// Of a column or an expression, over the rows of a piece of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    /// It does not depend on the time, or not within these rows.
    Free,
    /// It is the time: never NULL, and between two instants.
    Between(ScalarValue, ScalarValue),
    /// It may be another for each instant.
    Varies,
}

impl Known {
    /// What is known of an expression over columns of which this is known.
    pub(super) fn of(expression: &Arc<dyn PhysicalExpr>, columns: &[Self]) -> Self {
        if let Some(column) = expression.downcast_ref::<Column>() {
            return columns.get(column.index()).cloned().unwrap_or(Self::Varies);
        }
        let inputs = expression.children().into_iter();
        let inputs: Vec<Self> = inputs.map(|input| Self::of(input, columns)).collect();
        if inputs.iter().all(|input| *input == Self::Free) {
            return Self::Free;
        }
        if inputs.contains(&Self::Varies) {
            return Self::Varies;
        }
        if let Some(cast) = expression.downcast_ref::<CastExpr>()
            && let [Self::Between(first, last)] = &inputs[..]
        {
            return Self::cast(first, last, cast.cast_type());
        }
        let is_settled = if let Some(comparison) = expression.downcast_ref::<BinaryExpr>() {
            compared(comparison, &inputs).is_some()
        } else if let Some(function) = expression.downcast_ref::<ScalarFunctionExpr>() {
            is_one_call(function, &inputs).unwrap_or(false)
        } else {
            // A time that is never NULL.
            expression.downcast_ref::<IsNullExpr>().is_some()
                || expression.downcast_ref::<IsNotNullExpr>().is_some()
        };
        if is_settled { Self::Free } else { Self::Varies }
    }

    /// Instants keep their order in every unit; in a zone that turns its clocks back they may not.
    fn cast(first: &ScalarValue, last: &ScalarValue, to: &DataType) -> Self {
        if !is_utc(&first.data_type()) || !is_utc(to) {
            return Self::Varies;
        }
        match (first.cast_to(to), last.cast_to(to)) {
            (Ok(first), Ok(last)) => Self::Between(first, last),
            _ => Self::Varies,
        }
    }
}

fn is_utc(time: &DataType) -> bool {
    match time {
        DataType::Timestamp(_, zone) => matches!(zone.as_deref(), None | Some("UTC" | "+00:00")),
        _ => false,
    }
}

/// Whether a condition holds at all of the instants or at none; nothing where that may differ.
pub(super) fn holds(condition: &Arc<dyn PhysicalExpr>, columns: &[Known]) -> Option<bool> {
    let comparison = condition.downcast_ref::<BinaryExpr>()?;
    let inputs = [comparison.left(), comparison.right()];
    compared(comparison, &inputs.map(|input| Known::of(input, columns)))
}

fn compared(comparison: &BinaryExpr, inputs: &[Known]) -> Option<bool> {
    let literal = |side: &Arc<dyn PhysicalExpr>| {
        let literal = side.downcast_ref::<Literal>()?;
        Some(literal.value().clone())
    };
    let (operator, first, last, bound) = match inputs {
        [Known::Between(first, last), _] => {
            let bound = literal(comparison.right())?;
            (*comparison.op(), first, last, bound)
        }
        [_, Known::Between(first, last)] => {
            let bound = literal(comparison.left())?;
            (comparison.op().swap()?, first, last, bound)
        }
        _ => return None,
    };
    let at = |instant: &ScalarValue| {
        let order = instant.partial_cmp(&bound)?;
        match operator {
            Operator::Lt => Some(order.is_lt()),
            Operator::LtEq => Some(order.is_le()),
            Operator::Gt => Some(order.is_gt()),
            Operator::GtEq => Some(order.is_ge()),
            _ => None,
        }
    };
    at(first).filter(|answer| at(last) == Some(*answer))
}

/// Whether a function answers the same at each of the instants.
fn is_one_call(function: &ScalarFunctionExpr, inputs: &[Known]) -> Result<bool> {
    let times = inputs.iter().enumerate();
    let mut times = times.filter_map(|(position, input)| match input {
        Known::Between(first, last) => Some((position, first, last)),
        _ => None,
    });
    let (Some((position, first, last)), None) = (times.next(), times.next()) else {
        return Ok(false);
    };
    let udf = function.fun();
    if let Some(reference) = reference_of(udf) {
        let instants = [first, last].map(|instant| match instant {
            ScalarValue::TimestampMicrosecond(instant, _) => *instant,
            _ => None,
        });
        return Ok(match instants {
            [Some(first), Some(last)] => reference.unchanged_around(first).holds(last),
            _ => false,
        });
    }
    if !is_monotonic_in_time(udf) || !is_utc(&first.data_type()) {
        return Ok(false);
    }
    let at = |instant: &ScalarValue| {
        let arguments = function.args().iter().enumerate();
        let arguments = arguments.map(|(at, argument)| {
            if at == position {
                return Some(instant.clone());
            }
            let literal = argument.downcast_ref::<Literal>()?;
            Some(literal.value().clone())
        });
        let Some(arguments) = arguments.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let fields = arguments.iter();
        let fields = fields.map(|value| Arc::new(Field::new("", value.data_type(), true)));
        let answer = udf.invoke_with_args(ScalarFunctionArgs {
            arg_fields: fields.collect(),
            args: arguments.into_iter().map(ColumnarValue::Scalar).collect(),
            number_rows: 1,
            return_field: Arc::new(Field::new("", function.return_type().clone(), true)),
            config_options: Arc::new(ConfigOptions::default()),
        })?;
        match answer {
            ColumnarValue::Scalar(answer) => Ok(Some(answer)),
            ColumnarValue::Array(answer) => ScalarValue::try_from_array(&answer, 0).map(Some),
        }
    };
    let answer = at(first)?;
    Ok(answer.is_some() && answer == at(last)?)
}

//! `tiered_charge(units, steps, mode)`: what usage costs by the steps of a plan.
//!
//! ```sql
//! SELECT tiered_charge(
//!     1500,
//!     array_agg(named_struct('from_unit', from_unit, 'unit_price', unit_price)),
//!     'graduated'
//! ) FROM plans
//! ```
//!
//! Rounded once, half to even. What the modes and the parts of a step mean is said in [`tariff`].
//!
//! [`tariff`]: crate::money::tariff

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Builder, Int64Array, ListArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::AMOUNT;
use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::{Number, failed};
use crate::money::tariff::{Step, Tariff, TariffError};
use crate::money::{Amount, Exact};

pub(crate) static MANUAL: Manual = Manual {
    name: "tiered_charge",
    section: "Plans",
    description: "What usage costs by the steps of a plan: each unit at its own step (graduated) or all at the highest reached (volume).",
    parameters: &[
        Parameter::required("units", Kind::Number, "The usage, beyond what is included."),
        Parameter::required(
            "steps",
            Kind::Steps,
            "A list of structs: from_unit, unit_price and maybe flat_fee and minimum; the first from 0.",
        ),
        Parameter::required("mode", Kind::Text, "graduated or volume."),
    ],
    over: "",
    example: "SELECT tiered_charge(1500, [named_struct('from_unit', 0, 'unit_price', 0.1), named_struct('from_unit', 1000, 'unit_price', 0.05)], 'graduated');",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TieredCharge {
    face: Face,
}

impl TieredCharge {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for TieredCharge {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        MANUAL.coerce(given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(AMOUNT)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let (units, mode) = (arguments.number(0)?, arguments.text(2)?);
        let lists = arguments.array(1)?;
        let steps = Steps::new(lists.values())?;
        let mut charges = Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        for row in 0..args.number_rows {
            let steps = steps.of(lists.at(row))?;
            let charge = match (units.get(MANUAL.name, row)?, steps, mode.get(row)) {
                (Some(units), Some(steps), Some(mode)) => Some(
                    charge(units, steps, mode)
                        .map_err(|error| exec_datafusion_err!("{}: {error}", MANUAL.name))?,
                ),
                _ => None,
            };
            charges.append_option(charge.map(Amount::units));
        }
        Ok(ColumnarValue::Array(Arc::new(charges.finish())))
    }
}

fn charge(units: Exact, steps: Vec<Step>, mode: &str) -> std::result::Result<Amount, TariffError> {
    Tariff::new(steps)?.charge(units, mode.parse()?)
}

/// The lists of steps of a column, part by part.
struct Steps {
    lists: ListArray,
    from: Int64Array,
    unit_price: Number,
    flat_fee: Option<Number>,
    minimum: Option<Number>,
}

impl Steps {
    fn new(lists: &ArrayRef) -> Result<Self> {
        let lists = lists.as_list::<i32>().clone();
        let structs = lists.values().as_struct();
        let column = |name, kind: Kind| {
            let column = structs.column_by_name(name);
            let Some(column) = column else {
                return Ok(None);
            };
            let Some(data_type) = kind.coerced(column.data_type()) else {
                return exec_err!(
                    "{}: the `{name}` of a step is not {}",
                    MANUAL.name,
                    kind.expected()
                );
            };
            Ok(Some(cast(column, &data_type)?))
        };
        let number = |name| {
            column(name, Kind::Number)?
                .map(|c| Number::new(&c))
                .transpose()
        };
        let from = column("from_unit", Kind::Integer)?.ok_or_else(|| lacks("from_unit"))?;
        Ok(Self {
            from: from.as_primitive().clone(),
            unit_price: number("unit_price")?.ok_or_else(|| lacks("unit_price"))?,
            flat_fee: number("flat_fee")?,
            minimum: number("minimum")?,
            lists,
        })
    }

    fn of(&self, row: usize) -> Result<Option<Vec<Step>>> {
        if self.lists.is_null(row) {
            return Ok(None);
        }
        let offsets = self.lists.value_offsets();
        let at = |offset: i32| usize::try_from(offset).unwrap_or_default();
        let steps = at(offsets[row])..at(offsets[row + 1]);
        steps
            .map(|at| self.step(at))
            .collect::<Result<_>>()
            .map(Some)
    }

    fn step(&self, at: usize) -> Result<Step> {
        let part = |number: &Number| number.get(at).map_err(|error| failed(MANUAL.name, &error));
        let needed = |number: &Number, name| part(number)?.ok_or_else(|| lacks(name));
        let maybe = |number: &Option<Number>| match number {
            Some(number) => part(number).map(Option::unwrap_or_default),
            None => Ok(Exact::default()),
        };
        if self.from.is_null(at) {
            return Err(lacks("from_unit"));
        }
        Ok(Step {
            from: self.from.value(at),
            unit_price: needed(&self.unit_price, "unit_price")?,
            flat_fee: maybe(&self.flat_fee)?,
            minimum: maybe(&self.minimum)?,
        })
    }
}

fn lacks(part: &str) -> DataFusionError {
    exec_datafusion_err!("{}: a step has no `{part}`", MANUAL.name)
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    const STEPS: &str =
        "(VALUES (100, 0.05, 7), (0, 0.10, 3)) AS t (from_unit, unit_price, flat_fee)";
    const LIST: &str = "array_agg(named_struct('from_unit', from_unit, 'unit_price', unit_price,
                                               'flat_fee', flat_fee))";

    #[tokio::test]
    async fn steps_come_in_any_order() {
        let sql = format!(
            "SELECT tiered_charge(120, {LIST}, 'graduated'), tiered_charge(120, {LIST}, 'volume'),
                    tiered_charge(NULL, {LIST}, 'volume') FROM {STEPS}"
        );
        let expected = "21.000000000000|13.000000000000|-";
        assert_eq!(row(&session().await, &sql).await, expected);
    }

    #[tokio::test]
    async fn what_is_no_tariff_is_refused() {
        for (arguments, expected) in [
            (
                "1, [named_struct('from_unit', 5, 'unit_price', 1)], 'volume'",
                "tiered_charge: no step prices the first 5 units",
            ),
            (
                "1, [named_struct('from_unit', 0, 'unit_price', -1)], 'volume'",
                "tiered_charge: the unit price of the step from 0 is negative",
            ),
            (
                "1, [named_struct('from_unit', 0, 'unit_price', 1)], 'tiered'",
                "tiered_charge: `tiered` is not a mode: it is `graduated` or `volume`",
            ),
            (
                "-1, [named_struct('from_unit', 0, 'unit_price', 1)], 'volume'",
                "tiered_charge: the usage is negative",
            ),
            (
                "1, [named_struct('from', 0, 'unit_price', 1)], 'volume'",
                "argument `steps` at position 2",
            ),
        ] {
            let sql = format!("SELECT tiered_charge({arguments})");
            let refused = error(&session().await, &sql).await;
            assert!(refused.contains(expected), "{refused}");
        }
    }
}

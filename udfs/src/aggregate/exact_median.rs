//! `exact_median(value)`: the middle value of a group, or the mean of its two middle values.
//!
//! The result has one decimal more than the values, which holds that mean exactly; DataFusion's own
//! `median` truncates it for decimals and makes a float of integers.

use std::fmt::Debug;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ArrowNativeTypeOp, AsArray, PrimitiveArray};
use datafusion::arrow::datatypes::{
    ArrowNativeType, DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type,
    Decimal256Type, DecimalType, Field, FieldRef,
};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, ReversedUDAF, Signature,
};

use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "exact_median",
    section: "Patterns",
    description: "The middle value, or the exact mean of the two middle values, with one decimal more; NULL without values.",
    parameters: &[Parameter::required(
        "value",
        Kind::Number,
        "The values; NULL is none of them.",
    )],
    over: "",
    example: "SELECT plan, exact_median(mrr) FROM customers GROUP BY plan;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ExactMedian {
    face: Face,
}

impl ExactMedian {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl AggregateUDFImpl for ExactMedian {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        MANUAL.coerce(given)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [DataType::Decimal128(precision, scale)] if *scale < MOST_DECIMALS_128 => {
                let precision = DECIMAL128_MAX_PRECISION.min(precision.saturating_add(1));
                Ok(DataType::Decimal128(precision, scale.saturating_add(1)))
            }
            [DataType::Decimal256(precision, scale)] if *scale < MOST_DECIMALS_256 => {
                let precision = DECIMAL256_MAX_PRECISION.min(precision.saturating_add(1));
                Ok(DataType::Decimal256(precision, scale.saturating_add(1)))
            }
            _ => plan_err!(
                "{}: argument `value` at position 1 leaves no room for one decimal more",
                MANUAL.name
            ),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let value_type = args.expr_fields[0].data_type().clone();
        let median_type = args.return_field.data_type().clone();
        Ok(match value_type {
            DataType::Decimal256(..) => Box::new(Values::<Decimal256Type>::new(
                value_type,
                median_type,
                args.is_distinct,
            )),
            _ => Box::new(Values::<Decimal128Type>::new(
                value_type,
                median_type,
                args.is_distinct,
            )),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let values = Field::new_list_field(args.input_fields[0].data_type().clone(), true);
        let name = format_state_name(args.name, "values");
        Ok(vec![Arc::new(Field::new_list(name, values, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }
}

const MOST_DECIMALS_128: i8 = 38;
const MOST_DECIMALS_256: i8 = 76;

/// All values of a group.
#[derive(Debug)]
struct Values<T: DecimalType> {
    all: Vec<T::Native>,
    value_type: DataType,
    median_type: DataType,
    is_distinct: bool,
}

impl<T: DecimalType<Native: Ord> + Debug> Values<T> {
    fn new(value_type: DataType, median_type: DataType, is_distinct: bool) -> Self {
        Self {
            all: vec![],
            value_type,
            median_type,
            is_distinct,
        }
    }

    /// Twice the median, and then five times that: a tenth of it is the median.
    fn tenfold(&mut self) -> Result<Option<T::Native>> {
        self.all.sort_unstable();
        if self.is_distinct {
            self.all.dedup();
        }
        let Some(last) = self.all.len().checked_sub(1) else {
            return Ok(None);
        };
        let (low, high) = (self.all[last / 2], self.all[last.div_ceil(2)]);
        let twice = low.add_checked(high);
        let tenfold = twice.and_then(|twice| twice.mul_checked(T::Native::usize_as(5)));
        tenfold.map(Some).map_err(|_| self.overflows())
    }

    fn overflows(&self) -> DataFusionError {
        exec_datafusion_err!("{} overflows {}", MANUAL.name, self.median_type)
    }
}

impl<T: DecimalType<Native: Ord> + Debug> Accumulator for Values<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = values[0].as_primitive::<T>();
        self.all.extend(batch.iter().flatten());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let median = self.tenfold()?;
        let (precision, scale) = match self.median_type {
            DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
                (precision, scale)
            }
            ref other => return plan_err!("{other} is no median's type"),
        };
        let fits = |value| T::validate_decimal_precision(value, precision, scale).is_ok();
        if median.is_some_and(|median| !fits(median)) {
            return Err(self.overflows());
        }
        ScalarValue::new_primitive::<T>(median, &self.median_type)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = PrimitiveArray::<T>::from_iter_values(self.all.iter().copied());
        let values = Arc::new(values.with_data_type(self.value_type.clone()));
        Ok(vec![
            SingleRowListArrayBuilder::new(values).build_list_scalar(),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let mut lists = states[0].as_list::<i32>().iter().flatten();
        lists.try_for_each(|values| self.update_batch(&[values]))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.all.capacity() * size_of::<T::Native>()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionConfig;

    use crate::testing::{error, row, rows, session, session_with};

    #[tokio::test]
    async fn the_mean_of_two_middle_values_loses_nothing() {
        let sql = "SELECT exact_median(n), exact_median(d), exact_median(n) FILTER (WHERE n > 1),
                   exact_median(n) FILTER (WHERE n > 9), exact_median(DISTINCT n)
                   FROM (VALUES (1, 0.01), (2, 0.02), (7, -0.5), (NULL, NULL), (2, 9)) t (n, d)";
        assert_eq!(row(&session().await, sql).await, "2.0|0.015|2.0|-|2.0");
        let sql = "SELECT exact_median(n), exact_median(arrow_cast(n, 'Decimal256(60, 2)'))
                   FROM (VALUES (-3), (-2)) t (n)";
        assert_eq!(row(&session().await, sql).await, "-2.5|-2.500");
    }

    #[tokio::test]
    async fn neither_batches_nor_partitions_change_it() {
        let mut found = vec![];
        for (batch_size, partitions) in [(3, 4), (8192, 1)] {
            let config = SessionConfig::new().with_batch_size(batch_size);
            let context = session_with(&config.with_target_partitions(partitions));
            let sql =
                "SELECT value % 5 AS g, exact_median(value), count(*) FROM generate_series(1, 100)
                       GROUP BY g ORDER BY g";
            found.push(rows(&context, sql).await.unwrap());
        }
        // 5, 10 … 100 and 1, 6 … 96: twenty values each.
        assert_eq!(found[0][..2], ["0|52.5|20", "1|48.5|20"]);
        assert_eq!(found[0], found[1]);
    }

    #[tokio::test]
    async fn a_partition_has_its_median_beside_every_row() {
        let sql = "SELECT n, exact_median(n) OVER (PARTITION BY g) FROM (VALUES (1, 1), (1, 4), (2, 9)) t (g, n)
                   ORDER BY n";
        let expected = ["1|2.5", "4|2.5", "9|9.0"];
        assert_eq!(rows(&session().await, sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn what_has_no_median_is_said() {
        let float = error(&session().await, "SELECT exact_median(1::double)").await;
        assert!(
            float.contains("argument `value` at position 1 is Float64"),
            "{float}"
        );
        let large = format!("SELECT exact_median({}.0)", "9".repeat(37));
        let large = error(&session().await, &large).await;
        assert!(
            large.contains("exact_median overflows Decimal128(38, 2)"),
            "{large}"
        );
        let fine = "SELECT exact_median(arrow_cast(0, 'Decimal128(38, 38)'))";
        let fine = error(&session().await, fine).await;
        assert!(fine.contains("no room for one decimal more"), "{fine}");
    }
}

//! `sum(expression)`: the sum of a group's values; an error where the built-in one wraps.
//!
//! It takes the built-in's name, arguments and result types, so that every query is checked without
//! asking for it. Integers and decimals are summed here; floats, durations and intervals by the
//! built-in.

use std::sync::Arc;

use datafusion::arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Field, FieldRef,
    Int64Type, UInt64Type,
};
use datafusion::common::Result;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature,
};

use super::checked::Sought;
use super::distinct_sum::DistinctSum;
use super::grouped_sum::GroupedSum;
use super::running_sum::RunningSum;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "sum",
    section: "Money",
    description: "The sum of the values; an error where it overflows.",
    parameters: &[Parameter::required(
        "expression",
        Kind::Any,
        "A number, a duration or an interval.",
    )],
    over: "",
    example: "SELECT sum(billed_cost) FROM billing;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sum {
    builtin: Arc<AggregateUDF>,
    face: Face,
}

impl Sum {
    pub(crate) fn new() -> Self {
        let builtin = sum_udaf();
        let signature = builtin.signature().clone();
        Self {
            builtin,
            face: Face {
                signature,
                ..MANUAL.face()
            },
        }
    }
}

/// Makes an accumulator for the result's type, or hands over to the built-in.
macro_rules! accumulator {
    ($accumulator:ident, $args:ident, $builtin:expr) => {{
        let sought = Sought {
            name: $args.name.to_owned(),
            data_type: $args.return_field.data_type().clone(),
        };
        match &sought.data_type {
            DataType::Int64 => Ok(Box::new($accumulator::<Int64Type>::new(sought))),
            DataType::UInt64 => Ok(Box::new($accumulator::<UInt64Type>::new(sought))),
            DataType::Decimal32(..) => Ok(Box::new($accumulator::<Decimal32Type>::new(sought))),
            DataType::Decimal64(..) => Ok(Box::new($accumulator::<Decimal64Type>::new(sought))),
            DataType::Decimal128(..) => Ok(Box::new($accumulator::<Decimal128Type>::new(sought))),
            DataType::Decimal256(..) => Ok(Box::new($accumulator::<Decimal256Type>::new(sought))),
            _ => $builtin($args),
        }
    }};
}

/// Whether values of the type are summed here.
fn is_checked(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::UInt64) || data_type.is_decimal()
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.builtin.return_type(given)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            accumulator!(DistinctSum, args, |args| self.builtin.accumulator(args))
        } else {
            accumulator!(RunningSum, args, |args| self.builtin.accumulator(args))
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            accumulator!(DistinctSum, args, |args| self
                .builtin
                .create_sliding_accumulator(args))
        } else {
            accumulator!(RunningSum, args, |args| self
                .builtin
                .create_sliding_accumulator(args))
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.builtin.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        accumulator!(GroupedSum, args, |args| self
            .builtin
            .create_groups_accumulator(args))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "carried");
        let is_checked = is_checked(args.return_field.data_type()) && !args.is_distinct;
        let mut fields = self.builtin.state_fields(args)?;
        if is_checked {
            fields.push(Arc::new(Field::new(name, DataType::Int32, false)));
        }
        Ok(fields)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.builtin.inner().set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionConfig;

    use super::*;
    use crate::testing::{error, row, rows, session, session_with};

    const NINES: &str = "99999999999999999999999999.999999999999";

    #[tokio::test]
    async fn overflow_is_an_error_in_every_form_of_sum() {
        let context = session_with(
            &SessionConfig::new()
                .with_target_partitions(3)
                .with_batch_size(2),
        );
        for column in [
            format!("(VALUES ({NINES}), (-1 + {NINES}), (1.000000000000))"),
            "(VALUES (9223372036854775807), (1), (2))".to_owned(),
            "(SELECT arrow_cast(column1, 'UInt64') AS column1 FROM (VALUES (18446744073709551615), (1), (2)))"
                .to_owned(),
        ] {
            for form in [
                "SELECT sum(column1) FROM {}",
                "SELECT 1 AS g, sum(column1) FROM {} GROUP BY g",
                "SELECT sum(column1) FILTER (WHERE column1 > 0) FROM {} GROUP BY column1 > 0",
                "SELECT sum(DISTINCT column1) FROM {}",
                "SELECT sum(DISTINCT column1), count(DISTINCT column1 IS NULL) FROM {}",
                "SELECT sum(column1) OVER () FROM {}",
                "SELECT sum(column1) OVER (ORDER BY column1) FROM {}",
                "SELECT sum(column1) OVER (ORDER BY column1 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {}",
            ] {
                let sql = form.replace("{}", &column);
                let error = error(&context, &sql).await;
                assert!(error.contains("verflow"), "{sql}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn a_sum_that_its_type_holds_is_one_in_whatever_order_its_values_come() {
        let digits = |count: usize| "9".repeat(count);
        for (data_type, largest) in [
            ("Int64", i64::MAX.to_string()),
            ("Decimal32(9, 0)", digits(9)),
            ("Decimal64(18, 0)", digits(18)),
            ("Decimal128(38, 0)", digits(38)),
            ("Decimal256(76, 0)", digits(76)),
        ] {
            // Seven times the largest leave every type on the way.
            let values = [largest.clone(), format!("-{largest}")].map(|value| {
                format!("SELECT 1 AS g, arrow_cast('{value}', '{data_type}') AS v FROM generate_series(1, 7)")
            });
            let five = format!("SELECT 1 AS g, arrow_cast('5', '{data_type}') AS v");
            for parts in [
                [&values[0], &values[1], &five],
                [&five, &values[1], &values[0]],
            ] {
                let parts = parts.map(String::as_str).join(" UNION ALL ");
                for (partitions, batch_size) in [(1, 3), (3, 8192)] {
                    let config = SessionConfig::new().with_target_partitions(partitions);
                    let context = session_with(&config.with_batch_size(batch_size));
                    for form in [
                        "SELECT sum(v) FROM {}",
                        "SELECT sum(v) FROM {} GROUP BY g",
                        "SELECT sum(v) FILTER (WHERE v <> 0) FROM {} GROUP BY g",
                        "SELECT sum(v) FROM {} GROUP BY GROUPING SETS ((g))",
                        "SELECT DISTINCT sum(v) OVER () FROM {}",
                        "SELECT sum(DISTINCT v) FROM {} GROUP BY g",
                    ] {
                        let sql = form.replace("{}", &format!("({parts})"));
                        assert_eq!(row(&context, &sql).await, "5", "{data_type}: {form}");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn types_and_results_are_those_of_the_built_in() {
        let checked = session().await;
        let builtin = session_with(&SessionConfig::new());
        builtin.register_udaf(sum_udaf().as_ref().clone());
        let numbers = "(VALUES (1), (2), (2), (NULL), (-7)) t (n)";
        for data_type in [
            "Int8",
            "Int64",
            "UInt64",
            "Float64",
            "Decimal32(5, 1)",
            "Decimal64(10, 2)",
            "Decimal128(20, 3)",
            "Decimal256(50, 4)",
            "Duration(s)",
        ] {
            let n = format!("arrow_cast(n, '{data_type}')");
            let n = if data_type == "UInt64" {
                format!("arrow_cast(abs(n), '{data_type}')")
            } else {
                n
            };
            for form in [
                "SELECT sum({n}), arrow_typeof(sum({n})) FROM {t}",
                "SELECT n > 0 AS g, sum({n}), sum({n}) FILTER (WHERE n > 1) FROM {t} GROUP BY g ORDER BY g",
                "SELECT sum({n}) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {t}",
                "SELECT sum({n}) OVER (ORDER BY n) FROM {t}",
                "SELECT sum({n}) FROM {t} WHERE n > 100",
            ] {
                let sql = form.replace("{n}", &n).replace("{t}", numbers);
                let expected = rows(&builtin, &sql).await.unwrap();
                assert_eq!(rows(&checked, &sql).await.unwrap(), expected, "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn a_distinct_sum_counts_each_value_once() {
        let sql = "SELECT sum(DISTINCT n), sum(DISTINCT d), sum(n)
            FROM (SELECT n, n::decimal(10, 2) AS d FROM (VALUES (1), (2), (2), (NULL)) t (n))";
        assert_eq!(row(&session().await, sql).await, "3|3.00|5");
        let frames =
            "SELECT sum(DISTINCT n) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
                      FROM (VALUES (1.5), (2.5), (2.5)) t (n)";
        assert_eq!(
            rows(&session().await, frames).await.unwrap(),
            ["1.5", "4.0", "2.5"]
        );
    }

    #[tokio::test]
    async fn a_frame_that_slides_does_not_overflow_on_the_way() {
        let sql = format!(
            "SELECT sum(v) OVER (ORDER BY n ROWS BETWEEN CURRENT ROW AND CURRENT ROW)
             FROM (VALUES (1, {NINES}), (2, {NINES}), (3, -{NINES})) t (n, v)"
        );
        let expected = [NINES.to_owned(), NINES.to_owned(), format!("-{NINES}")];
        assert_eq!(rows(&session().await, &sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn many_groups_in_many_batches_are_summed_in_any_order() {
        let mut results = Vec::new();
        for (batch_size, partitions) in [(3, 4), (8192, 1)] {
            let config = SessionConfig::new().with_batch_size(batch_size);
            let context = session_with(&config.with_target_partitions(partitions));
            let sql = "SELECT g, sum(v), sum(d) FROM (SELECT g, v, v::decimal(38, 12) AS d FROM (
                SELECT value % 50 AS g, nullif(value % 3, 0) * value AS v FROM generate_series(1, 3000) t (value)))
                GROUP BY g ORDER BY g";
            results.push(rows(&context, sql).await.unwrap());
        }
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0].len(), 50);
    }
}

//! `apportion(amount, weight [, scale]) OVER (PARTITION BY charge ORDER BY key)`: a row's part of
//! its partition's amount.
//!
//! The parts of a partition sum to its amount exactly; see [`split`] for who gets the odd units.
//! The ORDER BY is the key that breaks ties: it must tell the rows of a partition apart, so that
//! the result depends on the rows alone and not on their order, the batches or the number of
//! machines.
//!
//! What is refused: no ORDER BY, two rows with one key, an amount that varies or is NULL, a weight
//! that is negative or NULL, and an amount that nobody has weight to bear.

use std::fmt::Display;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Array, make_comparator};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{Documentation, PartitionEvaluator, Signature, WindowUDFImpl};
use ruint::aliases::U256;

use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::Number;
use crate::money::split::split;

pub(crate) static MANUAL: Manual = Manual {
    name: "apportion",
    section: "Attribution",
    description: "A row's part of its partition's amount, in proportion to its weight, by largest remainder: the parts sum to the amount exactly.",
    parameters: &[
        Parameter::required(
            "amount",
            Kind::Number,
            "What is split; the same in every row of a partition.",
        ),
        Parameter::required(
            "weight",
            Kind::Number,
            "The row's weight, zero or more; zero bears nothing.",
        ),
        Parameter::optional(
            "scale",
            Kind::Integer,
            "The parts' decimals: a literal from 0 to 12, which is the default.",
        ),
    ],
    over: " OVER (PARTITION BY … ORDER BY key)",
    example: "SELECT apportion(billed_cost, tokens) OVER (PARTITION BY charge_id ORDER BY customer_id) FROM covered;",
};

/// Arguments before the keys, which the planner appends.
const KEYS_START: usize = 3;
pub(crate) const PRECISION: u8 = 38;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Apportion {
    face: Face,
}

impl Apportion {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl WindowUDFImpl for Apportion {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(&MANUAL, given)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        field(&args)
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let scale = scale(&args)?;
        Ok(Box::new(Parts { scale }))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }
}

/// The first two arguments are numbers; the scale's type and the keys stay as the planner gave
/// them.
pub(super) fn coerce(manual: &Manual, given: &[DataType]) -> Result<Vec<DataType>> {
    let [amount, weight, scale, keys @ ..] = given else {
        return without_key();
    };
    if keys.is_empty() {
        return without_key();
    }
    let mut coerced = manual.coerce(&[amount.clone(), weight.clone()])?;
    coerced.push(scale.clone());
    coerced.extend_from_slice(keys);
    Ok(coerced)
}

/// The result has the type that stands in the scale's place.
pub(super) fn field(args: &WindowUDFFieldArgs) -> Result<FieldRef> {
    match args.input_fields() {
        [_, _, scale, _, ..] => {
            let data_type = scale.data_type().clone();
            Ok(Arc::new(Field::new(args.name(), data_type, true)))
        }
        _ => without_key(),
    }
}

pub(super) fn scale(args: &PartitionEvaluatorArgs) -> Result<i8> {
    let scale = args.input_fields().get(KEYS_START - 1);
    match scale.map(|field| field.data_type()) {
        Some(DataType::Decimal128(_, scale)) => Ok(*scale),
        _ => without_key(),
    }
}

/// The window's ORDER BY reaches the function as arguments only by way of `ApportionPlanner`.
pub(super) fn without_key<T>() -> Result<T> {
    plan_err!(
        "apportion needs a key that tells the rows of a partition apart: \
         apportion(amount, weight) OVER (PARTITION BY charge_id ORDER BY customer_id)"
    )
}

/// Splits one partition's amount.
#[derive(Debug)]
struct Parts {
    scale: i8,
}

impl PartitionEvaluator for Parts {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [amount, weight, _, keys @ ..] = values else {
            return without_key();
        };
        first_changes(keys, rows)?;
        let refused = |row, why: &dyn Display| refused(keys, row, why);
        let all: Vec<usize> = (0..rows).collect();
        let total = total(self.scale, &Number::new(amount)?, &all, refused)?;
        let weights = weights(&Number::new(weight)?, rows, keys)?;
        let parts = split(total, &weights).map_err(|error| refused(0, &error))?;
        let parts = Decimal128Array::from_iter_values(parts);
        Ok(Arc::new(
            parts.with_precision_and_scale(PRECISION, self.scale)?,
        ))
    }
}

/// Of each row, the first key in which it differs from the row before; an error where it differs in
/// none. Rows come in the order of their keys, so that equal keys are neighbours.
///
/// Partitions are small and many: it pays to ask row by row.
pub(super) fn first_changes(keys: &[ArrayRef], rows: usize) -> Result<Vec<usize>> {
    let mut changes = vec![keys.len(); rows];
    let keys_that_vary = keys.iter().enumerate();
    for (at, key) in keys_that_vary.filter(|(_, key)| key.null_count() < rows) {
        let order = make_comparator(key, key, SortOptions::default())?;
        for (row, change) in changes.iter_mut().enumerate().skip(1) {
            if *change == keys.len() && order(row - 1, row).is_ne() {
                *change = at;
            }
        }
    }
    if let Some(first) = changes.first_mut() {
        *first = 0;
    }
    match changes.iter().position(|change| *change == keys.len()) {
        Some(row) => Err(refused(keys, row, "two rows of a partition have this key")),
        None => Ok(changes),
    }
}

/// The partition's amount, rounded once to the parts' scale.
pub(crate) fn total(
    scale: i8,
    amounts: &Number,
    rows: &[usize],
    refused: impl Fn(usize, &dyn Display) -> DataFusionError,
) -> Result<i128> {
    let Some(first) = rows.first() else {
        return Ok(0);
    };
    let units = amounts.units(*first);
    if let Some(row) = rows.iter().find(|row| amounts.units(**row) != units) {
        return Err(refused(*row, &"the amount varies in its partition"));
    }
    let amount = amounts
        .get(*first)
        .map_err(|error| refused(*first, &error))?;
    let amount = amount.ok_or_else(|| refused(*first, &"the amount is NULL"))?;
    let units = amount
        .rounded(scale.into())
        .and_then(|units| units.to_i128(PRECISION));
    units.map_err(|error| refused(*first, &error))
}

fn weights(weights: &Number, rows: usize, keys: &[ArrayRef]) -> Result<Vec<U256>> {
    let weight = |row| match weights.units(row) {
        Some((false, units)) => Ok(units),
        Some((true, _)) => Err(refused(keys, row, "the weight is negative")),
        None => Err(refused(keys, row, "the weight is NULL")),
    };
    (0..rows).map(weight).collect()
}

/// An error that names the row by its key.
pub(crate) fn refused(keys: &[ArrayRef], row: usize, why: impl Display) -> DataFusionError {
    let value =
        |key: &ArrayRef| ScalarValue::try_from_array(key, row).map(|value| value.to_string());
    let key: Vec<String> = keys.iter().filter_map(|key| value(key).ok()).collect();
    exec_datafusion_err!("apportion: {why}\n  at: key `{}`", key.join(", "))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionConfig;

    use crate::testing::{error, row, rows, session, session_with};

    const ROWS: &str = "(VALUES ('x', 'a', 1), ('x', 'b', 1), ('x', NULL, 1), ('y', 'a', 0), ('y', 'b', 5)) t (charge, key, weight)";

    #[tokio::test]
    async fn the_odd_units_go_to_the_first_keys() {
        let sql = format!(
            "SELECT charge, key, apportion(1.00, weight) OVER (PARTITION BY charge ORDER BY key)
             FROM {ROWS} ORDER BY charge, key"
        );
        let expected = [
            "x|a|0.333333333334",
            "x|b|0.333333333333",
            "x|-|0.333333333333",
            "y|a|0.000000000000",
            "y|b|1.000000000000",
        ];
        assert_eq!(rows(&session().await, &sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn the_scale_is_the_literal_that_is_given() {
        let sql = format!(
            "SELECT apportion(10.005, weight, scale => 2) OVER (PARTITION BY charge ORDER BY key DESC) AS part,
                arrow_typeof(apportion(10, weight, 0) OVER (PARTITION BY charge ORDER BY key))
             FROM {ROWS} WHERE charge = 'x' ORDER BY key"
        );
        let expected = ["3.33", "3.33", "3.34"].map(|part| format!("{part}|Decimal128(38, 0)"));
        assert_eq!(rows(&session().await, &sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn the_column_is_named_as_it_was_written() {
        let sql = format!(
            "SELECT apportion(1.00, weight) OVER (PARTITION BY charge ORDER BY key) FROM {ROWS}"
        );
        let frame = session().await.sql(&sql).await.unwrap();
        let name = frame.schema().field(0).name();
        assert!(
            name.starts_with("apportion(Decimal128(1.00,3,2),t.weight) PARTITION BY"),
            "{name}"
        );
    }

    #[tokio::test]
    async fn it_stands_in_expressions_over_groups() {
        let sql = format!(
            "SELECT key, apportion(max(2), sum(weight)) OVER (ORDER BY key) * 2 AS twice
             FROM {ROWS} WHERE key IS NOT NULL GROUP BY key ORDER BY key"
        );
        let expected = ["a|0.571428571428", "b|3.428571428572"];
        assert_eq!(rows(&session().await, &sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn what_has_no_one_answer_is_refused() {
        let context = session().await;
        for (call, why) in [
            (
                "apportion(1, weight) OVER (PARTITION BY charge)",
                "needs a key",
            ),
            (
                "apportion(1, weight) OVER (ORDER BY key)",
                "two rows of a partition have this key\n  at: key `a`",
            ),
            (
                "apportion(weight, 1) OVER (PARTITION BY charge ORDER BY key)",
                "amount varies",
            ),
            (
                "apportion(NULL, weight) OVER (PARTITION BY charge ORDER BY key)",
                "amount is NULL",
            ),
            (
                "apportion(1, weight - 2) OVER (PARTITION BY charge ORDER BY key)",
                "weight is negative",
            ),
            (
                "apportion(1, nullif(weight, 0)) OVER (PARTITION BY charge ORDER BY key)",
                "weight is NULL",
            ),
            (
                "apportion(1, 0) OVER (PARTITION BY charge ORDER BY key)",
                "every weight is zero",
            ),
            (
                "apportion(1, weight, 13) OVER (PARTITION BY charge ORDER BY key)",
                "literal from 0 to 12",
            ),
            (
                "apportion(1, weight, weight) OVER (PARTITION BY charge ORDER BY key)",
                "literal from 0 to 12",
            ),
            ("apportion(1) OVER (ORDER BY key)", "takes 2 to 3 arguments"),
            (
                "apportion(1, 1::double) OVER (ORDER BY key)",
                "argument `weight` at position 2 is Float64",
            ),
            (
                "apportion(1, 1) FILTER (WHERE weight > 0) OVER (ORDER BY key)",
                "neither FILTER nor DISTINCT",
            ),
        ] {
            let error = error(&context, &format!("SELECT {call} FROM {ROWS}")).await;
            assert!(error.contains(why), "{call}: {error}");
        }
    }

    #[tokio::test]
    async fn nothing_to_split_needs_no_weight() {
        let sql = "SELECT apportion(0, 0) OVER (ORDER BY column1) FROM (VALUES (1))";
        assert_eq!(row(&session().await, sql).await, "0.000000000000");
    }

    #[tokio::test]
    async fn batches_and_partitions_change_nothing() {
        let mut results = Vec::new();
        for (batch_size, partitions) in [(1, 1), (7, 3), (8192, 1), (100, 8)] {
            let config = SessionConfig::new().with_batch_size(batch_size);
            let context = session_with(&config.with_target_partitions(partitions));
            let sql = "WITH rows AS (
                SELECT value % 37 AS charge, value AS key, value * 7919 % 101 AS weight
                FROM generate_series(1, 2000) t (value)),
            parts AS (
                SELECT charge, key, apportion(charge + 0.01, weight) OVER (PARTITION BY charge ORDER BY key) AS part
                FROM rows)
            SELECT charge, key, part, sum(part) OVER (PARTITION BY charge) = charge + 0.01 AS conserved
            FROM parts ORDER BY charge, key";
            results.push(rows(&context, sql).await.unwrap());
        }
        assert_eq!(results[0].len(), 2000);
        assert!(
            results[0].iter().all(|row| row.ends_with("true")),
            "parts sum to the amount"
        );
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[tokio::test]
    async fn keys_come_in_every_encoding() {
        for encoding in ["Utf8", "LargeUtf8", "Utf8View", "Dictionary(Int32, Utf8)"] {
            let sql = format!(
                "SELECT apportion(1, weight) OVER (PARTITION BY charge ORDER BY arrow_cast(key, '{encoding}'), weight)
                 FROM {ROWS} WHERE charge = 'y' ORDER BY key"
            );
            let expected = ["0.000000000000", "1.000000000000"];
            assert_eq!(
                rows(&session().await, &sql).await.unwrap(),
                expected,
                "{encoding}"
            );
        }
    }
}

//! `price_id(provider, model, called_at, input_tokens, output_tokens, …)`: which row of the price book
//! prices a call.
//!
//! Calls of one number are priced alike, token by token, so that their tokens may be added up first
//! and priced once: `price_cost_parts`. Below zero it says why no row does. A number means something
//! only beside the same price book.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{AsArray, Int32Array};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::calls::{Calls, PARAMETERS, PriceTable};
use crate::columnar::arguments::Arguments;
use crate::columnar::manual::{Face, Manual};
use crate::columnar::places::each_place;
use crate::columnar::remembered::{Remembered, Values};
use crate::reference::Reference;

pub(crate) static MANUAL: Manual = Manual {
    name: "price_id",
    section: "Pricing",
    description: "The number of the price that holds for a call; below zero why none does: -1 model, -2 date, -3 tier, -4 threshold, -5 invalid usage.",
    parameters: PARAMETERS,
    over: "",
    example: "SELECT price_id(provider, model, called_at, input_tokens, output_tokens), sum(input_tokens) FROM ledger GROUP BY 1;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PriceIdOf {
    face: Face,
    pub(crate) reference: Arc<Reference>,
    /// What was charged when names were met last, in their places.
    tables: Remembered<[Given; 3], Arc<Mutex<PriceTable>>>,
}

impl PriceIdOf {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
            tables: Remembered::default(),
        }
    }
}

impl ScalarUDFImpl for PriceIdOf {
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
        Ok(DataType::Int32)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let calls = Calls::new(&Arguments::new(&MANUAL, &args))?;
        let rows = args.number_rows;
        let ids = if let Some(places) = Places::of(&args) {
            let table = || Ok(Arc::new(Mutex::new(PriceTable::new(places.count))));
            let table = self.tables.get_or(places.names, table)?;
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            calls.ids(&places.of_row, &mut table, &self.reference)
        } else {
            let codes = calls.codes(rows);
            let places: Vec<_> = (0..rows).map(|row| codes.get(row)).collect();
            let mut table = PriceTable::new(codes.distinct());
            calls.ids(&places, &mut table, &self.reference)
        };
        Ok(ColumnarValue::Array(Arc::new(Int32Array::from(ids))))
    }
}

/// The names of a column: those of a dictionary, or one for all rows.
#[derive(PartialEq)]
enum Given {
    Dictionary(Values),
    One(ScalarValue),
}

/// Where the names of each row stand in a table of all that there may be together.
struct Places {
    names: [Given; 3],
    of_row: Vec<usize>,
    count: usize,
}

impl Places {
    /// Nothing where names are no dictionaries, or together too many for so few rows.
    fn of(args: &ScalarFunctionArgs) -> Option<Self> {
        let most = 2 * args.number_rows;
        let mut count = 1_usize;
        let mut of_row = vec![0; args.number_rows];
        let mut names = |position: usize| {
            let Some(ColumnarValue::Array(column)) = args.args.get(position) else {
                return Some(Given::One(match args.args.get(position) {
                    Some(ColumnarValue::Scalar(name)) => name.clone(),
                    _ => ScalarValue::Null,
                }));
            };
            let column = column.as_dictionary_opt::<Int32Type>()?;
            let values = column.values();
            // Places of a power of two are shifted, not multiplied.
            let shift = count.trailing_zeros();
            count = count.checked_mul((values.len() + 1).next_power_of_two())?;
            if count > most {
                return None;
            }
            each_place(column.keys(), values.len(), &mut of_row, |of_row, place| {
                *of_row |= place << shift;
            });
            Some(Given::Dictionary(Values(Arc::clone(values))))
        };
        let names = [names(0)?, names(1)?, names(9)?];
        (count > 1).then_some(Self {
            names,
            of_row,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use datafusion::arrow::array::{
        ArrayRef, DictionaryArray, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::Field;
    use datafusion::execution::FunctionRegistry;

    use super::*;
    use crate::testing::{assert_over_every_text, row, rows, session};

    #[tokio::test]
    async fn calls_of_one_price_have_one_number() {
        let sql = "SELECT count(DISTINCT id), min(id) >= 0 FROM (
            SELECT price_id('openai', 'gpt-4o', column1, column2, 1, 0, 0, 0, 0, column3) AS id FROM (VALUES
                ('2026-03-01', 1, NULL), ('2026-06-30', 200000, 'standard'),
                ('2026-03-01', 200001, NULL), ('2026-07-01', 1, NULL), ('2026-03-01', 1, 'batch')))";
        assert_eq!(row(&session().await, sql).await, "4|true");
        assert_over_every_text("price_id({x}, 'claude', now(), 1, 1)", "openai", "-1").await;
    }

    #[tokio::test]
    async fn a_call_without_a_price_has_the_number_of_the_reason() {
        let sql = "SELECT price_id('openai', column1, column2, column3, 1) FROM (VALUES
                ('claude', '2026-03-01', 1), ('gpt-4o', '2025-12-31', 1), ('flex-only', '2026-03-01', 1),
                ('long-only', '2026-03-01', 1000), ('gpt-4o', '2026-03-01', -1), ('gpt-4o', NULL, 1))";
        let expected = ["-1", "-2", "-3", "-4", "-5", "-2"];
        assert_eq!(rows(&session().await, sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn names_in_dictionaries_have_the_prices_of_plain_ones() {
        let context = session().await;
        let ids = |encoding: &str, tier: &str| {
            let cast = |column: &str| format!("arrow_cast({column}, '{encoding}')");
            let (provider, model) = (cast("provider"), cast("model"));
            format!(
                "SELECT n, price_id({provider}, {model}, called_at, input, 1, 0, 0, 0, 0, {tier})
                 FROM (
                     SELECT value AS n,
                         nullif(['openai', 'deepseek', 'nobody', ''][value % 4 + 1], '') AS provider,
                         nullif(['gpt-4o', 'chat', 'gpt-4', 'flex-only', 'long-only', ''][value % 6 + 1], '') AS model,
                         nullif(['standard', 'batch', 'flex', ''][value % 5], '') AS tier,
                         CASE WHEN value % 7 <> 0
                             THEN to_timestamp_seconds(1782777600 + value % 60 * 3600) END AS called_at,
                         (value % 3) * 150000 - (value % 11) / 10 AS input
                     FROM generate_series(1, 3000) AS t (value)
                 ) ORDER BY n"
            )
        };
        for tier in ["tier", "NULL", "'batch'"] {
            let plain = rows(&context, &ids("Utf8", tier)).await.unwrap();
            let distinct: HashSet<_> = plain
                .iter()
                .map(|row| row.split_once('|').unwrap().1)
                .collect();
            assert!(distinct.len() > 5, "{distinct:?}");
            let tier = tier.replace("tier", "arrow_cast(tier, 'Dictionary(Int32, Utf8)')");
            // Again, with what was remembered.
            for _ in 0..2 {
                let encoded = ids("Dictionary(Int32, Utf8)", &tier);
                assert_eq!(rows(&context, &encoded).await.unwrap(), plain, "{tier}");
            }
        }
    }

    #[tokio::test]
    async fn prices_follow_the_time_from_batch_to_batch() {
        const CHANGE: i64 = 1_782_864_000_000_000;
        let context = session().await;
        let function = context.udf("price_id").unwrap();
        let values = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let providers = values(&["openai", "nobody"]);
        let models = values(&["gpt-4o", "gpt-4", "flex-only", "long-only"]);
        let ids = |columns: [ArrayRef; 5]| {
            let rows = columns[0].len();
            let fields = columns.iter().map(|column| {
                let field = Field::new("x", column.data_type().clone(), true);
                Arc::new(field)
            });
            let arguments = ScalarFunctionArgs {
                arg_fields: fields.collect(),
                args: columns.into_iter().map(ColumnarValue::Array).collect(),
                number_rows: rows,
                return_field: Arc::new(Field::new("id", DataType::Int32, true)),
                config_options: Arc::default(),
            };
            let ids = function.invoke_with_args(arguments).unwrap();
            let ids = ids.into_array(rows).unwrap();
            ids.as_primitive::<Int32Type>().values().to_vec()
        };
        let mut met = HashSet::new();
        // Before the change, behind it, on both sides of it, and at one time.
        for (since, step) in [
            (-90, 1),
            (0, 1),
            (-20, 1),
            (-7, 0),
            (7, 0),
            (-20, 1),
            (-90, 1),
        ] {
            let rows = 0..48_i32;
            let seconds = rows.clone().map(|row| since + i64::from(row) * step);
            let times = seconds.map(|second| CHANGE + second * 1_000_000);
            let counts = [1, 199_999, 200_000, 200_001, 900_000];
            let input = counts.into_iter().cycle().take(48);
            let provider: Int32Array = rows
                .clone()
                .map(|row| Some(i32::from(row % 11 == 0)))
                .collect();
            let model: Int32Array = rows.map(|row| (row % 7 > 0).then_some(row % 4)).collect();
            let encoded: [ArrayRef; 2] = [
                Arc::new(DictionaryArray::new(provider, Arc::clone(&providers))),
                Arc::new(DictionaryArray::new(model, Arc::clone(&models))),
            ];
            let plain = encoded
                .each_ref()
                .map(|names| cast(names, &DataType::Utf8).unwrap());
            let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times));
            let input: ArrayRef = Arc::new(Int64Array::from_iter_values(input));
            let output: ArrayRef = Arc::new(Int64Array::from(vec![1; 48]));
            let with = |[provider, model]: [ArrayRef; 2]| {
                let [times, input, output] = [&times, &input, &output].map(Arc::clone);
                ids([provider, model, times, input, output])
            };
            let expected = with(plain);
            met.extend(expected.iter().copied());
            assert_eq!(with(encoded), expected, "from {since} by {step}");
        }
        assert!(met.len() > 5, "{met:?}");
    }
}

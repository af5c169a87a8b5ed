//! `sparkline(values)`: a list of numbers as a line of blocks.
//!
//! The least value is the lowest block and the greatest the highest; a NULL within is a gap. NULL
//! for a NULL list.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, ListArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::pattern::blocks;

pub(crate) static MANUAL: Manual = Manual {
    name: "sparkline",
    section: "Drawing",
    description: "A list of numbers as a line of blocks, from its least to its greatest value.",
    parameters: &[Parameter::required(
        "values",
        Kind::Numbers,
        "The numbers, in the order in which they are drawn.",
    )],
    over: "",
    example: "SELECT customer_id, sparkline(array_agg(cost ORDER BY period)) FROM allocation(period => '2026-05..2026-10') GROUP BY customer_id;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sparkline {
    face: Face,
}

impl Sparkline {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for Sparkline {
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
        Ok(DataType::Utf8)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = Arguments::new(&MANUAL, &args).array(0)?;
        let lists: &ListArray = values.values().as_list();
        let mut lines = StringBuilder::new();
        for row in 0..args.number_rows {
            let row = values.at(row);
            lines.append_option(lists.is_valid(row).then(|| {
                let numbers = lists.value(row);
                let numbers = numbers.as_primitive::<Decimal128Type>().iter();
                blocks::sparkline(&numbers.collect::<Vec<_>>())
            }));
        }
        Ok(ColumnarValue::Array(Arc::new(lines.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn a_list_is_drawn_in_its_order() {
        let sql =
            "SELECT sparkline([1, 8, NULL, 4]), sparkline([0.5, 0.75, 1.00]), sparkline(NULL),
                   sparkline((SELECT array_agg(n ORDER BY n DESC) FROM (VALUES (1), (2)) t (n)))";
        assert_eq!(row(&session().await, sql).await, "▁█ ▄|▁▅█|-|█▁");
    }

    #[tokio::test]
    async fn what_is_no_list_of_numbers_is_refused() {
        for value in ["1", "['a']", "[1::double]"] {
            let refused = error(&session().await, &format!("SELECT sparkline({value})")).await;
            assert!(
                refused.contains("expected a list of decimals or whole numbers"),
                "{refused}"
            );
        }
    }
}

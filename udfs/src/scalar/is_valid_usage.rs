//! `is_valid_usage(input_tokens, output_tokens, …)`: whether a call's token counts make sense together.
//!
//! Calls of which they do not have no price: `price_id` is -5. This needs neither prices nor names.

use std::sync::Arc;

use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::calls::{TOKENS, Tokens};
use crate::columnar::arguments::Arguments;
use crate::columnar::manual::{Face, Manual};

pub(crate) static MANUAL: Manual = Manual {
    name: "is_valid_usage",
    section: "Pricing",
    description: "Whether a call's token counts make sense together: none is below zero, and no part is above its whole. NULL is zero.",
    parameters: &TOKENS,
    over: "",
    example: "SELECT * FROM ledger WHERE NOT is_valid_usage(input_tokens, output_tokens, cache_read_tokens);",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct IsValidUsage {
    face: Face,
}

impl IsValidUsage {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for IsValidUsage {
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
        Ok(DataType::Boolean)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let tokens = Tokens::new(&Arguments::new(&MANUAL, &args), 0)?;
        let rows = args.number_rows;
        if tokens.are_valid(rows) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
        }
        let each = (0..rows).map(|row| Some(tokens.usage(row).is_ok()));
        let each: BooleanArray = each.collect();
        Ok(ColumnarValue::Array(Arc::new(each)))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{rows, session};

    #[tokio::test]
    async fn calls_without_a_price_for_their_counts_are_those_of_invalid_usage() {
        let sql = "SELECT is_valid_usage(i, o, r, w, h, t),
                price_id('openai', 'gpt-4o', '2026-03-01', i, o, r, w, h, t) <> -5
            FROM (VALUES (10, 5, 6, 4, 4, 5), (9, 5, 6, 4, 4, 5), (10, 5, 6, 4, 5, 5), (10, 4, 6, 4, 4, 5),
                (-1, 5, 0, 0, 0, 0), (10, -5, 0, 0, 0, 0), (NULL, NULL, NULL, NULL, NULL, NULL),
                (NULL, 5, 1, NULL, NULL, NULL), (9, 5, NULL, 9, NULL, NULL)) AS t (i, o, r, w, h, t)";
        let expected = [
            "true|true",
            "false|false",
            "false|false",
            "false|false",
            "false|false",
            "false|false",
            "true|true",
            "false|false",
            "true|true",
        ];
        assert_eq!(rows(&session().await, sql).await.unwrap(), expected);
        let sql =
            "SELECT DISTINCT is_valid_usage(v, 1), is_valid_usage(1, 2, 1), is_valid_usage(0, 0, 1)
            FROM generate_series(1, 9) AS t (v)";
        assert_eq!(
            rows(&session().await, sql).await.unwrap(),
            ["true|true|false"]
        );
    }
}

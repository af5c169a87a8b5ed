//! `price_id(provider, model, called_at, input_tokens, output_tokens, …)`: which row of the price book
//! prices a call.
//!
//! Calls of one number are priced alike, token by token, so that their tokens may be added up first
//! and priced once: `price_cost_parts`. Below zero it says why no row does. A number means something
//! only beside the same price book.

use std::sync::Arc;

use datafusion::arrow::array::Int32Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::calls::{Calls, PARAMETERS};
use crate::columnar::arguments::Arguments;
use crate::columnar::manual::{Face, Manual};
use crate::pricing::Unpriced;
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
}

impl PriceIdOf {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
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
        let mut ids = Vec::with_capacity(args.number_rows);
        calls.choose_each(args.number_rows, &self.reference, |chosen| {
            ids.push(chosen.map_or_else(Unpriced::code, |price| price.id));
        });
        Ok(ColumnarValue::Array(Arc::new(Int32Array::from(ids))))
    }
}

#[cfg(test)]
mod tests {
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
}

//! `call_cost_parts(…)`: what a call costs by kind of token, or why it has no price.
//!
//! The parts sum to `call_cost` of the same arguments. Cache writes of five minutes are those that
//! do not live an hour.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::calls::{Calls, PARAMETERS};
use super::parts::{self, Parts};
use crate::columnar::arguments::Arguments;
use crate::columnar::manual::{Face, Manual};
use crate::reference::Reference;

pub(crate) static MANUAL: Manual = Manual {
    name: "call_cost_parts",
    section: "Pricing",
    description: "What a call costs by kind of token, the currency, and why it has no price if it has none.",
    parameters: PARAMETERS,
    over: "",
    example: "SELECT call_cost_parts('openai', 'gpt-4o', called_at, input_tokens, output_tokens)['unpriced_reason'] FROM ledger;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallCostParts {
    face: Face,
    pub(crate) reference: Arc<Reference>,
}

impl CallCostParts {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
        }
    }
}

impl ScalarUDFImpl for CallCostParts {
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
        Ok(parts::data_type())
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let calls = Calls::new(&Arguments::new(&MANUAL, &args))?;
        let mut parts = Parts::with_capacity(args.number_rows);
        calls.price_each(args.number_rows, &self.reference, |priced| {
            match priced {
                Ok((price, usage)) => {
                    parts.append_priced(&price.rates.cost_of(&usage), &price.currency);
                }
                Err(reason) => parts.append_unpriced(Some(reason)),
            }
            Ok(())
        })?;
        Ok(ColumnarValue::Array(parts.finish()?))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{row, rows, session};

    #[tokio::test]
    async fn parts_sum_to_the_cost() {
        let call = "'openai', 'gpt-4.1', '2026-03-01', 100, 50, 20, 30, 10, 5, NULL";
        let sql = format!(
            "SELECT p.input, p.cache_read, p.cache_write_5m, p.cache_write_1h, p.output, p.reasoning, p.request, p.currency,
                p.input + p.cache_read + p.cache_write_5m + p.cache_write_1h + p.output + p.reasoning + p.request
                    = call_cost({call}) AS tied
             FROM (SELECT call_cost_parts({call}) AS p)"
        );
        let parts = "0.000350000000|0.000140000000|0.000140000000|0.000070000000|0.000630000000\
                     |0.000070000000|0.005000000000|USD|true";
        assert_eq!(row(&session().await, &sql).await, parts);
    }

    #[tokio::test]
    async fn an_unpriced_call_says_why() {
        let sql = "SELECT p['unpriced_reason'], p['input'], p['currency'] FROM (
            SELECT call_cost_parts('openai', column1, column2, column3, 1) AS p FROM (VALUES
                ('claude', '2026-03-01', 1), ('gpt-4o', '2025-12-31', 1), ('flex-only', '2026-03-01', 1),
                ('long-only', '2026-03-01', 1000), ('gpt-4o', '2026-03-01', -1), ('gpt-4o', NULL, 1)))";
        let reasons = [
            "model",
            "date",
            "tier",
            "threshold",
            "invalid usage",
            "date",
        ];
        let expected = reasons.map(|reason| format!("{reason}|-|-"));
        assert_eq!(rows(&session().await, sql).await.unwrap(), expected);
    }
}

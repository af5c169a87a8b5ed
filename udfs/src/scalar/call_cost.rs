//! `call_cost(provider, model, called_at, input_tokens, output_tokens, …)`: what a call costs at
//! list price.
//!
//! Exact: nothing is rounded. NULL when the call is unpriced; `call_cost_parts` says why. Never
//! zero for want of a price.

use std::sync::Arc;

use datafusion::arrow::array::Decimal128Builder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::AMOUNT;
use super::calls::{Calls, PARAMETERS};
use crate::columnar::arguments::Arguments;
use crate::columnar::manual::{Face, Manual};
use crate::columnar::number::failed;
use crate::money::Amount;
use crate::reference::Reference;

pub(crate) static MANUAL: Manual = Manual {
    name: "call_cost",
    section: "Pricing",
    description: "What a call costs at list price, in the currency of its price; NULL when it is unpriced.",
    parameters: PARAMETERS,
    over: "",
    example: "SELECT call_cost('openai', 'gpt-4o', called_at, input_tokens, output_tokens) FROM ledger;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallCost {
    face: Face,
    pub(crate) reference: Arc<Reference>,
}

impl CallCost {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
        }
    }
}

impl ScalarUDFImpl for CallCost {
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
        let calls = Calls::new(&Arguments::new(&MANUAL, &args))?;
        let mut costs = Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        calls.price_each(args.number_rows, &self.reference, |priced| {
            let cost = priced
                .ok()
                .map(|(price, usage)| price.rates.cost_of(&usage).total());
            let cost = cost
                .transpose()
                .map_err(|error| failed(MANUAL.name, &error))?;
            costs.append_option(cost.map(Amount::units));
            Ok(())
        })?;
        Ok(ColumnarValue::Array(Arc::new(costs.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, error, row, session};

    async fn cost(arguments: &str) -> String {
        row(&session().await, &format!("SELECT call_cost({arguments})")).await
    }

    #[tokio::test]
    async fn every_token_has_its_price() {
        // 20 uncached × 2.5 + 80 read × 1.25 + 10 × 10, per million.
        let cached = cost("'openai', 'gpt-4o', '2026-03-01', 100, 10, 80").await;
        assert_eq!(cached, "0.000250000000");
        // The later row has no price for reads: they cost what input does.
        assert_eq!(
            cost("'openai', 'gpt-4o', '2026-07-01', 100, 10, 80").await,
            "0.000280000000"
        );
    }

    #[tokio::test]
    async fn the_most_specific_row_in_force_prices_the_call() {
        for (call, expected) in [
            (
                "'openai', 'gpt-4o', '2026-03-01', 1000000, 0, 0, 0, 0, 0, 'batch'",
                "1.250000000000",
            ),
            (
                "'openai', 'gpt-4o', '2026-03-01', 1000000, 0, 0, 0, 0, 0, 'Standard'",
                "5.000000000000",
            ),
            (
                "'openai', 'gpt-4o', '2026-03-01', 200000, 0",
                "0.500000000000",
            ),
            (
                "'openai', 'gpt-4o', '2026-03-01', 200001, 0",
                "1.000005000000",
            ),
            (
                "'openai', 'gpt-4.1', '2026-03-01', 0, 1000000",
                "14.005000000000",
            ),
            (
                "'openai', 'gpt-4.1', '2026-03-01', NULL, NULL",
                "0.005000000000",
            ),
            (
                "'deepseek', 'chat', '2026-03-01 16:29:59', 1000000, 0",
                "4.000000000000",
            ),
            (
                "'deepseek', 'chat', '2026-03-01 16:30:00', 1000000, 0",
                "1.000000000000",
            ),
            (
                "'deepseek', 'chat', '2026-03-01 00:29:59', 1000000, 0",
                "1.000000000000",
            ),
            (
                "'deepseek', 'chat', '2026-03-01 00:30:00', 1000000, 0",
                "4.000000000000",
            ),
        ] {
            assert_eq!(cost(call).await, expected, "{call}");
        }
    }

    #[tokio::test]
    async fn names_are_found_by_their_aliases_at_the_time() {
        let latest = |day| format!("'OpenAI', 'gpt-4o-latest', '{day}', 1000000, 0");
        assert_eq!(cost(&latest("2026-06-30")).await, "5.000000000000");
        assert_eq!(cost(&latest("2026-07-01")).await, "7.005000000000");
    }

    #[tokio::test]
    async fn an_unpriced_call_costs_null_and_not_zero() {
        assert_eq!(cost("'openai', 'claude', '2026-03-01', 1, 1").await, "-");
        assert_eq!(cost("NULL, NULL, NULL, NULL, NULL").await, "-");
        assert_eq!(cost("'openai', 'gpt-4o', '2026-03-01', 1, -1").await, "-");
    }

    #[tokio::test]
    async fn names_come_in_every_encoding_and_times_in_every_unit() {
        let call = "call_cost({x}, 'gpt-4o', '2026-03-01', 1000000, 0)";
        assert_over_every_text(call, "openai", "5.000000000000").await;
        for time in [
            "Timestamp(s)",
            "Timestamp(ns)",
            "Timestamp(ms, \"+05:00\")",
            "Date32",
        ] {
            let at = format!("arrow_cast(timestamp '2026-06-30T23:00:00', '{time}')");
            let cost = cost(&format!(
                "'openai', 'gpt-4o', {at}, arrow_cast(4, 'UInt8'), 0"
            ))
            .await;
            assert_eq!(cost, "0.000010000000", "{time}");
        }
    }

    #[tokio::test]
    async fn parameters_have_names() {
        let named = "provider => 'openai', model => 'gpt-4o', called_at => '2026-03-01',
                     output_tokens => 0, input_tokens => 1000000";
        assert_eq!(cost(named).await, "5.000000000000");
        let few = error(&session().await, "SELECT call_cost('openai', 'gpt-4o')").await;
        assert!(few.contains("takes 5 to 10 arguments, got 2"), "{few}");
        let float = "SELECT call_cost('openai', 'gpt-4o', now(), 1, 1e0::double)";
        let float = error(&session().await, float).await;
        assert!(
            float.contains("argument `output_tokens` at position 5 is Float64"),
            "{float}"
        );
    }
}

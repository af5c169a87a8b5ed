//! `price_cost_parts(price_id, calls, input_tokens, output_tokens, …)`: what calls of one price cost
//! together, by kind of token.
//!
//! The sum of their `call_cost_parts`, exactly: a price is so much a token and so much a request.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::calls::{TOKENS, Tokens};
use super::parts::{self, Parts};
use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::failed;
use crate::pricing::Unpriced;
use crate::reference::Reference;

const PARAMETERS: &[Parameter] = &[
    Parameter::required("price_id", Kind::Integer, "Of the calls, by `price_id`."),
    Parameter::required("calls", Kind::Integer, "How many they are."),
    TOKENS[0],
    TOKENS[1],
    TOKENS[2],
    TOKENS[3],
    TOKENS[4],
    TOKENS[5],
];

pub(crate) static MANUAL: Manual = Manual {
    name: "price_cost_parts",
    section: "Pricing",
    description: "What calls of one price cost together, by kind of token, the currency, and why they have no price if they have none.",
    parameters: PARAMETERS,
    over: "",
    example: "SELECT price_cost_parts(price_id, count(*), sum(input_tokens), sum(output_tokens)) FROM calls_between() GROUP BY price_id;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct PriceCostParts {
    face: Face,
    pub(crate) reference: Arc<Reference>,
}

impl PriceCostParts {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
        }
    }
}

impl ScalarUDFImpl for PriceCostParts {
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
        let arguments = Arguments::new(&MANUAL, &args);
        let (ids, calls) = (arguments.integer(0)?, arguments.integer(1)?);
        let tokens = Tokens::new(&arguments, 2)?;
        let mut costs = Parts::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let Some(id) = ids.get(row) else {
                costs.append_unpriced(None);
                continue;
            };
            if let Some(reason) = Unpriced::from_code(id) {
                costs.append_unpriced(Some(reason));
                continue;
            }
            let Some(price) = self.reference.price_book.row(id) else {
                return exec_err!("{}: the price book has no price {id}", MANUAL.name);
            };
            let count = u64::try_from(calls.get(row).unwrap_or_default());
            match count
                .map_err(|_| Unpriced::InvalidUsage)
                .and_then(|count| Ok((count, tokens.usage(row)?)))
            {
                Ok((count, usage)) => {
                    let cost = price.rates.cost_of_calls(count, &usage);
                    let cost = cost.map_err(|error| failed(MANUAL.name, &error))?;
                    costs.append_priced(&cost, &price.currency);
                }
                Err(reason) => costs.append_unpriced(Some(reason)),
            }
        }
        Ok(ColumnarValue::Array(costs.finish()?))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, rows, session};

    #[tokio::test]
    async fn the_sum_costs_what_the_calls_cost() {
        let calls = "(VALUES (100, 50, 20, 30, 10, 5), (1, 2, 1, 0, 0, 1), (7, 0, 0, 7, 7, 0))
                     AS calls (i, o, r, w, h, g)";
        let id = "price_id('openai', 'gpt-4.1', '2026-03-01', 0, 0)";
        let sums = format!(
            "SELECT price_cost_parts({id}, count(*), sum(i), sum(o), sum(r), sum(w), sum(h), sum(g)) FROM {calls}"
        );
        let each = format!(
            "SELECT call_cost_parts('openai', 'gpt-4.1', '2026-03-01', i, o, r, w, h, g) AS p FROM {calls}"
        );
        let parts = [
            "input",
            "cache_read",
            "cache_write_5m",
            "cache_write_1h",
            "output",
            "reasoning",
            "request",
        ];
        let added = parts.map(|part| format!("sum(p['{part}'])")).join(", ");
        let expected = row(&session().await, &format!("SELECT {added} FROM ({each})")).await;
        let together = parts.map(|part| format!("p['{part}']")).join(", ");
        let sql = format!("SELECT {together} FROM ({sums}) AS t (p)");
        assert_eq!(row(&session().await, &sql).await, expected);
        assert!(expected.ends_with("|0.015000000000"), "{expected}");
    }

    #[tokio::test]
    async fn what_has_no_price_says_why() {
        let sql = "SELECT p['unpriced_reason'], p['input'] FROM (
            SELECT price_cost_parts(column1, column2, column3, 1) AS p
            FROM (VALUES (-1, 1, 1), (-5, 1, 1), (0, 1, -1), (0, -1, 1), (NULL, 1, 1)))";
        let expected = [
            "model|-",
            "invalid usage|-",
            "invalid usage|-",
            "invalid usage|-",
            "-|-",
        ];
        assert_eq!(rows(&session().await, sql).await.unwrap(), expected);
        let unknown = error(&session().await, "SELECT price_cost_parts(99, 1, 1, 1)").await;
        assert!(
            unknown.contains("the price book has no price 99"),
            "{unknown}"
        );
    }
}

//! `list_price(provider, model, called_at, token_type [, input_tokens] [, service_tier])`: the
//! price of a million tokens.
//!
//! NULL when no price is in force. A missing cache or reasoning price is the input or output price
//! of the same row.

use std::sync::Arc;

use datafusion::arrow::array::Decimal128Builder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::offers::{Names, Offers};
use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::money::PerMtok;
use crate::pricing::token_type::TokenType;
use crate::reference::Reference;

const PRICE: DataType = DataType::Decimal128(PerMtok::PRECISION, PerMtok::SCALE);

pub(crate) static MANUAL: Manual = Manual {
    name: "list_price",
    section: "Pricing",
    description: "The list price of a million tokens of one type; NULL when no price is in force.",
    parameters: &[
        Parameter::required(
            "provider",
            Kind::Text,
            "Who is called, by its canonical name or an alias.",
        ),
        Parameter::required("model", Kind::Text, "The model."),
        Parameter::required(
            "called_at",
            Kind::Timestamp,
            "When; it decides which price is in force.",
        ),
        Parameter::required(
            "token_type",
            Kind::Text,
            "input, cache_read, cache_write, cache_write_1h, output or reasoning.",
        ),
        Parameter::optional(
            "input_tokens",
            Kind::Integer,
            "The call's input, for prices that hold above a threshold.",
        ),
        Parameter::optional(
            "service_tier",
            Kind::Text,
            "batch, flex or priority; NULL is standard.",
        ),
    ],
    over: "",
    example: "SELECT list_price('openai', 'gpt-4o', now(), 'cache_read');",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ListPrice {
    face: Face,
    pub(crate) reference: Arc<Reference>,
}

impl ListPrice {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
        }
    }
}

impl ScalarUDFImpl for ListPrice {
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
        Ok(PRICE)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let names = Names {
            provider: arguments.text(0)?,
            model: arguments.text(1)?,
            service_tier: arguments.text(5)?,
        };
        let (called_at, token_type) = (arguments.timestamp(2)?, arguments.text(3)?);
        let input_tokens = arguments.integer(4)?;
        let mut offers = Offers::new(&names, args.number_rows, &self.reference);
        let mut price = |row| {
            let token_type = token_type.get(row)?.parse::<TokenType>();
            let offer = offers.at(row, called_at.get(row)?);
            let found = offer.price(input_tokens.get(row).unwrap_or(0));
            Some(token_type.map(|token_type| Some(found.ok()?.rates.of(token_type).units())))
        };
        let mut prices = Decimal128Builder::with_capacity(args.number_rows).with_data_type(PRICE);
        for row in 0..args.number_rows {
            let found = price(row).transpose();
            let found = found.map_err(|error| exec_datafusion_err!("{}: {error}", MANUAL.name))?;
            prices.append_option(found.flatten());
        }
        Ok(ColumnarValue::Array(Arc::new(prices.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, error, row, session};

    #[tokio::test]
    async fn a_missing_price_is_that_of_the_kind_it_refines() {
        let sql = "SELECT list_price('openai', 'gpt-4o', '2026-03-01', 'cache_read'),
                          list_price('openai', 'gpt-4o', '2026-07-01', 'cache_read'),
                          list_price('openai', 'gpt-4o', '2026-03-01', 'cache_write_1h'),
                          list_price('openai', 'gpt-4o', '2026-03-01', 'reasoning', 200001),
                          list_price('openai', 'gpt-4o', '2026-03-01', 'output', NULL, 'batch'),
                          list_price('openai', 'gpt-4o', '2020-01-01', 'output')";
        let prices = "1.250000|2.000000|2.500000|20.000000|5.000000|-";
        assert_eq!(row(&session().await, sql).await, prices);
    }

    #[tokio::test]
    async fn token_types_come_in_every_encoding_and_are_checked() {
        let price = "list_price('openai', 'gpt-4o', '2026-03-01', {x})";
        assert_over_every_text(price, "output", "10.000000").await;
        let wrong = "SELECT list_price('openai', 'gpt-4o', '2026-03-01', 'tokens')";
        let wrong = error(&session().await, wrong).await;
        assert!(wrong.contains("`tokens` is not a token type"), "{wrong}");
    }
}

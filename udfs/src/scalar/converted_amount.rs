//! `converted_amount(amount, rate)`: an amount in another currency, rounded once, half to even.

use std::sync::Arc;

use datafusion::arrow::array::Decimal128Builder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::AMOUNT;
use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::failed;
use crate::money::{Amount, Exact, MoneyError};

pub(crate) static MANUAL: Manual = Manual {
    name: "converted_amount",
    section: "Money",
    description: "An amount times an exchange rate, rounded once, half to even, to DECIMAL(38, 12).",
    parameters: &[
        Parameter::required("amount", Kind::Number, "The amount in its own currency."),
        Parameter::required(
            "rate",
            Kind::Number,
            "Units of the other currency for one of its own.",
        ),
    ],
    over: "",
    example: "SELECT converted_amount(billed_cost, rate) FROM billing JOIN fx_rates ON from_currency = currency;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConvertedAmount {
    face: Face,
}

impl ConvertedAmount {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for ConvertedAmount {
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
        let arguments = Arguments::new(&MANUAL, &args);
        let (amount, rate) = (arguments.number(0)?, arguments.number(1)?);
        let mut converted =
            Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        for row in 0..args.number_rows {
            let rate = rate.get(MANUAL.name, row)?;
            let product = amount
                .get(MANUAL.name, row)?
                .zip(rate)
                .map(|(a, r)| convert(a, r));
            let product = product
                .transpose()
                .map_err(|error| failed(MANUAL.name, &error))?;
            converted.append_option(product.map(Amount::units));
        }
        Ok(ColumnarValue::Array(Arc::new(converted.finish())))
    }
}

fn convert(amount: Exact, rate: Exact) -> Result<Amount, MoneyError> {
    let product = amount.checked_mul(rate);
    Amount::rounded(product.ok_or(MoneyError::Overflow {
        precision: Amount::PRECISION,
    })?)
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn the_product_is_rounded_once() {
        let sql =
            "SELECT converted_amount(0.000000000001, 0.5), converted_amount(0.000000000003, 0.5),
                          converted_amount(-100, 0.92345678), converted_amount(NULL, 1),
                          arrow_typeof(converted_amount(1, 1))";
        let expected = "0.000000000000|0.000000000002|-92.345678000000|-|Decimal128(38, 12)";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn a_product_beyond_thirty_eight_digits_is_an_error() {
        let sql = "SELECT converted_amount(99999999999999999999999999.999999999999, 2)";
        let overflow = error(&session().await, sql).await;
        assert!(
            overflow.contains("converted_amount: the result overflows"),
            "{overflow}"
        );
    }
}

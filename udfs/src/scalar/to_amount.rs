//! `to_amount(value)`: money from a number in any form, rounded once, half to even, to `DECIMAL(38,
//! 12)`.
//!
//! A float is the decimal that it prints as, and no float arithmetic is done with it. A blank text
//! is NULL; a text that is not a number is an error that names it.

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
use crate::money::Amount;

pub(crate) static MANUAL: Manual = Manual {
    name: "to_amount",
    section: "Money",
    description: "A number in any form as DECIMAL(38, 12), rounded once, half to even.",
    parameters: &[Parameter::required(
        "value",
        Kind::AnyNumber,
        "A decimal, an integer, a float, or a text such as 12.50 or 1.25e-7.",
    )],
    over: "",
    example: "SELECT to_amount('0.1234567890125');",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToAmount {
    face: Face,
}

impl ToAmount {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for ToAmount {
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
        let value = Arguments::new(&MANUAL, &args).number(0)?;
        let mut amounts = Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        for row in 0..args.number_rows {
            let amount = value
                .get(MANUAL.name, row)?
                .map(Amount::rounded)
                .transpose();
            let amount = amount.map_err(|error| failed(MANUAL.name, &error))?;
            amounts.append_option(amount.map(Amount::units));
        }
        Ok(ColumnarValue::Array(Arc::new(amounts.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, error, row, session};

    #[tokio::test]
    async fn a_number_in_any_form_is_the_same_amount() {
        for value in [
            "0.1",
            "'0.1'",
            "'1e-1'",
            "' 0.10 '",
            "0.1::double",
            "0.1::real",
            "arrow_cast('0.1', 'Decimal256(76, 40)')",
            "arrow_cast(0.1, 'Decimal32(3, 1)')",
        ] {
            let sql = format!("SELECT to_amount({value})");
            assert_eq!(
                row(&session().await, &sql).await,
                "0.100000000000",
                "{value}"
            );
        }
    }

    #[tokio::test]
    async fn a_finer_number_is_rounded_half_to_even() {
        let sql = "SELECT to_amount('0.0000000000005'), to_amount('0.0000000000015'),
                          to_amount('-0.00000000000050001'), to_amount('1e-400'), to_amount(''),
                          to_amount(arrow_cast(18446744073709551615, 'UInt64'))";
        let expected = "0.000000000000|0.000000000002|-0.000000000001|0.000000000000|-\
                        |18446744073709551615.000000000000";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn texts_come_in_every_encoding() {
        assert_over_every_text("to_amount({x})", "12.5", "12.500000000000").await;
    }

    #[tokio::test]
    async fn what_is_not_an_amount_is_refused() {
        for (value, why) in [
            ("'12,50'", "`12,50` is not a decimal number"),
            ("'NaN'::double", "`NaN` is not a decimal number"),
            ("1e30::double", "more than 38 digits"),
            ("true", "argument `value` at position 1 is Boolean"),
        ] {
            let error = error(&session().await, &format!("SELECT to_amount({value})")).await;
            assert!(error.contains(why), "{error}");
        }
    }
}

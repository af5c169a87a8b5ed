//! `scaled_amount(amount, part, whole)`: as much of an amount as a part is of its whole.
//!
//! Rounded once, half to even; NULL for a whole of zero. Where the parts of a whole have to sum to
//! the amount, `apportion` splits it.

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
    name: "scaled_amount",
    section: "Money",
    description: "An amount times part ÷ whole, rounded once, half to even, to DECIMAL(38, 12); NULL for a whole of zero.",
    parameters: &[
        Parameter::required("amount", Kind::Number, "The amount."),
        Parameter::required("part", Kind::Number, "The part."),
        Parameter::required("whole", Kind::Number, "What it is a part of."),
    ],
    over: "",
    example: "SELECT scaled_amount(cost, list_cost_after_cap, list_cost);",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScaledAmount {
    face: Face,
}

impl ScaledAmount {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for ScaledAmount {
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
        let [amount, part, whole] = [0, 1, 2].map(|position| arguments.number(position));
        let (amount, part, whole) = (amount?, part?, whole?);
        let mut scaled = Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        for row in 0..args.number_rows {
            let [amount, part, whole] =
                [&amount, &part, &whole].map(|number| number.get(MANUAL.name, row));
            let units = match (amount?, part?, whole?) {
                (Some(amount), Some(part), Some(whole)) if !whole.is_zero() => {
                    let units = scale(amount, part, whole);
                    Some(units.map_err(|error| failed(MANUAL.name, &error))?)
                }
                _ => None,
            };
            scaled.append_option(units);
        }
        Ok(ColumnarValue::Array(Arc::new(scaled.finish())))
    }
}

fn scale(amount: Exact, part: Exact, whole: Exact) -> std::result::Result<i128, MoneyError> {
    let overflow = MoneyError::Overflow {
        precision: Amount::PRECISION,
    };
    let product = amount.checked_mul(part).ok_or(overflow)?;
    product
        .over(whole, Amount::SCALE.into())?
        .to_i128(Amount::PRECISION)
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn the_result_is_rounded_once() {
        let sql =
            "SELECT scaled_amount(10, 1, 3), scaled_amount(10, 3, 3), scaled_amount(-10, 2, 3),
                          scaled_amount(10, 1, 0), scaled_amount(NULL, 1, 2)";
        let expected = "3.333333333333|10.000000000000|-6.666666666667|-|-";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn only_the_result_has_to_fit() {
        let nines = "99999999999999999999999999.999999999999";
        let sql = format!("SELECT scaled_amount({nines}, {nines}, {nines})");
        assert_eq!(row(&session().await, &sql).await, nines);
        let sql = format!("SELECT scaled_amount({nines}, 2, 1)");
        let overflow = error(&session().await, &sql).await;
        assert!(
            overflow.contains("scaled_amount: the result overflows"),
            "{overflow}"
        );
    }
}

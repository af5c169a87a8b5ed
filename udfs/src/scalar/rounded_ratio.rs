//! `rounded_ratio(numerator, denominator, scale)`: a quotient, rounded once, half to even.
//!
//! DataFusion's own division truncates and overflows for amounts of twelve decimals. NULL for a
//! zero denominator.

use std::sync::Arc;

use datafusion::arrow::array::Decimal128Builder;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::failed;

const PRECISION: u8 = 38;
const MAX_SCALE: i8 = 18;

pub(crate) static MANUAL: Manual = Manual {
    name: "rounded_ratio",
    section: "Money",
    description: "The exact quotient of two numbers, rounded once, half to even; NULL for a zero denominator.",
    parameters: &[
        Parameter::required("numerator", Kind::Number, "What is divided."),
        Parameter::required("denominator", Kind::Number, "What it is divided by."),
        Parameter::required(
            "scale",
            Kind::Integer,
            "The result's decimals: a literal from 0 to 18.",
        ),
    ],
    over: "",
    example: "SELECT rounded_ratio(cost * 100, mrr, 6) AS cost_pct_of_mrr;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoundedRatio {
    face: Face,
}

impl RoundedRatio {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for RoundedRatio {
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
        internal_err!("{} has the scale that its last argument says", MANUAL.name)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let literal = args.scalar_arguments.last().copied().flatten();
        let scale = match literal.map(|scale| scale.cast_to(&DataType::Int64)) {
            Some(Ok(ScalarValue::Int64(Some(scale)))) => i8::try_from(scale).ok(),
            _ => None,
        };
        let Some(scale @ 0..=MAX_SCALE) = scale else {
            return plan_err!(
                "{}: argument `scale` at position 3 is not a literal from 0 to {MAX_SCALE}",
                MANUAL.name
            );
        };
        let data_type = DataType::Decimal128(PRECISION, scale);
        Ok(Arc::new(Field::new(self.name(), data_type, true)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Decimal128(_, scale) = *args.return_field.data_type() else {
            return internal_err!("{} returns a decimal", MANUAL.name);
        };
        let arguments = Arguments::new(&MANUAL, &args);
        let (numerator, denominator) = (arguments.number(0)?, arguments.number(1)?);
        let mut ratios = Decimal128Builder::with_capacity(args.number_rows)
            .with_data_type(args.return_field.data_type().clone());
        for row in 0..args.number_rows {
            let denominator = denominator.get(MANUAL.name, row)?.filter(|d| !d.is_zero());
            let ratio = numerator
                .get(MANUAL.name, row)?
                .zip(denominator)
                .map(|(n, d)| {
                    n.over(d, scale.into())
                        .and_then(|units| units.to_i128(PRECISION))
                });
            ratios.append_option(
                ratio
                    .transpose()
                    .map_err(|error| failed(MANUAL.name, &error))?,
            );
        }
        Ok(ColumnarValue::Array(Arc::new(ratios.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn a_quotient_is_rounded_once_half_to_even() {
        let sql = "SELECT rounded_ratio(1, 8, 2), rounded_ratio(3, 8, 2), rounded_ratio(-1, 8, 2),
                          rounded_ratio(2, 3, 18), rounded_ratio(2, 3, 0),
                          rounded_ratio(1, 0, 2), rounded_ratio(NULL, 1, 2)";
        let expected = "0.12|0.38|-0.12|0.666666666666666667|1|-|-";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn amounts_of_thirty_eight_digits_divide() {
        let nines = "99999999999999999999999999.999999999999";
        let sql = format!(
            "SELECT rounded_ratio({nines}, {nines}, 6), rounded_ratio({nines}, 0.0000001, 6)"
        );
        let overflow = error(&session().await, &sql).await;
        assert!(
            overflow.contains("rounded_ratio: the result overflows"),
            "{overflow}"
        );
        let sql = format!("SELECT rounded_ratio({nines} , {nines}, 6)");
        assert_eq!(row(&session().await, &sql).await, "1.000000");
    }

    #[tokio::test]
    async fn the_scale_is_a_literal() {
        for scale in ["19", "-1", "column1"] {
            let sql = format!("SELECT rounded_ratio(1, 2, {scale}) FROM (VALUES (1))");
            let error = error(&session().await, &sql).await;
            assert!(error.contains("is not a literal from 0 to 18"), "{error}");
        }
    }
}

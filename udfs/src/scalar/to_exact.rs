//! `to_exact(value)`: a number in any form as `DECIMAL(76, 30)`, exactly.
//!
//! Control totals are summed in it before anything is rounded. A number that is finer than thirty
//! decimals is an error.

use std::sync::Arc;

use datafusion::arrow::array::Decimal256Builder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::{failed, to_i256};

const EXACT: DataType = DataType::Decimal256(76, SCALE);
const SCALE: i8 = 30;

pub(crate) static MANUAL: Manual = Manual {
    name: "to_exact",
    section: "Money",
    description: "A number in any form as DECIMAL(76, 30); an error where that would round it. Of a float, what lies behind thirty decimals is noise, and rounded.",
    parameters: &[Parameter::required(
        "value",
        Kind::AnyNumber,
        "A decimal, an integer, a float, or a text such as 12.50 or 1.25e-7.",
    )],
    over: "",
    example: "SELECT sum(to_exact(cost)) FROM export;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToExact {
    face: Face,
}

impl ToExact {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for ToExact {
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
        Ok(EXACT)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = Arguments::new(&MANUAL, &args).number(0)?;
        let is_float = args.args[0].data_type().is_floating();
        let mut numbers = Decimal256Builder::with_capacity(args.number_rows).with_data_type(EXACT);
        for row in 0..args.number_rows {
            let exact = value.get(MANUAL.name, row)?.map(|value| {
                if is_float {
                    value.rounded(SCALE.into())
                } else {
                    value.exactly(SCALE.into())
                }
            });
            let units = exact.map(|exact| exact.and_then(to_i256)).transpose();
            numbers.append_option(units.map_err(|error| failed(MANUAL.name, &error))?);
        }
        Ok(ColumnarValue::Array(Arc::new(numbers.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, error, row, session};

    #[tokio::test]
    async fn thirty_decimals_are_kept() {
        let sql = "SELECT to_exact('0.123456789012345678901234567890'), to_exact(1e-7::double), to_exact(-3)";
        let expected = "0.123456789012345678901234567890|0.000000100000000000000000000000\
                        |-3.000000000000000000000000000000";
        assert_eq!(row(&session().await, sql).await, expected);
        assert_over_every_text("to_exact({x})", "5e-30", "0.000000000000000000000000000005").await;
    }

    #[tokio::test]
    async fn a_float_has_noise_behind_them() {
        let sql = "SELECT to_exact('2.7755575615628914e-17'::double), to_exact('1e-31'::double)";
        let expected = "0.000000000000000027755575615629|0.000000000000000000000000000000";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn a_finer_number_is_refused() {
        let finer = error(&session().await, "SELECT to_exact('1e-31')").await;
        assert!(
            finer.contains("more than 30 decimals that are not zero"),
            "{finer}"
        );
        let larger = error(&session().await, "SELECT to_exact('1e46')").await;
        assert!(larger.contains("more than 76 digits"), "{larger}");
    }
}

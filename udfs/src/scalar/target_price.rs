//! `target_price(cost, target_pct)`: the smallest price in whole cents of which the cost is at most
//! the target.

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
use crate::money::target::price_for;

pub(crate) static MANUAL: Manual = Manual {
    name: "target_price",
    section: "Margins",
    description: "The smallest price in whole cents of which a cost is at most a target, in percent; 0 for a cost of zero or less.",
    parameters: &[
        Parameter::required("cost", Kind::Number, "What the customer costs."),
        Parameter::required(
            "target_pct",
            Kind::Number,
            "The target in percent of the price: above 0, at most 100.",
        ),
    ],
    over: "",
    example: "SELECT target_price(300, 18);",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TargetPrice {
    face: Face,
}

impl TargetPrice {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for TargetPrice {
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
        let (cost, target) = (arguments.number(0)?, arguments.number(1)?);
        let mut prices = Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        for row in 0..args.number_rows {
            let cost = cost.get(MANUAL.name, row)?;
            let price = cost
                .zip(target.get(MANUAL.name, row)?)
                .map(|(cost, target)| price_for(cost, target))
                .transpose()
                .map_err(|error| failed(MANUAL.name, &error))?;
            prices.append_option(price.map(Amount::units));
        }
        Ok(ColumnarValue::Array(Arc::new(prices.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn a_price_is_whole_cents() {
        let sql = "SELECT target_price(300, 18), target_price(300, 20.0), target_price(NULL, 20),
                          arrow_typeof(target_price(1, 1))";
        let expected = "1666.670000000000|1500.000000000000|-|Decimal128(38, 12)";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn a_target_is_a_part_of_the_price() {
        let refused = error(&session().await, "SELECT target_price(1, 0)").await;
        let expected = "target_price: the target is not above 0 and at most 100 percent";
        assert!(refused.contains(expected), "{refused}");
    }
}

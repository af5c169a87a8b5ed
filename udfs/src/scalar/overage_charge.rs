//! `overage_charge(units, included_units, unit_price)`: what the units beyond the included ones cost.
//!
//! Rounded once, half to even. NULL in, NULL out.

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
use crate::money::tariff::overage;

pub(crate) static MANUAL: Manual = Manual {
    name: "overage_charge",
    section: "Plans",
    description: "What the units beyond the included ones cost, rounded once, half to even.",
    parameters: &[
        Parameter::required("units", Kind::Number, "The usage."),
        Parameter::required(
            "included_units",
            Kind::Number,
            "What the base fee includes.",
        ),
        Parameter::required(
            "unit_price",
            Kind::Number,
            "The price of each further unit.",
        ),
    ],
    over: "",
    example: "SELECT overage_charge(1200, 1000, 0.05);",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct OverageCharge {
    face: Face,
}

impl OverageCharge {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for OverageCharge {
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
        let [units, included, price] = [0, 1, 2].map(|position| arguments.number(position));
        let (units, included, price) = (units?, included?, price?);
        let mut charges = Decimal128Builder::with_capacity(args.number_rows).with_data_type(AMOUNT);
        for row in 0..args.number_rows {
            let [units, included, price] =
                [&units, &included, &price].map(|number| number.get(MANUAL.name, row));
            let charge = match (units?, included?, price?) {
                (Some(units), Some(included), Some(price)) => {
                    let charge = overage(units, included, price);
                    Some(charge.map_err(|error| failed(MANUAL.name, &error))?)
                }
                _ => None,
            };
            charges.append_option(charge.map(Amount::units));
        }
        Ok(ColumnarValue::Array(Arc::new(charges.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn what_is_included_costs_nothing() {
        let sql = "SELECT overage_charge(1200, 1000, 0.05), overage_charge(1000, 1000, 0.05),
                          overage_charge(1.5, 0, 0.000000000001), overage_charge(1, NULL, 1)";
        let expected = "10.000000000000|0.000000000000|0.000000000002|-";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn nothing_is_below_zero() {
        for (arguments, what) in [
            ("-1, 0, 1", "usage"),
            ("1, -1, 1", "included usage"),
            ("1, 0, -0.01", "unit price"),
        ] {
            let sql = format!("SELECT overage_charge({arguments})");
            let refused = error(&session().await, &sql).await;
            let expected = format!("overage_charge: the {what} is negative");
            assert!(refused.contains(&expected), "{refused}");
        }
    }
}

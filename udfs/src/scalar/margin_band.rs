//! `margin_band(tier, cost [, mrr])`: where a customer stands: `target`, `watch`, `alert` or
//! `no_revenue`.
//!
//! With two arguments the cost is the ratio itself, in percent. With three it is compared with the
//! revenue exactly, and a cost without revenue is `no_revenue`. NULL for an unknown tier, and where
//! there is neither cost nor revenue.

use std::sync::Arc;

use datafusion::arrow::array::StringBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::failed;
use crate::money::Exact;
use crate::pattern::bands::Band;
use crate::reference::Reference;

pub(crate) static MANUAL: Manual = Manual {
    name: "margin_band",
    section: "Margins",
    description: "Where a customer stands against the limits of its tier: target, watch, alert or no_revenue.",
    parameters: &[
        Parameter::required(
            "tier",
            Kind::Text,
            "SMB, Mid-Market, Enterprise, Usage-Based, or another tier of the relation bands; in any case.",
        ),
        Parameter::required(
            "cost",
            Kind::Number,
            "The cost; without mrr the ratio in percent.",
        ),
        Parameter::optional(
            "mrr",
            Kind::Number,
            "The monthly revenue, in the currency of the cost.",
        ),
    ],
    over: "",
    example: "SELECT margin_band('SMB', 104, 299);",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct MarginBand {
    face: Face,
    pub(crate) reference: Arc<Reference>,
}

impl MarginBand {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
        }
    }
}

impl ScalarUDFImpl for MarginBand {
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
        Ok(DataType::Utf8)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let (tier, cost) = (arguments.text(0)?, arguments.number(1)?);
        let mrr = if args.args.len() > 2 {
            Some(arguments.number(2)?)
        } else {
            None
        };
        let band = |row| -> Result<Option<Band>> {
            let Some(cost) = cost.get(MANUAL.name, row)? else {
                return Ok(None);
            };
            let revenue = match &mrr {
                Some(mrr) => mrr.get(MANUAL.name, row)?,
                None => Some(Exact::from_units(100, 0)),
            };
            let bands = &self.reference.bands;
            bands
                .band(tier.get(row), cost, revenue)
                .map_err(|error| failed(MANUAL.name, &error))
        };
        let mut bands = StringBuilder::new();
        for row in 0..args.number_rows {
            bands.append_option(band(row)?.map(Band::as_str));
        }
        Ok(ColumnarValue::Array(Arc::new(bands.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, error, row, session};

    #[tokio::test]
    async fn a_ratio_and_a_cost_stand_in_the_same_band() {
        for (arguments, band) in [
            ("'SMB', 19.999999", "target"),
            ("'SMB', 20", "watch"),
            ("'SMB', 35", "watch"),
            ("'SMB', 35.000000000001, 100", "alert"),
            ("'enterprise', 250.000000, 1000", "watch"),
            ("'API', 1, 0", "no_revenue"),
            ("'API', 1, NULL", "no_revenue"),
            ("'API', 0, NULL", "-"),
            ("'API', NULL, 1", "-"),
            ("'Freemium', 1, 1", "-"),
            ("NULL, 1, NULL", "no_revenue"),
            ("cost => 1, tier => 'SMB'", "target"),
        ] {
            let sql = format!("SELECT margin_band({arguments})");
            assert_eq!(row(&session().await, &sql).await, band, "{arguments}");
        }
    }

    #[tokio::test]
    async fn the_largest_amounts_compare_exactly() {
        let nines = "9".repeat(26);
        let sql = format!("SELECT margin_band('SMB', {nines}.999999999999, {nines}.999999999999)");
        assert_eq!(row(&session().await, &sql).await, "alert");
    }

    #[tokio::test]
    async fn tiers_come_in_every_encoding_and_floats_do_not_come_at_all() {
        assert_over_every_text("margin_band({x}, 1)", "mid-market", "target").await;
        let float = error(&session().await, "SELECT margin_band('SMB', 1::double)").await;
        assert!(
            float.contains("argument `cost` at position 2 is Float64"),
            "{float}"
        );
    }
}

//! `usage_cap(median, multiple)`: how much a customer may use before it is asked to move up.

use std::sync::Arc;

use datafusion::arrow::array::Int64Builder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::failed;
use crate::pattern::cap::cap;

pub(crate) static MANUAL: Manual = Manual {
    name: "usage_cap",
    section: "Plans",
    description: "A multiple of what is usual, up to the next whole unit; NULL for a median of zero.",
    parameters: &[
        Parameter::required("median", Kind::Number, "The median usage of the plan."),
        Parameter::required(
            "multiple",
            Kind::Number,
            "How many times the median: 1 or more.",
        ),
    ],
    over: "",
    example: "SELECT usage_cap(84, 1.5);",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct UsageCap {
    face: Face,
}

impl UsageCap {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for UsageCap {
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
        Ok(DataType::Int64)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let (median, multiple) = (arguments.number(0)?, arguments.number(1)?);
        let mut caps = Int64Builder::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let median = median.get(MANUAL.name, row)?;
            let cap = median
                .zip(multiple.get(MANUAL.name, row)?)
                .map(|(median, multiple)| cap(median, multiple))
                .transpose()
                .map_err(|error| failed(MANUAL.name, &error))?;
            caps.append_option(cap.flatten());
        }
        Ok(ColumnarValue::Array(Arc::new(caps.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn a_cap_is_the_next_whole_unit() {
        let sql =
            "SELECT usage_cap(84, 1.5), usage_cap(10.5, 1), usage_cap(0, 2), usage_cap(NULL, 2)";
        assert_eq!(row(&session().await, sql).await, "126|11|-|-");
    }

    #[tokio::test]
    async fn what_is_usual_is_not_stopped() {
        let refused = error(&session().await, "SELECT usage_cap(10, 0.9)").await;
        assert!(
            refused.contains("usage_cap: the multiple is not 1 or more"),
            "{refused}"
        );
    }
}

//! `bar(value, max [, width])`: a number as a bar of blocks.
//!
//! As long as the part that the number is of the greatest one; nothing for zero and below. NULL in,
//! NULL out.

use std::sync::Arc;

use datafusion::arrow::array::StringBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::failed;
use crate::pattern::blocks;

const WIDTH: i64 = 10;
const MAX_WIDTH: u32 = 200;

pub(crate) static MANUAL: Manual = Manual {
    name: "bar",
    section: "Drawing",
    description: "A bar as long as the part that a number is of the greatest one.",
    parameters: &[
        Parameter::required("value", Kind::Number, "The number."),
        Parameter::required("max", Kind::Number, "What makes a whole bar."),
        Parameter::optional(
            "width",
            Kind::Integer,
            "The characters of a whole bar, 10 if not said.",
        ),
    ],
    over: "",
    example: "SELECT customer_id, bar(cost, max(cost) OVER ()) FROM allocation();",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bar {
    face: Face,
}

impl Bar {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for Bar {
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
        let (value, max) = (arguments.number(0)?, arguments.number(1)?);
        let width = arguments.integer(2)?;
        let mut bars = StringBuilder::new();
        for row in 0..args.number_rows {
            let width = width.get(row).unwrap_or(WIDTH);
            let Some(width @ 1..=MAX_WIDTH) = u32::try_from(width).ok() else {
                return exec_err!(
                    "{}: argument `width` is {width}, and not from 1 to {MAX_WIDTH}",
                    MANUAL.name
                );
            };
            let drawn = value
                .get(MANUAL.name, row)?
                .zip(max.get(MANUAL.name, row)?)
                .map(|(value, max)| blocks::bar(value, max, width))
                .transpose();
            bars.append_option(drawn.map_err(|error| failed(MANUAL.name, &error))?);
        }
        Ok(ColumnarValue::Array(Arc::new(bars.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn a_bar_is_a_part_of_ten_blocks_or_as_many_as_are_asked_for() {
        let sql = "SELECT bar(50, 100.0), bar(5, 4, 3), bar(1, 16, 2), bar(0, 1), bar(NULL, 1), bar(1, NULL)";
        assert_eq!(row(&session().await, sql).await, "█████|███|▏||-|-");
    }

    #[tokio::test]
    async fn a_width_that_no_terminal_has_is_refused() {
        for width in ["0", "-1", "201"] {
            let refused = error(&session().await, &format!("SELECT bar(1, 2, {width})")).await;
            let expected = format!("argument `width` is {width}, and not from 1 to 200");
            assert!(refused.contains(&expected), "{refused}");
        }
    }
}

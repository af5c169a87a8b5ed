//! `to_json(value)`: a value as JSON text, such as `to_json(named_struct('team', feature))`.
//!
//! Texts are escaped, decimals are numbers with every digit, and members that are NULL are left
//! out. NULL in, NULL out.

use std::sync::Arc;

use datafusion::arrow::array::StringBuilder;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{EncoderOptions, make_encoder};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "to_json",
    section: "Text",
    description: "A value as JSON text; members that are NULL are left out.",
    parameters: &[Parameter::required(
        "value",
        Kind::Any,
        "Usually a struct, made by named_struct, or a list.",
    )],
    over: "",
    example: "SELECT to_json(named_struct('customer_id', customer_id, 'mrr', mrr)) FROM customers;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ToJson {
    face: Face,
}

impl ToJson {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for ToJson {
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
        let values = args.args[0].to_array(args.number_rows)?;
        let field = Arc::new(Field::new("value", values.data_type().clone(), true));
        let options = EncoderOptions::default();
        let mut encoder = make_encoder(&field, &values, &options)?;
        let mut texts = StringBuilder::new();
        let mut written = Vec::new();
        for row in 0..args.number_rows {
            if encoder.is_null(row) {
                texts.append_null();
                continue;
            }
            written.clear();
            encoder.encode(row, &mut written);
            texts.append_value(std::str::from_utf8(&written).map_err(not_utf8)?);
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}

fn not_utf8(error: std::str::Utf8Error) -> DataFusionError {
    ArrowError::JsonError(error.to_string()).into()
}

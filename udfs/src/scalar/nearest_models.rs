//! `nearest_models(provider, model)`: the names of the price book that resemble a model's.
//!
//! For a model without a price: is it misspelt, or an alias missing? The provider's own names come
//! first; another provider's is written `provider/model`. NULL when none resembles it.

use std::collections::HashMap;
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
use crate::reference::Reference;

pub(crate) static MANUAL: Manual = Manual {
    name: "nearest_models",
    section: "Names",
    description: "Up to three names of the price book that resemble a model's; NULL when none does.",
    parameters: &[
        Parameter::required(
            "provider",
            Kind::Text,
            "Who is called; its own models come first.",
        ),
        Parameter::required("model", Kind::Text, "The model's name."),
    ],
    over: "",
    example: "SELECT nearest_models('openai', 'gpt4o');",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct NearestModels {
    face: Face,
    pub(crate) reference: Arc<Reference>,
}

impl NearestModels {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
        }
    }
}

impl ScalarUDFImpl for NearestModels {
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
        let (provider, model) = (arguments.text(0)?, arguments.text(1)?);
        let mut known: HashMap<(&str, &str), String> = HashMap::new();
        let mut names = StringBuilder::new();
        for row in 0..args.number_rows {
            let Some(pair) = provider.get(row).zip(model.get(row)) else {
                names.append_null();
                continue;
            };
            let nearest = known.entry(pair).or_insert_with(|| {
                let (provider, model) = pair;
                self.reference
                    .price_book
                    .nearest(provider, model)
                    .join(", ")
            });
            names.append_option((!nearest.is_empty()).then_some(nearest));
        }
        Ok(ColumnarValue::Array(Arc::new(names.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, row, session};

    #[tokio::test]
    async fn the_providers_own_names_come_first() {
        let sql = "SELECT nearest_models('openai', 'gpt-4'), nearest_models('openai', 'zzz'),
                          nearest_models('nobody', 'gpt-4.o'), nearest_models(NULL, 'gpt-4')";
        let expected = "gpt-4o, gpt-*|-|openai/gpt-4o, openai/gpt-*|-";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn names_come_in_every_encoding() {
        assert_over_every_text("nearest_models('openai', {x})", "gpt-4oo", "gpt-4o, gpt-*").await;
    }
}

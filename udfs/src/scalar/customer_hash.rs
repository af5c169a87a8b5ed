//! `customer_hash(id [, salt])`: the name under which a customer travels to a provider.
//!
//! Lowercase hex SHA-256 of the salt's bytes followed by the id's, as `printf '%s%s' "$salt" "$id"
//! | sha256sum` prints it. A NULL salt is an empty one; a NULL id has no hash.

use std::fmt::Write;
use std::sync::Arc;

use datafusion::arrow::array::StringBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};
use sha2::{Digest, Sha256};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "customer_hash",
    section: "Customers",
    description: "The lowercase hex SHA-256 of a salt and a customer's id, to find the customer behind a hashed tag.",
    parameters: &[
        Parameter::required("id", Kind::Text, "The customer's id."),
        Parameter::optional(
            "salt",
            Kind::Text,
            "A secret that goes before the id; NULL is none.",
        ),
    ],
    over: "",
    example: "SELECT customer_id FROM customers WHERE customer_hash(customer_id, 'pepper') = '9f86d081…';",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CustomerHash {
    face: Face,
}

impl CustomerHash {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for CustomerHash {
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
        let (id, salt) = (arguments.text(0)?, arguments.text(1)?);
        let mut hashes = StringBuilder::with_capacity(args.number_rows, args.number_rows * 64);
        for row in 0..args.number_rows {
            hashes.append_option(id.get(row).map(|id| hash(salt.get(row).unwrap_or(""), id)));
        }
        Ok(ColumnarValue::Array(Arc::new(hashes.finish())))
    }
}

fn hash(salt: &str, id: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(id).finalize();
    digest
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_over_every_text, row, session};

    #[test]
    fn the_salt_goes_before_the_id() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("", "abc"), abc);
        assert_eq!(hash("ab", "c"), abc);
    }

    #[tokio::test]
    async fn ids_come_in_every_encoding() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_over_every_text("customer_hash({x})", "abc", abc).await;
        assert_over_every_text("customer_hash(salt => 'ab', id => {x})", "c", abc).await;
        assert_over_every_text("customer_hash('abc', {x})", "", abc).await;
        let context = session().await;
        let number = row(&context, "SELECT customer_hash(42) = customer_hash('42')").await;
        assert_eq!(number, "true");
    }
}

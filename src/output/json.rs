//! JSON: one array of objects (`json`), or an object a line (`ndjson`).
//!
//! Decimals are strings. `0.000000000001` as a JSON number is read as a float nearly everywhere,
//! and money would change on its way; a string keeps every digit in every reader.

use super::Rows;
use super::cell::unreadable;
use crate::error::{Error, Result};
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{FieldRef, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, JsonFormat, LineDelimited, NullableEncoder, Writer,
    WriterBuilder,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

pub(super) struct Json<'a, F: JsonFormat> {
    writer: Writer<&'a mut dyn Write, F>,
}

impl<'a> Json<'a, Lines> {
    pub(super) fn array(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self> {
        Self::new(schema, out)
    }
}

impl<'a> Json<'a, LineDelimited> {
    pub(super) fn lines(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self> {
        Self::new(schema, out)
    }
}

impl<'a, F: JsonFormat> Json<'a, F> {
    fn new(schema: &SchemaRef, out: &'a mut dyn Write) -> Result<Self> {
        distinct_names(schema)?;
        let builder = WriterBuilder::new()
            .with_explicit_nulls(true)
            .with_encoder_factory(Arc::new(ExactDecimals));
        Ok(Self {
            writer: builder.build(out),
        })
    }
}

impl<F: JsonFormat> Rows for Json<'_, F> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(unreadable)
    }

    fn end(&mut self) -> Result<()> {
        self.writer.finish().map_err(unreadable)
    }
}

/// Of two members with one name most readers keep only the last, without a word.
fn distinct_names(schema: &SchemaRef) -> Result<()> {
    let mut seen = HashSet::new();
    match schema
        .fields()
        .iter()
        .find(|field| !seen.insert(field.name()))
    {
        None => Ok(()),
        Some(field) => Err(Error::new(format!(
            "two columns are called `{}`, and a JSON object keeps only one",
            field.name()
        ))
        .hint(format!(
            "give one of them another name: `… as other_{}`",
            field.name()
        ))),
    }
}

/// An array with a row a line, so that a difference between two files shows as lines.
#[derive(Debug, Default)]
pub(super) struct Lines;

impl JsonFormat for Lines {
    fn start_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, out: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(out.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, out: &mut W) -> Result<(), ArrowError> {
        Ok(out.write_all(b"\n]\n")?)
    }
}

#[derive(Debug)]
struct ExactDecimals;

impl EncoderFactory for ExactDecimals {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if !array.data_type().is_decimal() {
            return Ok(None);
        }
        let options = FormatOptions::new().with_display_error(false);
        let encoder = Quoted(ArrayFormatter::try_new(array, &options)?);
        Ok(Some(NullableEncoder::new(
            Box::new(encoder),
            array.nulls().cloned(),
        )))
    }
}

/// Digits, a sign and a point: nothing that JSON would have escaped.
struct Quoted<'a>(ArrayFormatter<'a>);

impl Encoder for Quoted<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("\"{}\"", self.0.value(row)).as_bytes());
    }
}

//! A reference on its way to another machine: its relations, one Arrow stream after the other.

use std::io::Cursor;

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};

use super::Reference;

impl Reference {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut all = vec![];
        for relation in &self.relations {
            let stream = stream(relation)?;
            let length = u64::try_from(stream.len()).unwrap_or(u64::MAX);
            all.extend(length.to_le_bytes());
            all.extend(stream);
        }
        Ok(all)
    }

    /// From what [`Reference::to_bytes`] gave.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self> {
        let [prices, aliases, bands] =
            [next(&mut bytes), next(&mut bytes), next(&mut bytes)].map(|stream| batches(stream?));
        Self::from_batches(&prices?, &aliases?, &bands?)
    }
}

fn next<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let cut_short = || exec_datafusion_err!("prices, aliases and bands arrived cut short");
    let (length, rest) = bytes.split_first_chunk().ok_or_else(cut_short)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (stream, rest) = rest.split_at_checked(length).ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(stream)
}

/// Nothing at all for a relation without batches: nobody says what its columns are.
fn stream(batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut bytes = vec![];
    if let Some(first) = batches.first() {
        let mut writer = StreamWriter::try_new(&mut bytes, &first.schema())?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish()?;
    }
    Ok(bytes)
}

fn batches(stream: &[u8]) -> Result<Vec<RecordBatch>> {
    if stream.is_empty() {
        return Ok(vec![]);
    }
    let reader = StreamReader::try_new(Cursor::new(stream), None)?;
    Ok(reader.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_reference_arrives_as_it_left() {
        let text = |value| Arc::new(StringArray::from(vec![value])) as ArrayRef;
        let prices = RecordBatch::try_from_iter([
            ("provider", text("openai")),
            ("model", text("gpt-4o")),
            ("currency", text("USD")),
            ("input_per_mtok", Arc::new(Int64Array::from(vec![2]))),
            ("output_per_mtok", Arc::new(Int64Array::from(vec![8]))),
        ]);
        let sent = Reference::from_batches(&[prices.unwrap()], &[], &[]).unwrap();
        let bytes = sent.to_bytes().unwrap();
        let arrived = Reference::from_bytes(&bytes).unwrap();
        assert_eq!(arrived, sent);
        assert_eq!(arrived.to_bytes().unwrap(), bytes);
        let none = Reference::from_batches(&[], &[], &[]).unwrap();
        assert_ne!(none, sent);
        assert_eq!(
            Reference::from_bytes(&none.to_bytes().unwrap()).unwrap(),
            none
        );
        for cut in [0, 7, 100, bytes.len() - 1] {
            let error = Reference::from_bytes(&bytes[..cut]).unwrap_err();
            assert!(error.to_string().contains("cut short"), "{error}");
        }
    }
}

//! [`EachValue`]: an expression of one text, worked out once for each value of a dictionary.

use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{cast, concat, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema, SchemaRef};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err, internal_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::CastExpr;

use crate::columnar::arguments::Column;
use crate::columnar::codes::Codes;
use crate::columnar::kind::is_text;
use crate::columnar::remembered::{Remembered, Values};
use crate::columnar::text::Text;

/// Texts become dictionaries, everything else what it was.
#[derive(Debug)]
pub(super) struct EachValue {
    /// Where the texts come from.
    input: Arc<dyn PhysicalExpr>,
    /// Of the only column of `schema`.
    of_value: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    data_type: DataType,
    met: Remembered<Values, Results>,
}

/// What follows from a dictionary.
#[derive(Debug, Clone)]
struct Results {
    /// As many as it has values, and one of NULL where that is not NULL itself.
    of_values: ArrayRef,
    null_key: Option<i32>,
}

impl EachValue {
    /// `of_value` is an expression of the only field of `schema`, a text, and `input` takes its place.
    pub(super) fn new(
        input: Arc<dyn PhysicalExpr>,
        of_value: Arc<dyn PhysicalExpr>,
        schema: SchemaRef,
    ) -> Result<Self> {
        let data_type = match of_value.data_type(&schema)? {
            text if is_text(&text) => DataType::Dictionary(DataType::Int32.into(), text.into()),
            other => other,
        };
        Ok(Self {
            input,
            of_value,
            schema,
            data_type,
            met: Remembered::default(),
        })
    }

    fn text_type(&self) -> &DataType {
        self.schema.field(0).data_type()
    }

    /// The input's texts; a reader's dictionary as it is, though the engine would have it spelt out.
    fn texts(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if let Some(cast) = self.input.downcast_ref::<CastExpr>() {
            let texts = cast.expr().evaluate(batch)?;
            if matches!(&texts, ColumnarValue::Array(texts) if dictionary(texts).is_some()) {
                return Ok(texts);
            }
        }
        self.input.evaluate(batch)
    }

    fn results(&self, values: &ArrayRef) -> Result<Results> {
        let of_values = self.work_out(values)?;
        let of_null = self.work_out(&new_null_array(self.text_type(), 1))?;
        if of_null.is_null(0) {
            let null_key = None;
            return Ok(Results {
                of_values,
                null_key,
            });
        }
        let null = i32::try_from(values.len())
            .map_err(|_| internal_datafusion_err!("a dictionary of {} values", values.len()))?;
        Ok(Results {
            of_values: concat(&[&of_values, &of_null])?,
            null_key: Some(null),
        })
    }

    fn work_out(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let rows = texts.len();
        let texts = cast(texts, self.text_type())?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![texts])?;
        self.of_value.evaluate(&batch)?.into_array(rows)
    }

    fn of_dictionary(
        &self,
        texts: &DictionaryArray<Int32Type>,
        is_met_again: bool,
    ) -> Result<ArrayRef> {
        let values = texts.values();
        let results = if is_met_again {
            let key = Values(Arc::clone(values));
            self.met.get_or(key, || self.results(values))
        } else {
            self.results(values)
        };
        let Ok(results) = results else {
            // A value that no row has may be to blame: the rows decide.
            return Self::finished(self.work_out(&take_keys(texts.values(), texts.keys())?)?);
        };
        let values = results.of_values;
        let null = results.null_key.filter(|_| texts.null_count() > 0);
        let keys = null.map(|null| {
            let keys = texts.keys().iter();
            keys.map(|key| key.unwrap_or(null)).collect::<Int32Array>()
        });
        match keys {
            Some(keys) if is_text(values.data_type()) => {
                Ok(Arc::new(DictionaryArray::try_new(keys, values)?))
            }
            None if is_text(values.data_type()) => Ok(Arc::new(texts.with_values(values))),
            keys => take_keys(&values, keys.as_ref().unwrap_or(texts.keys())),
        }
    }

    /// Results of rows, as what the expression promises.
    fn finished(results: ArrayRef) -> Result<ArrayRef> {
        if is_text(results.data_type()) {
            return Ok(Arc::new(encoded(&results)?));
        }
        Ok(results)
    }
}

fn dictionary(array: &ArrayRef) -> Option<&DictionaryArray<Int32Type>> {
    let texts = array.as_dictionary_opt::<Int32Type>()?;
    is_text(texts.values().data_type()).then_some(texts)
}

fn take_keys(values: &ArrayRef, keys: &Int32Array) -> Result<ArrayRef> {
    Ok(take(values, keys, None)?)
}

/// A dictionary of plain texts. Where few of them repeat, each row has an entry of its own: to find
/// those that do would cost more than it saves.
fn encoded(texts: &ArrayRef) -> Result<DictionaryArray<Int32Type>> {
    const SAMPLE: usize = 1 << 10;
    let codes = |texts: &ArrayRef| -> Result<Codes> {
        let column = Column::each(Text::new(texts)?);
        Ok(Codes::of(&[&column], texts.len()))
    };
    let rows = texts.len();
    let sample = rows.min(SAMPLE);
    let key = |row| i32::try_from(row).ok();
    if codes(&texts.slice(0, sample))?.distinct() > sample / 2 {
        let keys = (0..rows).map(key).collect();
        return Ok(DictionaryArray::try_new(keys, Arc::clone(texts))?);
    }
    let codes = codes(texts)?;
    let firsts = codes.first_rows().iter();
    let firsts: UInt32Array = firsts.map(|row| u32::try_from(*row).ok()).collect();
    let keys = (0..rows).map(|row| key(codes.get(row))).collect();
    Ok(DictionaryArray::try_new(keys, take(texts, &firsts, None)?)?)
}

impl PhysicalExpr for EachValue {
    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        let field = Field::new(self.to_string(), self.data_type.clone(), true);
        Ok(Arc::new(field))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        Ok(match self.texts(batch)? {
            ColumnarValue::Array(texts) => ColumnarValue::Array(match dictionary(&texts) {
                Some(texts) => self.of_dictionary(texts, true)?,
                None => self.of_dictionary(&encoded(&texts)?, false)?,
            }),
            ColumnarValue::Scalar(text) => {
                let result = Self::finished(self.work_out(&text.to_array()?)?)?;
                ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?)
            }
        })
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("one expression has the texts");
        };
        Ok(Arc::new(Self::new(
            input,
            Arc::clone(&self.of_value),
            Arc::clone(&self.schema),
        )?))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.of_value.fmt_sql(f)
    }
}

impl Display for EachValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "each value of {}: {}", self.input, self.of_value)
    }
}

impl PartialEq for EachValue {
    fn eq(&self, other: &Self) -> bool {
        self.input.eq(&other.input)
            && self.of_value.eq(&other.of_value)
            && self.schema == other.schema
    }
}

impl Eq for EachValue {}

impl Hash for EachValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.of_value.hash(state);
    }
}

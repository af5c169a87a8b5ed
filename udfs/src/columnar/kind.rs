//! [`Kind`]: which SQL types a parameter takes, and the one that it becomes.
//!
//! Text keeps its encoding, numbers keep their digits, times become microseconds. A float is never
//! money by accident: only `to_amount` and `to_exact` take one.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};

/// What a parameter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Text in any encoding; integers become their digits.
    Text,
    /// A whole number, such as a count of tokens.
    Integer,
    /// A decimal or an integer, exactly.
    Number,
    /// A number in any form, texts and floats included.
    AnyNumber,
    /// An instant; a timestamp without a zone is UTC.
    Timestamp,
    /// A list of instants.
    Timestamps,
    /// A list of the steps of a plan, each a struct.
    Steps,
    /// A list of numbers of one scale, of 38 digits at most.
    Numbers,
    /// Anything at all.
    Any,
}

impl Kind {
    /// The type that an argument of type `given` is read as; `None` if it cannot be meant.
    pub(crate) fn coerced(self, given: &DataType) -> Option<DataType> {
        match given {
            DataType::Dictionary(_, values) if self == Self::Text && is_text(values) => {
                Some(given.clone())
            }
            DataType::Dictionary(_, values) if self != Self::Any => self.coerced(values),
            _ => match self {
                Self::Text => text(given),
                Self::Integer => integer(given),
                Self::Number => number(given),
                Self::AnyNumber => any_number(given),
                Self::Timestamp => timestamp(given),
                Self::Timestamps => timestamps(given),
                Self::Steps => steps(given),
                Self::Numbers => numbers(given),
                Self::Any => Some(given.clone()),
            },
        }
    }

    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Number => {
                "a decimal or a whole number (`to_amount` makes one from a float or a text)"
            }
            Self::AnyNumber => "a number or a text",
            Self::Timestamp => "a timestamp",
            Self::Timestamps => "a list of timestamps",
            Self::Steps => {
                "a list of structs with from_unit and unit_price, maybe flat_fee and minimum"
            }
            Self::Numbers => "a list of decimals or whole numbers",
            Self::Any => "any value",
        }
    }
}

pub(crate) fn is_text(given: &DataType) -> bool {
    matches!(
        given,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn text(given: &DataType) -> Option<DataType> {
    match given {
        text if is_text(text) => Some(text.clone()),
        other if other.is_null() || other.is_integer() => Some(DataType::Utf8),
        _ => None,
    }
}

fn integer(given: &DataType) -> Option<DataType> {
    let whole =
        given.is_null() || given.is_integer() || matches!(given, DataType::Decimal128(_, 0));
    whole.then_some(DataType::Int64)
}

fn number(given: &DataType) -> Option<DataType> {
    match *given {
        DataType::Decimal128(..) | DataType::Decimal256(..) => Some(given.clone()),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            Some(DataType::Decimal128(precision, scale))
        }
        // Twenty digits hold every 64-bit integer, signed or not.
        ref other if other.is_null() || other.is_integer() => Some(DataType::Decimal128(20, 0)),
        _ => None,
    }
}

fn any_number(given: &DataType) -> Option<DataType> {
    match given {
        DataType::Float32 | DataType::Float64 => Some(given.clone()),
        DataType::Float16 => Some(DataType::Float32),
        text if is_text(text) => Some(text.clone()),
        other => number(other),
    }
}

fn timestamp(given: &DataType) -> Option<DataType> {
    match given {
        // A cast between zones keeps the instant; a cast to no zone would keep the wall clock.
        DataType::Timestamp(_, Some(_)) => Some(micros(Some("UTC"))),
        DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 | DataType::Null => {
            Some(micros(None))
        }
        text if is_text(text) => Some(micros(None)),
        _ => None,
    }
}

fn timestamps(given: &DataType) -> Option<DataType> {
    let element = match element(given) {
        Some(element) => timestamp(element)?,
        None if given.is_null() => micros(None),
        None => return None,
    };
    Some(list(element))
}

fn numbers(given: &DataType) -> Option<DataType> {
    let number = number(element(given).unwrap_or(given))?;
    let is_list = given.is_null() || element(given).is_some();
    (is_list && matches!(number, DataType::Decimal128(..))).then(|| list(number))
}

/// The type of a list's elements.
fn element(given: &DataType) -> Option<&DataType> {
    match given {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            Some(field.data_type())
        }
        _ => None,
    }
}

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

fn steps(given: &DataType) -> Option<DataType> {
    const PARTS: [&str; 4] = ["from_unit", "unit_price", "flat_fee", "minimum"];
    let DataType::List(element) = given else {
        return None;
    };
    let DataType::Struct(parts) = element.data_type() else {
        return None;
    };
    let known = parts
        .iter()
        .all(|part| PARTS.contains(&part.name().as_str()));
    let complete = PARTS[..2].iter().all(|part| parts.find(part).is_some());
    (known && complete).then(|| given.clone())
}

pub(crate) fn micros(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

//! [`ParameterType`]: what a parameter may be, as a header writes it.

use crate::error::{Error, Result};
use crate::saved_query::limits::Limits;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterType {
    Month,
    Text,
    /// One of these words, written `billed|effective`.
    Choice(Vec<String>),
    /// Some of these words, separated by commas, written `customer|feature|model+`. Their order is
    /// the order of the declaration.
    Choices(Vec<String>),
    Boolean,
    Integer,
    Decimal,
    Date,
    Timestamp,
    /// A list of instants; only a query that is read first can give one.
    Timestamps,
    /// A table, or a query in parentheses.
    Relation,
    /// An integer or a decimal within limits, written `decimal>0` or `integer>=1<=12`.
    Within(Box<ParameterType>, Limits),
}

const TYPES: [(&str, ParameterType); 9] = [
    ("month", ParameterType::Month),
    ("text", ParameterType::Text),
    ("boolean", ParameterType::Boolean),
    ("integer", ParameterType::Integer),
    ("decimal", ParameterType::Decimal),
    ("date", ParameterType::Date),
    ("timestamp", ParameterType::Timestamp),
    ("timestamps", ParameterType::Timestamps),
    ("relation", ParameterType::Relation),
];

impl ParameterType {
    pub fn parse(text: &str) -> Result<Self> {
        let words = |text: &str| text.split('|').map(str::to_owned).collect();
        match text.strip_suffix('+') {
            Some(text) if text.contains('|') => return Ok(Self::Choices(words(text))),
            None if text.contains('|') => return Ok(Self::Choice(words(text))),
            _ => {}
        }
        if let Some(at) = text.find(['<', '>']) {
            let (kind, limits) = text.split_at(at);
            return match Self::parse(kind)? {
                kind @ (Self::Integer | Self::Decimal) => {
                    Ok(Self::Within(Box::new(kind), Limits::parse(limits)?))
                }
                other => Err(Error::new(format!("a {other} has no limits"))
                    .hint("only integer and decimal have")),
            };
        }
        TYPES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, kind)| kind.clone())
            .ok_or_else(|| {
                let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
                Error::new(format!("`{text}` is not a parameter type"))
                    .hint(format!("the types are {}", names.join(", ")))
            })
    }
}

impl ParameterType {
    /// A number's type, as an error calls it.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            _ => "a decimal number",
        }
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Choices(words) => write!(f, "some of {}", words.join(", ")),
            Self::Within(kind, limits) => write!(f, "{kind} {limits}"),
            _ => {
                let name = TYPES
                    .iter()
                    .find(|(_, kind)| kind == self)
                    .map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

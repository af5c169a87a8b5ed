//! JSON whose numbers stay text: a price never becomes a float on its way.

use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Flag(bool),
    /// As the file writes it.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let read = serde_json::from_str(text).and_then(|raw: &RawValue| value(raw, 0));
        read.map_err(|error| {
            let cause = error.to_string();
            let cause = cause.split(" at line ").next().unwrap_or_default();
            Error::new(format!("this is not JSON: {cause}"))
                .at(format!("line {}, column {}", error.line(), error.column()))
                .hint("is the file complete?")
        })
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|(name, _)| name == key);
        entry
            .map(|(_, value)| value)
            .filter(|value| **value != Self::Null)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, also one that is written `200000.0` or `2e5`.
    pub(super) fn whole(&self) -> Option<i64> {
        let Self::Number(text) = self else {
            return None;
        };
        let number = apportion_udfs::money::Exact::parse(text).ok()??;
        let units = number.exactly(0).ok()?.to_i128(18).ok()?;
        i64::try_from(units).ok()
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// Deeper than any price list.
const DEPTH: usize = 64;

fn value(raw: &RawValue, depth: usize) -> Result<Json, serde_json::Error> {
    if depth > DEPTH {
        return Err(serde_json::Error::custom("it is nested too deep"));
    }
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(text)?;
            let entries = entries
                .into_iter()
                .map(|(name, raw)| Ok((name, value(raw, depth + 1)?)));
            Json::Object(entries.collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|raw| value(raw, depth + 1));
            Json::List(items.collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text)?),
        Some(b't' | b'f') => Json::Flag(serde_json::from_str(text)?),
        Some(b'n') => Json::Null,
        _ => Json::Number(text.to_owned()),
    })
}

/// An object's entries in the file's order; a name that stands twice is refused.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = vec![];
                let mut names = HashSet::new();
                while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("`{name}` stands twice")));
                    }
                    entries.push((name, raw));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text() {
        let json = Json::parse(r#"{"a": 1.10e-07, "b": [2, null], "c": {"d": "x"}}"#).unwrap();
        assert_eq!(json.get("a"), Some(&Json::Number("1.10e-07".to_owned())));
        assert_eq!(json.get("b").unwrap().items().len(), 2);
        assert_eq!(json.get("c").unwrap().get("d").unwrap().text(), Some("x"));
        assert_eq!(Json::Number("2.0e3".to_owned()).whole(), Some(2_000));
        assert_eq!(Json::Number("2.5".to_owned()).whole(), None);
    }

    #[test]
    fn what_is_broken_is_told() {
        let broken = |text: &str| Json::parse(text).unwrap_err().to_string();
        assert!(broken(r#"{"a": 1"#).contains("not JSON"));
        assert!(broken(r#"{"a": 1, "a": 2}"#).contains("`a` stands twice"));
        assert!(broken(&"[".repeat(100_000)).contains("not JSON"));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(broken(&deep).contains("nested too deep"));
    }
}

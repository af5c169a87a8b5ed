//! `\set month 2026-10`: then `:'month'` stands for `'2026-10'`, as in psql.
//!
//! `:name` is the value as it is, `:'name'` a text, `:"name"` an identifier. Inside texts and comments
//! a colon is a colon, and a name that is not set stays as it was written.

use super::pieces::{Kind, Piece, is_name, pieces};
use crate::error::{Error, Result};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: String) -> Result<()> {
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(Error::new(format!("`{name}` is not a variable's name"))
                .hint("it is made of letters, digits and `_`"));
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text with the values in it.
    pub(super) fn replace(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let pieces = pieces(text);
        let mut pieces = pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let value = pieces
                .peek()
                .filter(|_| piece.is(":"))
                .and_then(|named| self.value(named));
            match value {
                Some(value) => {
                    replaced.push_str(&value);
                    pieces.next();
                }
                None => replaced.push_str(piece.text),
            }
        }
        replaced
    }

    fn value(&self, named: &Piece<'_>) -> Option<String> {
        let inner = |quote: char| named.text.strip_prefix(quote)?.strip_suffix(quote);
        match named.kind {
            Kind::Word => self.0.get(named.text).cloned(),
            Kind::Text => self.0.get(inner('\'')?).map(|value| quoted(value, '\'')),
            Kind::Name => self.0.get(inner('"')?).map(|value| quoted(value, '"')),
            _ => None,
        }
    }
}

fn quoted(value: &str, quote: char) -> String {
    let doubled = value.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_sql_has_no_text() {
        let mut variables = Variables::default();
        variables.set("n", "1 + 1".to_owned()).unwrap();
        variables.set("name", "it's \"x\"".to_owned()).unwrap();
        for (typed, meant) in [
            ("select :n;", "select 1 + 1;"),
            ("select :'name'", "select 'it''s \"x\"'"),
            ("select 1 as :\"name\"", "select 1 as \"it's \"\"x\"\"\""),
            ("select ':n', \":n\" -- :n", "select ':n', \":n\" -- :n"),
            ("select a::n /* :n */", "select a::n /* :n */"),
            ("select :unknown, :'unknown'", "select :unknown, :'unknown'"),
            ("select ':n' || :'", "select ':n' || :'"),
        ] {
            assert_eq!(variables.replace(typed), meant);
        }
        assert!(variables.set("a b", String::new()).is_err());
    }
}

//! TOML that remembers its lines, so that every complaint can name one.

use crate::error::{Error, Result};
use crate::saved_query::nearest;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file's text and the name by which errors call it.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// One table of the file.
#[derive(Debug, Clone)]
pub(super) struct Section<'a> {
    file: File<'a>,
    /// As errors call it, such as `[ledger]`.
    title: String,
    entries: DeTable<'a>,
    span: Range<usize>,
}

impl<'a> File<'a> {
    pub(super) fn root(self) -> Result<Section<'a>> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let span = error.span().unwrap_or_default();
            Error::new(message).at(self.place(&span))
        })?;
        let span = table.span();
        Ok(Section {
            file: self,
            title: "the file".to_owned(),
            entries: table.into_inner(),
            span,
        })
    }

    fn place(self, span: &Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        format!("{}:{}", self.name, before.matches('\n').count() + 1)
    }
}

impl<'a> Section<'a> {
    /// The keys in the order of the file.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let mut keys: Vec<_> = self.entries.keys().collect();
        keys.sort_by_key(|key| key.span().start);
        keys.into_iter().map(|key| key.get_ref().as_ref())
    }

    /// Where a key stands.
    pub(super) fn place_of(&self, key: &str) -> Option<String> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(self.file.place(&key.span()))
    }

    /// Refuses every key but these.
    pub(super) fn only(&self, known: &[&str]) -> Result<()> {
        let Some(unknown) = self.keys().find(|key| !known.contains(key)) else {
            return Ok(());
        };
        let place = self.place_of(unknown).unwrap_or_default();
        let error = Error::new(format!("unknown key `{unknown}` in {}", self.title)).at(place);
        Err(match nearest(unknown, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("{} takes {}", self.title, listed(known))),
        })
    }

    /// The error for a key that must be there.
    pub(super) fn lacks(&self, key: &str) -> Error {
        Error::new(format!("{} has no `{key}`", self.title)).at(self.file.place(&self.span))
    }

    pub(super) fn section(&self, key: &str) -> Result<Option<Section<'a>>> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        self.table(value, format!("[{key}]"))
            .map(Some)
            .ok_or_else(|| self.wrong(key, "a table", value))
    }

    /// An array of tables.
    pub(super) fn sections(&self, key: &str) -> Result<Option<Vec<Section<'a>>>> {
        let element = |value: &Spanned<DeValue<'a>>| {
            self.table(value, format!("an entry of `{key}` in {}", self.title))
                .ok_or_else(|| self.wrong(key, "an array of tables, [{ location = \"…\" }]", value))
        };
        self.array(key)?
            .map(|values| values.iter().map(element).collect())
            .transpose()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let text = value.get_ref().as_str();
        text.map(Some)
            .ok_or_else(|| self.wrong(key, "a text in quotes", value))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&str>>> {
        let Some(values) = self.array(key)? else {
            return Ok(None);
        };
        let texts = values.iter().map(|value| {
            let text = value.get_ref().as_str();
            text.ok_or_else(|| self.wrong(key, "an array of texts", value))
        });
        texts.collect::<Result<_>>().map(Some)
    }

    /// A whole number above zero.
    pub(super) fn count(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let digits = value
            .get_ref()
            .as_integer()
            .filter(|integer| integer.radix() == 10);
        match digits.and_then(|integer| integer.as_str().parse().ok()) {
            Some(count) if count > 0 => Ok(Some(count)),
            _ => Err(self.wrong(key, "a whole number above zero", value)),
        }
    }

    /// A single value, as text.
    pub(super) fn scalar(&self, key: &str) -> Result<String> {
        match self.entries.get(key).map(Spanned::get_ref) {
            Some(DeValue::String(text)) => Ok(text.to_string()),
            Some(DeValue::Integer(number)) => Ok(number.to_string()),
            Some(DeValue::Float(number)) => Ok(number.to_string()),
            Some(DeValue::Boolean(value)) => Ok(value.to_string()),
            Some(DeValue::Datetime(value)) => Ok(value.to_string()),
            Some(DeValue::Array(_) | DeValue::Table(_)) | None => {
                let place = self.place_of(key).unwrap_or_default();
                Err(
                    Error::new(format!("`{key}` in {} must be a single value", self.title))
                        .at(place),
                )
            }
        }
    }

    fn array(&self, key: &str) -> Result<Option<&[Spanned<DeValue<'a>>]>> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let array = value.get_ref().as_array().map(|array| &array[..]);
        array
            .map(Some)
            .ok_or_else(|| self.wrong(key, "an array", value))
    }

    fn table(&self, value: &Spanned<DeValue<'a>>, title: String) -> Option<Section<'a>> {
        let entries = value.get_ref().as_table()?.clone();
        Some(Section {
            file: self.file,
            title,
            entries,
            span: value.span(),
        })
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'a>>) -> Error {
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'i', 'o']) {
            "an"
        } else {
            "a"
        };
        Error::new(format!(
            "`{key}` in {} must be {wanted}, not {article} {found}",
            self.title
        ))
        .at(self.file.place(&value.span()))
    }
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

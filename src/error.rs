//! Errors as data: what is wrong, where, and what to do about it.
//!
//! The first line says what is wrong in the user's own words; `place` and `hint` are printed below
//! it. Text is made here and in `Display` of what an error carries, nowhere else.

use datafusion::error::DataFusionError;
use std::fmt;

/// One thing that went wrong, as a user meets it.
#[derive(Debug)]
pub struct Error {
    message: String,
    place: Option<String>,
    hint: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            hint: None,
        }
    }

    /// Says where, unless a place nearer to the cause is known already.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert_with(|| place.into());
        self
    }

    /// Says where, in place of what was said before.
    #[must_use]
    pub fn moved(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what to do, unless a hint nearer to the cause is known already.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        let error = match error {
            DataFusionError::External(inner) => match inner.downcast::<Error>() {
                Ok(own) => return *own,
                Err(inner) => DataFusionError::External(inner),
            },
            other => other,
        };
        Self::new(plain(&error))
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Why the system refused, in a sentence's middle: `no such file or directory`.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// The engine's message without its own layers of context and backtraces.
fn plain(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = match root {
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::ResourcesExhausted(text) => text.clone(),
        other => other.to_string(),
    };
    let text = text.trim_end();
    let text = ["Schema error: ", "SQL error: ", "Error during planning: "]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    lower_first(text.trim_end_matches('.'))
}

/// A sentence's capital goes; a name's stays.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), text.chars().nth(1)) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

//! Errors as data: what is wrong, where, and what to do about it.
//!
//! The first line says what is wrong in the user's own words; `place` and `hint` are printed below
//! it. Text is made here and in `Display` of what an error carries, nowhere else.

mod excerpt;

pub use excerpt::Place;
pub(crate) use excerpt::parted;

use crate::panic::first_said;
use datafusion::error::DataFusionError;
use std::fmt;
use std::sync::Arc;

/// One thing that went wrong, as a user meets it.
#[derive(Debug, Clone)]
pub struct Error {
    message: String,
    place: Option<String>,
    hint: Option<String>,
    excerpt: Option<String>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            hint: None,
            excerpt: None,
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

    /// The line that it is about, with a caret under the place.
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
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
        Self::from(&error)
    }
}

impl From<&DataFusionError> for Error {
    fn from(error: &DataFusionError) -> Self {
        let root = error.find_root();
        if let DataFusionError::External(inner) = root
            && let Some(own) = inner.downcast_ref::<Self>()
        {
            return own.clone();
        }
        let (message, advice) = plain(error);
        let is_out_of_memory = matches!(root, DataFusionError::ResourcesExhausted(_));
        let more = || "give more with `--memory-limit`, or use fewer `--threads`".to_owned();
        Self {
            hint: advice.or_else(|| is_out_of_memory.then(more)),
            ..Self::new(message)
        }
    }
}

/// Of what several waited for.
impl From<Arc<DataFusionError>> for Error {
    fn from(error: Arc<DataFusionError>) -> Self {
        Self::from(error.as_ref())
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

/// What the engine's layers put before the message of the layer below them. An internal error keeps
/// its name: it is nobody's SQL that is wrong.
const WRAPPERS: [&str; 19] = [
    "Arrow error: ",
    "Cast error: ",
    "Compute error: ",
    "Error during planning: ",
    "Error evaluating filter predicate: ",
    "Execution error: ",
    "ExecutionJoin error: ",
    "External error: ",
    "External: ",
    "IO error: ",
    "Invalid argument error: ",
    "Invalid or Unsupported Configuration: ",
    "Object Store error: ",
    "Parquet error: ",
    "Parser error: ",
    "Resources exhausted: ",
    "SQL error: ",
    "Schema error: ",
    "This feature is not implemented: ",
];

/// How the lines begin that the engine puts below a message.
const ASIDES: [&str; 5] = [
    "Candidate functions:",
    "Did you mean '",
    "This issue was likely caused by a bug",
    "Valid fields are ",
    "backtrace: ",
];

const NEAR: &str = ". Did you mean '";
const NO_MATCH: &str = "No function matches the given name and argument types '";

/// Longer is no message but something printed.
const MOST_CHARACTERS: usize = 600;

/// The engine's message without its layers, its trees and its advice to its own developers, and what
/// it has to say to a user beside.
fn plain(error: &DataFusionError) -> (String, Option<String>) {
    sentence(&error.find_root().to_string())
}

fn sentence(text: &str) -> (String, Option<String>) {
    let text = innermost(text);
    if let Some(call) = unmatched_call(text) {
        return (format!("no function matches `{call}`"), candidates(text));
    }
    if let Some(panic) = panicked(text) {
        return (format!("the engine broke off: {}", first_said(panic)), None);
    }
    let (said, asides) = apart(text);
    let said = said.split(NO_MATCH).next().unwrap_or(said);
    let message = match (spoken(said), before_syntax_tree(said)) {
        (Some(spoken), _) => spoken,
        (None, Some("")) => "this kind of statement is not supported".to_owned(),
        (None, Some(known)) => format!("this kind of statement is not supported: {known}"),
        (None, None) => said.to_owned(),
    };
    let message = message.trim_end_matches(|end: char| end == '.' || end.is_whitespace());
    (shortened(&lower_first(message)), advice(asides))
}

/// What a task of the engine said when it broke off, as in `task 7 panicked with message "…"`.
fn panicked(text: &str) -> Option<&str> {
    let (task, said) = text.split_once(" panicked with message ")?;
    let said = said.lines().next()?.trim_matches('"');
    task.starts_with("task ").then_some(said)
}

/// Parts what is wrong from the lines that the engine puts below it. Apportion's functions write
/// lines as well, with the place; those stay.
fn apart(text: &str) -> (&str, &str) {
    let is_aside = |line: &str| {
        let line = line.trim_start();
        ASIDES.iter().any(|aside| line.starts_with(aside))
    };
    let line = text
        .match_indices('\n')
        .find(|(end, _)| is_aside(&text[end + 1..]));
    let line = line.map(|(end, _)| (end, end + 1));
    // A near name stands on the same line.
    let near = text.find(NEAR).map(|end| (end, end + ". ".len()));
    match line.into_iter().chain(near).min() {
        Some((end, aside)) => (&text[..end], &text[aside..]),
        None => (text, ""),
    }
}

fn innermost(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = below(text) {
        text = inner;
    }
    text
}

/// The message of the layer below, where the text is one layer's about another.
fn below(text: &str) -> Option<&str> {
    let wrapped = WRAPPERS
        .iter()
        .find_map(|wrapper| text.strip_prefix(wrapper));
    wrapped.or_else(|| {
        let (function, inner) = text.split_once(" user-defined coercion failed with: ")?;
        function.starts_with("Function '").then_some(inner)
    })
}

/// The call that fits no signature of its function, where nothing shorter says why.
fn unmatched_call(text: &str) -> Option<&str> {
    let (before, call) = text.split_once(NO_MATCH)?;
    let says_nothing = before.is_empty() || before.contains("failed to match any signature");
    says_nothing.then(|| call.split("'.").next().unwrap_or(call))
}

fn candidates(text: &str) -> Option<String> {
    let (_, candidates) = text.split_once("Candidate functions:")?;
    let candidates: Vec<_> = candidates.split_whitespace().collect();
    let candidates = candidates.join(" ").replace(") ", "), ");
    Some(shortened(&format!("it can be called as {candidates}")))
}

/// What an error says that another printed with its Rust names, as in `ArrowError(CastError("…"))`.
fn spoken(text: &str) -> Option<String> {
    let inner = text.strip_prefix("ArrowError(")?;
    let end = inner.find(|letter: char| !letter.is_ascii_alphanumeric())?;
    let (kind, rest) = inner.split_at(end);
    match rest.strip_prefix("(\"") {
        Some(quoted) => {
            let (said, _) = quoted.split_once("\")")?;
            Some(said.replace("\\\"", "\"").replace("\\\\", "\\"))
        }
        None => rest.starts_with([',', ')']).then(|| words(kind)),
    }
}

/// `DivideByZero` as one would say it.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// What stands before a syntax tree that was printed into a message, as in `got: Query { with: …`.
fn before_syntax_tree(text: &str) -> Option<&str> {
    let (before, fields) = text.split_once(" { ")?;
    let (known, node) = before.rsplit_once(' ').unwrap_or(("", before));
    let (field, _) = fields.split_once(": ")?;
    let is_node = node.starts_with(|letter: char| letter.is_ascii_uppercase());
    let is_field = field
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter == '_');
    // In a user's own text, which the engine quotes, anything may stand.
    let is_quoted = before.matches('\'').count() % 2 == 1;
    (is_node && is_field && !is_quoted).then(|| {
        let known = known.trim_end_matches([':', ' ']);
        known.strip_suffix(", got").unwrap_or(known)
    })
}

/// The engine's own hint, which it puts on a line below.
fn advice(asides: &str) -> Option<String> {
    let line = asides.lines().next()?.trim_end_matches('.');
    if let Some(near) = line.strip_prefix("Did you mean '") {
        let near = near.split('\'').next().unwrap_or(near);
        return Some(format!("did you mean `{near}`?"));
    }
    let fields = line.strip_prefix("Valid fields are ")?;
    // While it sorts, the engine names what is selected beside what it is selected from.
    let mut distinct: Vec<_> = vec![];
    for field in fields.split(", ") {
        if !distinct.contains(&field) {
            distinct.push(field);
        }
    }
    Some(format!("valid fields are {}", distinct.join(", ")))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        sentence(text).0
    }

    #[test]
    fn an_error_of_ours_keeps_its_advice_below_layers() {
        let ours = Error::new("the bill is gone").hint("look for it");
        let shared = DataFusionError::Shared(Arc::new(ours.into()));
        let met = Error::from(shared.context("while reading"));
        assert_eq!(met.to_string(), "the bill is gone");
        assert_eq!(met.advice(), Some("look for it"));
    }

    #[test]
    fn layers_of_the_engine_are_taken_off() {
        assert_eq!(
            message("Arrow error: Cast error: Cannot cast string 'x' to value of Int32 type"),
            "cannot cast string 'x' to value of Int32 type"
        );
        assert_eq!(
            message("Parquet error: External: Parquet error: Invalid Parquet file. Corrupt footer"),
            "invalid Parquet file. Corrupt footer"
        );
        assert_eq!(
            message(
                "Execution error: Function 'f' user-defined coercion failed with: Error during \
                 planning: f takes 2 arguments, got 1. No function matches the given name and \
                 argument types 'f(Int64)'. You might need to add explicit type casts.\n\t\
                 Candidate functions:\n\tf(a, b)"
            ),
            "f takes 2 arguments, got 1"
        );
    }

    #[test]
    fn an_error_within_an_error_says_what_it_says() {
        let filter = "Parquet error: External: Compute error: Error evaluating filter predicate: ";
        assert_eq!(
            message(&format!(
                r#"{filter}ArrowError(CastError("Cannot cast string 'a\"b' to Int32"), Some(""))"#
            )),
            "cannot cast string 'a\"b' to Int32"
        );
        assert_eq!(
            message(&format!(r#"{filter}ArrowError(DivideByZero, Some(""))"#)),
            "divide by zero"
        );
    }

    #[test]
    fn a_call_that_fits_nothing_is_told_what_would() {
        let (message, hint) = sentence(
            "Error during planning: Internal error: Function 'sum' failed to match any signature, \
             errors: Error during planning: Function 'sum' requires Int64, but received String..\n\
             This issue was likely caused by a bug in DataFusion's code. Please help us. No \
             function matches the given name and argument types 'sum(Utf8)'. You might need to \
             add explicit type casts.\n\tCandidate functions:\n\tsum(Int64)\n\tsum(A, B)",
        );
        assert_eq!(message, "no function matches `sum(Utf8)`");
        assert_eq!(
            hint.as_deref(),
            Some("it can be called as sum(Int64), sum(A, B)")
        );
    }

    #[test]
    fn a_bug_of_the_engine_is_told_in_one_line() {
        let error = DataFusionError::Internal("no such variant".to_owned());
        assert_eq!(plain(&error).0, "internal error: no such variant");
    }

    #[test]
    fn who_has_too_little_memory_is_told_how_to_give_more() {
        let error = DataFusionError::ResourcesExhausted("nothing is left".to_owned());
        let error = Error::from(error.context("a sort"));
        assert_eq!(error.to_string(), "nothing is left");
        assert!(
            error
                .advice()
                .is_some_and(|hint| hint.contains("--memory-limit"))
        );
    }

    #[test]
    fn a_task_that_panicked_is_told_without_its_number() {
        assert_eq!(
            message(r#"ExecutionJoin error: task 7 panicked with message "index out of bounds""#),
            "the engine broke off: index out of bounds"
        );
    }

    #[test]
    fn a_functions_own_lines_stay() {
        assert_eq!(
            message("Execution error: f: two rows have this key\n  at: key `a`\n\nbacktrace: 0: x"),
            "f: two rows have this key\n  at: key `a`"
        );
    }

    #[test]
    fn syntax_trees_are_left_out() {
        assert_eq!(
            message("DELETE FROM only supports single table, got: TableWithJoins { relation: X }"),
            "this kind of statement is not supported: DELETE FROM only supports single table"
        );
        assert_eq!(
            message("Query { with: None }"),
            "this kind of statement is not supported"
        );
        let quoted = "cannot cast string 'A { b: 1 }' to value of Int32 type";
        assert_eq!(message(quoted), quoted);
        let long = "x".repeat(10_000);
        assert_eq!(message(&long).chars().count(), MOST_CHARACTERS + 1);
    }

    #[test]
    fn what_the_engine_advises_is_a_hint() {
        let told = |text: &str| {
            let (message, hint) = sentence(text);
            (message, hint.unwrap_or_default())
        };
        assert_eq!(
            told("Error during planning: Invalid function 'smu'.\nDid you mean 'sum'?"),
            (
                "invalid function 'smu'".to_owned(),
                "did you mean `sum`?".to_owned()
            )
        );
        assert_eq!(
            told("Schema error: No field named x. Did you mean 't.y'?\nValid fields are t.y."),
            (
                "no field named x".to_owned(),
                "did you mean `t.y`?".to_owned()
            )
        );
        assert_eq!(
            told("Schema error: No field named x.\nValid fields are t.a, t.b, t.a."),
            (
                "no field named x".to_owned(),
                "valid fields are t.a, t.b".to_owned()
            )
        );
    }
}

//! The comment at the top of a saved query, parsed: its documentation is its signature.
//!
//! ```sql
//! -- Question:    What did each customer cost in a period?
//! -- Grain:       one row per customer_id, currency
//! -- Parameters:
//! --   period     month = (select max(billing_period) from billing)   The billing period.
//! --   currency   text = 'USD'    Costs in other currencies are not converted.
//! -- Reads first:
//! --   boundaries timestamps = (select …)   Where one charge period ends and another starts.
//! -- Ties to:     checks/attribution_conserves_cost
//! ```
//!
//! A default in parentheses is a query: it runs first and its one value is bound as a literal, so
//! that the plan is made with figures in it and the Parquet scan is pruned by them. What stands
//! under `Reads first` is the same, but cannot be given by a caller.

use super::parameter::{Default, Parameter, ParameterType};
use crate::error::{Error, Result};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Question,
    Claim,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

#[derive(Debug, Clone)]
pub struct Header {
    pub kind: Kind,
    pub question: String,
    pub grain: Option<String>,
    pub parameters: Vec<Parameter>,
    pub reads_first: Vec<Parameter>,
    /// A query whose first row says why there is no answer, and in a second column what to do.
    pub refused: Option<String>,
    /// A query whose rows (one text each) are told on stderr when this query has been run.
    pub notices: Option<String>,
    pub ties_to: Option<String>,
    pub severity: Option<Severity>,
    pub notes: Option<String>,
    /// Of a source: the relation that it makes of its `input`.
    pub relation: Option<String>,
    /// Of a source: what its input is.
    pub reads: Option<String>,
    /// Of a source: columns that some layouts of its input lack; there they are NULL.
    pub optional: Vec<String>,
    /// Of a source that reads JSON: places that some of the first documents must have, such as
    /// `data[].results[].amount`; one of several where they are joined by `or`.
    pub expects: Vec<String>,
    /// Of a source of `billing`: a query over `input` alone, by provider, billing period and currency.
    pub control_total: Option<String>,
}

const KEYS: [&str; 15] = [
    "Question",
    "Claim",
    "Grain",
    "Parameters",
    "Reads first",
    "Refused",
    "Notices",
    "Ties to",
    "Severity",
    "Notes",
    "Relation",
    "Reads",
    "Optional",
    "Expects",
    "Control total",
];

impl Header {
    /// Reads the comment lines at the start of a file.
    pub fn parse(text: &str) -> Result<Self> {
        let sections = sections(text);
        let one = |key: &str| {
            sections
                .iter()
                .find(|section| section.key == key)
                .map(|section| {
                    section
                        .lines
                        .iter()
                        .map(|line| line.trim())
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .filter(|text| !text.is_empty())
        };
        let names = |key: &str| -> Vec<String> {
            let names = one(key).unwrap_or_default();
            let names = names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        let list = |key: &str| match sections.iter().find(|section| section.key == key) {
            Some(section) => parameters(&section.lines),
            None => Ok(vec![]),
        };
        let (kind, question) = match (one("Question"), one("Claim")) {
            (Some(question), None) => (Kind::Question, question),
            (None, Some(claim)) => (Kind::Claim, claim),
            _ => {
                return Err(Error::new(
                    "a saved query starts with one `-- Question:` or `-- Claim:`",
                )
                .hint("see what the others look like with `apportion describe allocation`"));
            }
        };
        let severity = match one("Severity").as_deref() {
            None => None,
            Some("error") => Some(Severity::Error),
            Some("warning") => Some(Severity::Warning),
            Some(other) => {
                return Err(Error::new(format!("`{other}` is not a severity"))
                    .hint("write `-- Severity: error` or `-- Severity: warning`"));
            }
        };
        Ok(Self {
            kind,
            question,
            grain: one("Grain"),
            parameters: list("Parameters")?,
            reads_first: list("Reads first")?,
            refused: one("Refused"),
            notices: one("Notices"),
            ties_to: one("Ties to"),
            severity,
            notes: one("Notes"),
            relation: one("Relation"),
            reads: one("Reads"),
            optional: names("Optional"),
            expects: names("Expects"),
            control_total: one("Control total"),
        })
    }
}

struct Section<'a> {
    key: &'a str,
    lines: Vec<&'a str>,
}

/// Cuts the leading comment into `Key: text` sections; other lines belong to the section above.
fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = vec![];
    for line in text.trim_start_matches('\u{feff}').lines() {
        let Some(comment) = line.trim_end().strip_prefix("--") else {
            break;
        };
        let starts = comment
            .trim_start()
            .split_once(':')
            .and_then(|(key, rest)| {
                KEYS.iter()
                    .find(|known| **known == key)
                    .map(|known| (*known, rest))
            });
        match (starts, sections.last_mut()) {
            (Some((key, rest)), _) => sections.push(Section {
                key,
                lines: vec![rest.trim()],
            }),
            (None, Some(section)) => section.lines.push(comment),
            (None, None) => {}
        }
    }
    sections
}

/// Entries `name type [= default] description`, one indented step; deeper lines continue them.
fn parameters(lines: &[&str]) -> Result<Vec<Parameter>> {
    let mut entries: Vec<String> = vec![];
    let mut open = false;
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        match entries.last_mut() {
            Some(entry) if open || indent > 3 => {
                entry.push(' ');
                entry.push_str(line.trim());
            }
            _ => entries.push(line.trim().to_owned()),
        }
        open = entries.last().is_some_and(|entry| depth(entry) > 0);
    }
    entries.iter().map(|entry| parameter(entry)).collect()
}

/// How many parentheses are still open at the end of a text, quotes left aside.
fn depth(text: &str) -> usize {
    let (mut depth, mut quoted) = (0usize, false);
    for character in text.chars() {
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth
}

fn parameter(entry: &str) -> Result<Parameter> {
    let broken = || {
        Error::new(format!("`{entry}` does not declare a parameter")).hint(
            "write `name type [= default] description`, for example `period month The period.`",
        )
    };
    let (name, rest) = entry.split_once(char::is_whitespace).ok_or_else(broken)?;
    let rest = rest.trim_start();
    let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let kind = ParameterType::parse(kind)?;
    let rest = rest.trim_start();
    let (default, description) = match rest.strip_prefix('=') {
        None => (None, rest),
        Some(rest) => {
            let rest = rest.trim_start();
            let end = default_length(rest).ok_or_else(broken)?;
            (
                Some(Default::parse(&rest[..end], &kind)?),
                rest[end..].trim_start(),
            )
        }
    };
    Ok(Parameter {
        name: name.to_owned(),
        kind,
        default,
        description: description.to_owned(),
    })
}

/// The length of a default: a quoted text, a query in parentheses, or one word.
fn default_length(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.checked_sub(1)?,
            c if c.is_whitespace() && !quoted && depth == 0 => return Some(at),
            _ => {}
        }
    }
    (!quoted && depth == 0 && !text.is_empty()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
-- Question:   What did each customer cost?
--             And by which method?
-- Grain:      one row per customer_id
-- Parameters:
--   period    month = (select max(billing_period)
--               from billing)  The billing period.
--   label     text = 'a (b'  Words,
--               more words.
--   salt      text           Needed.
-- Reads first:
--   bounds    timestamps = (select 1)
-- Ties to:    checks/x
select 1
-- Severity: error
";

    #[test]
    fn every_section_is_read() {
        let header = Header::parse(TEXT).unwrap();
        assert_eq!(
            header.question,
            "What did each customer cost? And by which method?"
        );
        assert_eq!(header.ties_to.as_deref(), Some("checks/x"));
    }

    #[test]
    fn defaults_are_literals_queries_or_missing() {
        let header = Header::parse(TEXT).unwrap();
        let shown: Vec<_> = header
            .parameters
            .iter()
            .map(|p| {
                let default = p.default.as_ref().map(ToString::to_string);
                (
                    p.name.as_str(),
                    p.kind.to_string(),
                    default,
                    p.description.as_str(),
                )
            })
            .collect();
        assert_eq!(
            shown[0].2.as_deref(),
            Some("(select max(billing_period) from billing)")
        );
        assert_eq!(shown[0].3, "The billing period.");
        assert_eq!(
            (shown[1].2.as_deref(), shown[1].3),
            (Some("'a (b'"), "Words, more words.")
        );
        assert_eq!(shown[2].2, None);
        assert_eq!(header.reads_first.len(), 1);
        assert_eq!(
            header.severity, None,
            "the header ends at the first line of SQL"
        );
    }
}

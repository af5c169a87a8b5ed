//! What was typed wrongly, in the manner of every other error.

use super::Outcome;
use crate::error::{Error, Result};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::num::{IntErrorKind, ParseIntError};

/// Prints help or the version; everything else is an error.
pub fn explain(answer: &clap::Error) -> Result<Outcome> {
    if matches!(
        answer.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // Nobody has to read the help to its end.
        let _ = answer.print();
        return Ok(Outcome::Done);
    }
    Err(error(answer))
}

fn error(answer: &clap::Error) -> Error {
    let text = |kind| answer.get(kind).and_then(first);
    let argument = text(ContextKind::InvalidArg).map(|argument| name_of(&argument));
    let value = text(ContextKind::InvalidValue).filter(|value| !value.is_empty());
    let message = match (answer.kind(), argument, value) {
        (ErrorKind::InvalidSubcommand, ..) => {
            let verb = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("there is no command `{verb}`")
        }
        (ErrorKind::UnknownArgument, Some(argument), _) => {
            format!("there is no option or argument `{argument}` here")
        }
        (ErrorKind::InvalidValue, Some(argument), Some(value)) => {
            format!("`{argument}` cannot be `{value}`")
        }
        (ErrorKind::InvalidValue, Some(argument), None) => format!("`{argument}` needs a value"),
        (ErrorKind::ArgumentConflict, Some(argument), _) => match text(ContextKind::PriorArg) {
            Some(prior) if name_of(&prior) != argument => {
                format!("`{argument}` and `{}` exclude each other", name_of(&prior))
            }
            _ => format!("`{argument}` is given twice"),
        },
        (ErrorKind::MissingRequiredArgument, Some(argument), _) => {
            format!("`{argument}` is missing")
        }
        (ErrorKind::ValueValidation, Some(argument), Some(value)) => {
            invalid(&argument, &value, std::error::Error::source(answer))
        }
        (
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ..,
        ) => "the command is incomplete".to_owned(),
        _ => first_line(answer),
    };
    let suggestion = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(|kind| nearest(answer.get(kind)?));
    let error = Error::new(message);
    match (suggestion, answer.get(ContextKind::ValidValue)) {
        (Some(near), _) => error.hint(format!("did you mean `{}`?", name_of(&near))),
        (None, Some(ContextValue::Strings(values))) if !values.is_empty() => {
            error.hint(format!("one of {}", values.join(", ")))
        }
        _ => error.hint("`--help` shows what there is"),
    }
}

/// The parser names the nearest last.
fn nearest(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::Strings(texts) => texts.last().cloned(),
        other => first(other),
    }
}

fn first(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

/// What a value should have been.
fn invalid(
    argument: &str,
    value: &str,
    reason: Option<&(dyn std::error::Error + 'static)>,
) -> String {
    let Some(reason) = reason else {
        return format!("`{argument}` cannot be `{value}`");
    };
    // Rust's own words about numbers name its types.
    let expected = match reason
        .downcast_ref::<ParseIntError>()
        .map(ParseIntError::kind)
    {
        None => return format!("`{argument}`: {reason}"),
        Some(IntErrorKind::Zero) => "a whole number above zero",
        Some(IntErrorKind::PosOverflow) => "a smaller number",
        Some(_) => "a whole number",
    };
    format!("`{argument}` takes {expected}, not `{value}`")
}

/// `--format <FORMAT>` is called `--format`, `<NAME>` and `[NAME]` are called `NAME`, and of
/// `<SQL|--file <FILE>>` each is named.
fn name_of(argument: &str) -> String {
    let name = |one: &str| {
        let end = one.find([' ', '=', '[', ']', '>']).unwrap_or(one.len());
        one[..end].to_owned()
    };
    match argument.strip_prefix(['<', '[']) {
        Some(places) => {
            let names: Vec<_> = places.split('|').map(name).collect();
            names.join("` or `")
        }
        None => name(argument),
    }
}

fn first_line(answer: &clap::Error) -> String {
    let text = answer.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").replace('\'', "`")
}

//! What a task says when it fails, and what the client hears: the same that would be said here.
//!
//! Ballista hands errors on in the way that Rust prints them, as in `DataFusionError(Execution("…"))`
//! below the names of stages. What is ours goes within as JSON, with its place and its advice.

use crate::error::Error;
use ballista_core::error::BallistaError;
use datafusion::common::{DataFusionError, exec_datafusion_err};
use serde::{Deserialize, Serialize};
use std::str::Chars;

#[derive(Serialize, Deserialize)]
struct Told {
    message: String,
    place: Option<String>,
    hint: Option<String>,
}

/// How an executor says why a task failed. What Ballista tries again it must know by itself.
pub(super) fn told(error: DataFusionError) -> DataFusionError {
    let Some(error) = reason(&error) else {
        return error;
    };
    let told = Told {
        message: error.to_string(),
        place: error.place().map(str::to_owned),
        hint: error.advice().map(str::to_owned),
    };
    let told = serde_json::to_string(&told).unwrap_or(told.message);
    DataFusionError::Execution(told)
}

/// What lies below all layers, if it is no matter of Ballista's.
fn reason(error: &DataFusionError) -> Option<Error> {
    const MORE: &str =
        "give executors more with `--memory-limit`, or fewer tasks at a time with `--threads`";
    let plain = |text: &str| Error::from(exec_datafusion_err!("{text}"));
    match error.find_root() {
        DataFusionError::IoError(_) => None,
        DataFusionError::ResourcesExhausted(what) => Some(plain(what).hint(MORE)),
        DataFusionError::External(inner) => match inner.downcast_ref() {
            Some(BallistaError::DataFusionError(inner)) => reason(inner),
            Some(BallistaError::ArrowError(inner)) => Some(plain(&inner.to_string())),
            Some(_) => None,
            None => Some(error.into()),
        },
        root => Some(root.into()),
    }
}

/// What a client hears of a job that failed.
pub(super) fn heard(text: &str) -> DataFusionError {
    let said = said(text);
    let Ok(Told {
        message,
        place,
        hint,
    }) = serde_json::from_str(&said)
    else {
        return exec_datafusion_err!("{said}");
    };
    let mut error = Error::new(message);
    if let Some(place) = place {
        error = error.at(place);
    }
    if let Some(hint) = hint {
        error = error.hint(hint);
    }
    error.into()
}

/// The innermost of what Ballista says.
pub(super) fn said(text: &str) -> String {
    if text.contains("NotValidForName") {
        return "an executor's certificate is not for the address at which it serves".to_owned();
    }
    if let Some((said, _)) = text.split_once(": tonic::transport::Error") {
        let said = said.rsplit(": ").next().unwrap_or(said);
        return said.trim_start_matches('"').to_owned();
    }
    let text = text
        .rsplit("DataFusionError(")
        .next()
        .unwrap_or(text)
        .trim();
    let quoted = ["(\"", "message: \""]
        .iter()
        .find_map(|opening| text.split_once(opening));
    match quoted {
        Some((_, quoted)) => unquoted(quoted),
        None => text.trim_end_matches(')').to_owned(),
    }
}

/// Up to the closing quote of a text as Rust prints it.
fn unquoted(quoted: &str) -> String {
    let mut letters = quoted.chars();
    let mut text = String::new();
    while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
        text.extend(match letter {
            '\\' => escaped(&mut letters),
            plain => Some(plain),
        });
    }
    text
}

fn escaped(letters: &mut Chars<'_>) -> Option<char> {
    match letters.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '0' => Some('\0'),
        // As in `\u{200b}`.
        'u' => {
            let digits = letters.skip(1).take_while(|letter| *letter != '}');
            char::from_u32(u32::from_str_radix(&digits.collect::<String>(), 16).ok()?)
        }
        itself => Some(itself),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::error::ArrowError;
    use std::sync::Arc;

    /// Through all that Ballista does to it.
    fn arrived(error: DataFusionError) -> Error {
        let failed = BallistaError::from(told(error));
        let text = format!("Job failed due to stage 2 failed: Task failed: {failed:?}\n");
        heard(&text).into()
    }

    #[test]
    fn an_error_arrives_as_it_is_said_here() {
        let divided = DataFusionError::from(ArrowError::DivideByZero);
        assert_eq!(arrived(divided).to_string(), "divide by zero error");
        // As the writer of a stage hands it to all who wait for it.
        let divided = BallistaError::from(ArrowError::DivideByZero).into_datafusion();
        let divided = DataFusionError::Shared(Arc::new(divided));
        assert_eq!(arrived(divided).to_string(), "divide by zero error");

        let message = "`a` is \"b\":\n\t\\ and \u{200b}é";
        let ours = Error::new(message).at("book.csv:3").hint("look for `é`");
        let ours = arrived(ours.into());
        assert_eq!(ours.to_string(), message);
        assert_eq!(ours.place(), Some("book.csv:3"));
        assert_eq!(ours.advice(), Some("look for `é`"));

        let full = arrived(DataFusionError::ResourcesExhausted("no room".to_owned()));
        assert_eq!(full.to_string(), "no room");
        assert!(full.advice().unwrap().starts_with("give executors more"));
    }

    #[test]
    fn what_is_tried_again_stays_what_it_is() {
        let lost = BallistaError::FetchFailed("executor".to_owned(), 1, 0, "gone".to_owned());
        let told = told(lost.into_datafusion());
        assert!(matches!(
            BallistaError::from(told),
            BallistaError::FetchFailed(..)
        ));
    }

    #[test]
    fn what_is_not_ours_is_heard_without_its_surroundings() {
        assert_eq!(said("Cancelled"), "Cancelled");
        assert_eq!(
            said(r#"Job failed: DataFusionError(Internal("no such plan"))"#),
            "no such plan"
        );
        assert_eq!(
            said(r#"Status { code: Internal, message: "no such file", source: None }"#),
            "no such file"
        );
    }

    #[test]
    fn an_executor_that_cannot_be_reached_is_named() {
        let around = r#"Stage 2 has failed 4 times, most recent failure reason: "Error connecting to Ballista executor at https://10.0.0.7:50051: tonic::transport::Error(Transport, ConnectError("#;
        assert_eq!(
            said(&format!("{around}Os {{ code: 111 }}))")),
            "Error connecting to Ballista executor at https://10.0.0.7:50051"
        );
        assert_eq!(
            said(&format!(
                "{around}InvalidCertificate(NotValidForNameContext {{}})))"
            )),
            "an executor's certificate is not for the address at which it serves"
        );
    }
}

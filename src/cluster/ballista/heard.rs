//! [`heard`]: what a task said, as if it had run here.

use crate::error::{Error, lower_first};
use datafusion::common::{DataFusionError, exec_datafusion_err};

pub(super) fn heard(text: &str) -> DataFusionError {
    let said = said(text);
    if text.contains("ResourcesExhausted(") {
        return Error::new(lower_first(&said))
            .hint("give executors more with `--memory-limit`, or fewer tasks at a time with `--threads`")
            .into();
    }
    exec_datafusion_err!("{said}")
}

/// Without what the scheduler has put around it: names of stages, and errors in the way that Rust prints
/// them, as in `DataFusionError(Execution("…"))`.
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
        .filter_map(|opening| text.split_once(opening))
        .map(|(_, said)| said)
        .next();
    let Some(quoted) = quoted else {
        return text.trim_end_matches(')').to_owned();
    };
    let mut said = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
        said.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some(escaped) => escaped,
                None => break,
            },
            plain => plain,
        });
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_heard_without_its_scheduler() {
        let around =
            "Job failed due to stage 2 failed: Task failed due to runtime execution error: ";
        let told = |text: &str| said(&format!("{around}{text}\n"));
        assert_eq!(
            told(r#"DataFusionError(Execution("`a` is \"b\""))"#),
            "`a` is \"b\""
        );
        assert_eq!(
            told(r#"DataFusionError(External(Error { message: "no price", place: None }))"#),
            "no price"
        );
        assert_eq!(
            told("DataFusionError(ArrowError(DivideByZero, None))"),
            "ArrowError(DivideByZero, None"
        );
        assert_eq!(said("Cancelled"), "Cancelled");
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

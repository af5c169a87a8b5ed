//! A file whose end is whole and whose middle is not: no footer tells, and decoders panic.

use super::{EMPTY, Project};

#[test]
fn what_cannot_be_decoded_is_an_error_and_no_result() {
    let project = Project::new();
    project.answer(&["demo", "data", "--quiet"]);
    let mut bytes = std::fs::read(project.path("data/ledger.parquet")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xff);
    project.write("data/ledger.parquet", bytes);
    let config = ["--config", "data/apportion.toml"];
    for verb in [
        &["sql", "SELECT * FROM ledger", "-o", "result.csv"][..],
        &[
            "run",
            "allocation",
            "--period",
            "2026-10",
            "-o",
            "result.csv",
        ],
    ] {
        let mut command = project.command(&[&config[..], verb].concat());
        let output = command.env_remove("RUST_BACKTRACE").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), EMPTY);
        assert_eq!(
            said.lines()
                .filter(|line| line.starts_with("error: "))
                .count(),
            1,
            "{said}"
        );
        assert!(!said.contains("panicked"), "{said}");
        assert!(!project.path("result.csv").exists());
    }
}

const CALL: &str = "timestamp '2026-10-01T12:00:00' as called_at, 'p' as provider, 'm' as model, \
                    10 as input_tokens, 5 as output_tokens";

/// A project whose ledger is this location, and a good file in `calls/`.
fn calls(location: &str) -> Project {
    let project = Project::new();
    project.write("calls/keep", EMPTY);
    write_call(&project, "calls/a.parquet", CALL);
    project.write(
        "apportion.toml",
        format!("[ledger]\ninputs = [{{ location = \"{location}\" }}]\n"),
    );
    project
}

fn write_call(project: &Project, file: &str, call: &str) {
    let sql = format!("copy (select {call}) to '{file}' stored as parquet");
    let ended = project.run(&["--demo", "sql", &sql]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

fn refused(project: &Project) -> String {
    project.refusal(&["sql", "select count(*) from ledger"])
}

#[test]
fn an_empty_file_is_no_file_without_rows() {
    for location in ["calls/", "calls", "calls/*.parquet", "calls/b.parquet"] {
        let project = calls(location);
        project.write("calls/b.parquet", EMPTY);
        let said = refused(&project);
        let line = said.lines().next().unwrap_or_default();
        assert!(line.starts_with("error: `"), "{said}");
        assert!(
            line.ends_with("/calls/b.parquet` cannot be read as Parquet: it is empty"),
            "{said}"
        );
    }
}

#[test]
fn a_damaged_file_among_others_is_named() {
    for location in ["calls/", "calls/*.parquet"] {
        let project = calls(location);
        let bytes = std::fs::read(project.path("calls/a.parquet")).unwrap();
        project.write("calls/b.parquet", &bytes[..bytes.len() - 50]);
        let said = refused(&project);
        assert!(
            said.contains("/calls/b.parquet` cannot be read as Parquet: "),
            "{said}"
        );
        assert!(said.contains("\n  hint: is the file complete"), "{said}");
    }
}

#[test]
fn files_that_disagree_about_a_type_are_both_named() {
    let project = calls("calls/");
    let text = CALL.replace("timestamp '", "'");
    write_call(&project, "calls/b.parquet", &text);
    let said = refused(&project);
    let (message, rest) = said.split_once('\n').unwrap();
    assert!(
        message.contains("/calls/` disagree about the column `called_at`: "),
        "{said}"
    );
    for (kind, file) in [("Timestamp(ns)", "a"), ("Utf8", "b")] {
        let (_, named) = message.split_once(&format!("{kind} in `")).unwrap();
        let name = named.split('`').next().unwrap();
        assert!(name.ends_with(&format!("/calls/{file}.parquet")), "{said}");
    }
    assert!(
        rest.ends_with(
            "  hint: files of one input need the same types; make the others inputs of their own\n"
        ),
        "{said}"
    );
}

#[test]
fn a_location_without_files_is_said_to_have_none() {
    for location in ["calls/b.parquet", "elsewhere/", "calls/x*.parquet"] {
        let said = refused(&calls(location));
        assert!(said.starts_with("error: there is no file `"), "{said}");
        assert!(said.contains("hint: a location is a file, "), "{said}");
    }
}

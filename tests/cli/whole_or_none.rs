//! Results are whole or absent, whoever stops reading or writing.

use super::{Project, ended};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Fails in its ninth batch or so, after rows have been made.
const FAILS_MIDWAY: &str = "select 1 / (value - 70000) as x from generate_series(1, 100000)";
const ENDLESS: &str = "select count(*) from generate_series(1, 1000000000000) where value % 3 = 5";

#[test]
fn nothing_of_a_failed_statement_reaches_standard_output() {
    let project = Project::new();
    for format in ["table", "csv", "tsv", "json", "ndjson", "markdown"] {
        let said = project.refusal(&["sql", FAILS_MIDWAY, "--format", format]);
        assert!(said.to_lowercase().contains("divide by zero"), "{said}");
    }
}

#[test]
fn statements_before_the_failed_one_are_written() {
    let project = Project::new();
    let sql = format!("select 1 as x; {FAILS_MIDWAY}; select 2 as y");
    let ended = project.run(&["sql", &sql, "--format", "csv"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), "x\n1\n"));
}

#[test]
fn a_file_holds_all_statements_or_stays_as_it_was() {
    let project = Project::new();
    project.write("x.csv", "before\n");
    let sql = format!("select 1 as x; {FAILS_MIDWAY}");
    project.refusal(&["sql", &sql, "-o", "x.csv"]);
    assert_eq!(project.read("x.csv"), "before\n");
    assert_eq!(
        project.files(),
        ["apportion.toml", "x.csv"],
        "no temporary file is left"
    );

    assert_eq!(
        project.answer(&["sql", "select 1 as x; select 2 as y", "-o", "x.csv"]),
        ""
    );
    assert_eq!(project.read("x.csv"), "x\n1\ny\n2\n");
    assert_eq!(project.files(), ["apportion.toml", "x.csv"]);
}

#[test]
fn a_file_that_goes_to_the_disk_while_it_is_written_is_whole() {
    let project = Project::new();
    let sql = "select repeat('x', 1000000) as x from generate_series(1, 70)";
    project.answer(&["sql", sql, "-o", "x.csv"]);
    let written = project.read("x.csv");
    let mut lines = written.lines();
    assert_eq!(lines.next(), Some("x"));
    let is_whole = |line: &str| line.len() == 1_000_000 && line.bytes().all(|byte| byte == b'x');
    assert_eq!(lines.filter(|line| is_whole(line)).count(), 70);
    let sql = format!("{sql}; {FAILS_MIDWAY}");
    project.refusal(&["sql", &sql, "-o", "y.csv"]);
    assert_eq!(project.files(), ["apportion.toml", "x.csv"]);
}

#[test]
fn a_new_file_does_not_appear_when_its_statement_fails() {
    let project = Project::new();
    project.refusal(&["sql", FAILS_MIDWAY, "-o", "x.csv"]);
    assert_eq!(project.files(), ["apportion.toml"]);
}

#[test]
fn what_cannot_be_written_is_known_before_anything_runs() {
    let project = Project::new();
    let said = project.refusal(&["sql", ENDLESS, "-o", "no/such/folder/x.csv"]);
    assert!(
        said.starts_with("error: cannot write `no/such/folder/x.csv`: "),
        "{said}"
    );
    let said = project.refusal(&["sql", ENDLESS, "-o", "."]);
    assert!(said.starts_with("error: cannot write `.`: "), "{said}");
    let said = project.refusal(&["sql", ENDLESS, "-o", "s3://acme/x.csv"]);
    assert!(
        said.starts_with("error: cannot write to `s3://acme/x.csv`"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_is_as_readable_as_any_other_and_keeps_its_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let project = Project::new();
    let mode = |name: &str| project.path(name).metadata().unwrap().permissions().mode() & 0o777;
    project.answer(&["sql", "select 1", "-o", "new.csv"]);
    assert_eq!(mode("new.csv"), mode("apportion.toml"));

    project.write("private.csv", "");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(project.path("private.csv"), private).unwrap();
    project.answer(&["sql", "select 1", "-o", "private.csv"]);
    assert_eq!(mode("private.csv"), 0o600);

    symlink("private.csv", project.path("link.csv")).unwrap();
    project.answer(&["sql", "select 2 as y", "-o", "link.csv"]);
    assert!(project.path("link.csv").is_symlink());
    assert_eq!(project.read("private.csv"), "y\n2\n");
}

#[cfg(unix)]
#[test]
fn devices_are_written_to_and_not_replaced() {
    let project = Project::new();
    assert_eq!(project.answer(&["sql", "select 1", "-o", "/dev/null"]), "");
    assert!(!std::path::Path::new("/dev/null").is_file());
}

#[test]
fn a_dash_is_standard_output() {
    let project = Project::new();
    assert_eq!(
        project.answer(&["sql", "select 1 as x", "-o", "-", "--format", "csv"]),
        "x\n1\n"
    );
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let project = Project::new();
    let sql = "select value from generate_series(1, 200000); select 2";
    let mut command = project.command(&["sql", sql, "--format", "csv"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(line, "value\n");
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn help_without_a_reader_is_no_error() {
    let project = Project::new();
    let mut child = project
        .command(&["--help"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_statement_and_leaves_nothing() {
    // Rows come faster than Markdown is written.
    let rows = "select value, value + 1, value + 2, concat('a text ', value) \
                from generate_series(1, 1000000000000)";
    for (signal, sql, file) in [
        ("-INT", ENDLESS, "x.csv"),
        ("-TERM", ENDLESS, "x.csv"),
        ("-INT", rows, "x.md"),
        ("-INT", rows, "x.csv"),
    ] {
        ended_by(signal, sql, file);
    }
}

fn ended_by(signal: &str, sql: &str, file: &str) {
    let project = Project::new();
    let mut command = project.command(&["sql", sql, "-o", file]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while project.files().len() < 2 && began.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    // The temporary file is there; the signal's handler is set a moment later.
    sleep(Duration::from_millis(1500));
    assert!(
        child.try_wait().unwrap().is_none(),
        "the statement still runs"
    );
    send(signal, &child);
    assert_eq!(soon_ended(&mut child).code(), Some(130), "{signal} {file}");
    assert_eq!(project.files(), ["apportion.toml"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_wait_for_statements() {
    let project = Project::new();
    for arguments in [&["sql", "-f", "-"][..], &["sql", "-f", "/dev/stdin"], &[]] {
        let mut command = project.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        sleep(Duration::from_millis(1500));
        send("-INT", &child);
        // Before the handler is set, the signal itself ends the program.
        let code = soon_ended(&mut child).code();
        assert!([Some(130), None].contains(&code), "{code:?}");
    }
}

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status();
    assert!(sent.unwrap().success());
}

/// How a program ended that is to end at once.
fn soon_ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it did not end");
}

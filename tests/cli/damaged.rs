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
        &["run", "allocation", "--period", "2026-10", "-o", "result.csv"],
    ] {
        let mut command = project.command(&[&config[..], verb].concat());
        let output = command.env_remove("RUST_BACKTRACE").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), EMPTY);
        assert_eq!(said.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(!project.path("result.csv").exists());
    }
}

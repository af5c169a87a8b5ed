//! What is typed wrongly: line 1 what, then where, then a hint; exit 2.

use super::Project;

#[test]
fn unknown_verbs_and_options_name_the_nearest() {
    let project = Project::new();
    assert_eq!(
        project.refusal(&["lst"]),
        "error: there is no command `lst`\n  hint: did you mean `list`?\n"
    );
    assert_eq!(
        project.refusal(&["sql", "select 1", "--formt", "csv"]),
        "error: there is no option or argument `--formt` here\n  hint: did you mean `--format`?\n"
    );
    assert_eq!(
        project.refusal(&["sql", "select 1", "--format", "jsn"]),
        "error: `--format` cannot be `jsn`\n  hint: did you mean `json`?\n"
    );
    assert_eq!(
        project.refusal(&["sql"]),
        "error: `<SQL|--file` is missing\n  hint: `--help` shows what there is\n"
    );
}

#[test]
fn sizes_and_numbers_are_read_strictly() {
    let project = Project::new();
    assert_eq!(
        project.refusal(&["--memory-limit", "much", "list"]),
        "error: `--memory-limit`: `much` is not a memory size: write a whole number and a unit, \
         such as `8GiB`\n  hint: `--help` shows what there is\n"
    );
    let said = project.refusal(&["--threads", "0", "list"]);
    assert!(said.starts_with("error: `--threads`: "), "{said}");
}

#[test]
fn sql_and_a_file_exclude_each_other() {
    let project = Project::new();
    let said = project.refusal(&["sql", "select 1", "-f", "x.sql"]);
    assert!(said.contains("exclude each other"), "{said}");
}

#[test]
fn unknown_tables_are_errors() {
    let project = Project::new();
    let said = project.refusal(&["sql", "select * from legder"]);
    assert!(said.starts_with("error: "), "{said}");
    assert!(said.contains("legder"), "{said}");
}

#[test]
fn help_and_version_are_results() {
    let project = Project::new();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["run", "--help"],
        &["sql", "--help"],
    ] {
        assert!(
            project.answer(arguments).contains("Usage: apportion"),
            "{arguments:?}"
        );
    }
    assert!(project.answer(&["--version"]).starts_with("apportion "));
}

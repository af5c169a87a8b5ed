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
        "error: `SQL` or `--file` is missing\n  hint: `--help` shows what there is\n"
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
    for (threads, expected) in [
        ("0", "a whole number above zero"),
        ("many", "a whole number"),
        ("99999999999999999999", "a smaller number"),
    ] {
        assert_eq!(
            project.refusal(&["--threads", threads, "list"]),
            format!(
                "error: `--threads` takes {expected}, not `{threads}`\n  \
                 hint: `--help` shows what there is\n"
            )
        );
    }
}

#[test]
fn sql_and_a_file_exclude_each_other() {
    let project = Project::new();
    let said = project.refusal(&["sql", "select 1", "-f", "x.sql"]);
    assert!(
        said.starts_with("error: `SQL` and `--file` exclude each other\n"),
        "{said}"
    );
}

#[test]
fn what_is_missing_is_named() {
    let project = Project::new();
    for (arguments, missing) in [(&["describe"][..], "`NAME`"), (&["run"], "`NAME`")] {
        let said = project.refusal(arguments);
        assert!(
            said.starts_with(&format!("error: {missing} is missing\n")),
            "{said}"
        );
    }
    assert_eq!(
        project.refusal(&["prices"]),
        "error: the command is incomplete\n  hint: `--help` shows what there is\n"
    );
}

#[test]
fn the_engine_speaks_in_short_sentences() {
    let project = Project::new();
    for (sql, expected) in [
        (
            "select cast('abc' as int)",
            "error: cannot cast string 'abc' to value of Int32 type\n",
        ),
        (
            "select count(*) from ledger where cast(model as int) = 1",
            "error: cannot cast string '",
        ),
        (
            "select count(*) from ledger where 1 / (input_tokens - input_tokens) = 1",
            "error: divide by zero\n",
        ),
        (
            "delete from ledger",
            "error: this kind of statement is not supported: DELETE FROM only supports single \
             table\n",
        ),
        (
            "select call_cost(1)",
            "error: call_cost takes 5 to 10 arguments, got 1",
        ),
        (
            "select sum('a')",
            "error: no function matches `sum(Utf8)`\n  hint: it can be called as sum(",
        ),
        (
            "select token_cost(1)",
            "error: invalid function 'token_cost'\n  hint: did you mean `",
        ),
        (
            "select nowhere from ledger",
            "error: no field named nowhere\n  hint: valid fields are ledger.request_id, ",
        ),
    ] {
        let said = project.refusal(&["--demo", "sql", sql]);
        assert!(said.starts_with(expected), "{sql}\n{said}");
        for noise in ["ArrowError", "Candidate", "DataFusion", " error: ", "{ "] {
            assert!(!said.contains(noise), "{noise} in\n{said}");
        }
    }
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

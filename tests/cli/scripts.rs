//! Files and standard input with SQL in them.

use super::Project;

const SCRIPT: &str = "\
-- A comment; with a semicolon.
select 'a;b' as x; /* another; */

select 2 as y;;
-- The last needs no semicolon.
select '--' as z
";
const WRITTEN: &str = "x\na;b\ny\n2\nz\n--\n";

#[test]
fn statements_are_told_apart() {
    let project = Project::new();
    project.write("s.sql", SCRIPT);
    assert_eq!(project.answer(&["sql", SCRIPT, "--format", "csv"]), WRITTEN);
    assert_eq!(
        project.answer(&["sql", "-f", "s.sql", "--format", "csv"]),
        WRITTEN
    );
    assert_eq!(
        project.answer(&["sql", "--file=s.sql", "--format", "csv"]),
        WRITTEN
    );
}

#[test]
fn standard_input_is_a_script() {
    let project = Project::new();
    for arguments in [
        &["--format", "csv"][..],
        &["sql", "-f", "-", "--format", "csv"],
    ] {
        let ended = project.run_with(arguments, SCRIPT);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(0), WRITTEN),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn nothing_to_run_is_no_error() {
    let project = Project::new();
    assert_eq!(project.answer(&["sql", ""]), "");
    assert_eq!(project.answer(&["sql", " ;; -- nothing"]), "");
    assert_eq!(project.answer(&[]), "");
}

#[test]
fn windows_files_are_read() {
    let project = Project::new();
    project.write(
        "s.sql",
        "\u{feff}-- from Windows\r\nselect 1 as x;\r\nselect 2\r\n  as y;\r\n",
    );
    assert_eq!(
        project.answer(&["sql", "-f", "s.sql", "--format", "csv"]),
        "x\n1\ny\n2\n"
    );
    let ended = project.run_with(&["--format", "csv"], "\u{feff}select 3 as z\r\n");
    assert_eq!(ended.stdout, "z\n3\n", "{}", ended.stderr);
}

#[test]
fn the_first_failure_stops_and_names_its_line() {
    let project = Project::new();
    let script = "select 1 as x;\n\nselect nowhere;\nselect 3 as z;\n";
    project.write("s.sql", script);
    let ended = project.run(&["sql", "-f", "s.sql", "--format", "csv"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), "x\n1\n"));
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("nowhere"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("\n  in: s.sql:3\n"),
        "{}",
        ended.stderr
    );

    let ended = project.run_with(&["--format", "csv"], script);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), "x\n1\n"));
    assert!(
        ended.stderr.contains("\n  in: stdin:3\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_syntax_error_names_its_line_and_nothing_runs() {
    let project = Project::new();
    project.write("s.sql", "select 1;\nselekt 2;\n");
    let said = project.refusal(&["sql", "-f", "s.sql"]);
    assert!(said.contains("\n  in: s.sql:2\n"), "{said}");
}

#[test]
fn a_file_that_is_not_there_or_not_text() {
    let project = Project::new();
    let said = project.refusal(&["sql", "-f", "no.sql"]);
    assert!(said.starts_with("error: cannot read `no.sql`: "), "{said}");
    project.write("binary.sql", b"select 1;\nselect '\xff';");
    assert_eq!(
        project.refusal(&["sql", "-f", "binary.sql"]),
        "error: the text is not UTF-8\n  in: binary.sql:2\n"
    );
}

#[test]
fn placeholders_take_values_that_never_become_sql() {
    let project = Project::new();
    for (given, sql, expected) in [
        (&["n=3"][..], "select $n + 1 as x, $n as y", "x,y\n4,3\n"),
        (&["t=it's 1; x"], "select $t as t", "t\nit's 1; x\n"),
        (&["t='3'"], "select $t || 'x' as t", "t\n3x\n"),
        (
            &["a=1.10", "b=x"],
            "select $a as a; select $b as b",
            "a\n1.10\nb\nx\n",
        ),
    ] {
        let mut arguments = vec!["sql", sql, "--format", "csv"];
        arguments.extend(given.iter().flat_map(|given| ["--param", given]));
        assert_eq!(project.answer(&arguments), expected, "{given:?}");
    }
    for (given, sql, said) in [
        (&[][..], "select $n", "`$n` has no value"),
        (
            &["m=1"],
            "select 1",
            "nothing in the statement is called `$m`",
        ),
        (&["m"], "select 1", "`--param` takes NAME=VALUE, not `m`"),
        (&["m=1", "m=2"], "select $m", "parameter `m` is given twice"),
    ] {
        let mut arguments = vec!["sql", sql];
        arguments.extend(given.iter().flat_map(|given| ["--param", given]));
        let refusal = project.refusal(&arguments);
        assert!(refusal.contains(said), "{refusal}");
    }
}

#[test]
fn shells_and_the_manual_know_every_command() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish"] {
        let text = project.answer(&["completions", shell]);
        assert!(text.contains("describe"), "{shell}");
        assert!(text.contains("memory-limit"), "{shell}");
    }
    let manual = project.answer(&["man"]);
    assert!(
        manual.contains(".TH apportion 1") && manual.contains("memory\\-limit"),
        "{manual}"
    );
}

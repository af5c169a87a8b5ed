//! `apportion.toml`: where it is found, and what it is told to be wrong.

use super::Project;

#[test]
fn it_is_found_upward_and_its_folder_is_where_paths_start() {
    let project = Project::new();
    project.write("apportion.toml", "[queries]\nfolders = [\"mine\"]");
    project.write("mine/one.sql", "-- Question: One?\nselect 1 as x\n");
    project.write("deep/er/keep", "");
    let mut command = project.command(&["run", "one", "--format", "csv"]);
    let output = command
        .current_dir(project.path("deep/er"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "x\n1\n");
}

#[test]
fn another_file_can_be_named_before_and_after_the_verb() {
    let project = Project::new();
    project.write("other/o.toml", "[queries]\nfolders = [\".\"]");
    project.write("other/two.sql", "-- Question: Two?\nselect 2 as x\n");
    let config = ["--config", "other/o.toml"];
    let before = [&config[..], &["run", "two", "--format=csv"]].concat();
    let after = [&["run", "two", "--format=csv"], &config[..]].concat();
    assert_eq!(project.answer(&before), "x\n2\n");
    assert_eq!(project.answer(&after), "x\n2\n");
    let said = project.refusal(&["--config", "nowhere.toml", "list"]);
    assert!(
        said.starts_with("error: cannot read `nowhere.toml`: "),
        "{said}"
    );
    let said = project.refusal(&["--config", "other/o.toml", "--demo", "list"]);
    assert_eq!(said, "error: `--demo` and `--config` exclude each other\n");
}

#[test]
fn mistakes_name_the_file_the_line_and_the_nearest_key() {
    let project = Project::new();
    project.write("a.toml", "[engine]\nthreads = 2\nmemory = \"8GiB\"\n");
    assert_eq!(
        project.refusal(&["--config", "a.toml", "list"]),
        "error: unknown key `memory` in [engine]\n  in: a.toml:3\n  \
         hint: did you mean `memory_limit`?\n"
    );
    project.write("a.toml", "[billing]\ninputs = \"bills/\"\n");
    assert_eq!(
        project.refusal(&["--config", "a.toml", "list"]),
        "error: `inputs` in [billing] must be an array, not a string\n  in: a.toml:2\n"
    );
    project.write("a.toml", "[stores.\"gs://acme\"]\nendpoint = \"x\"\n");
    assert!(
        project
            .refusal(&["--config", "a.toml", "list"])
            .starts_with("error: `gs://acme` is not a place that can be configured\n")
    );
}

#[test]
fn without_one_a_notice_says_so_unless_it_shall_be_quiet() {
    let folder = tempfile::TempDir::new().unwrap();
    let project = Project::new();
    let said = |arguments: &[&str]| {
        let output = project
            .command(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["sql", "select 1"]).starts_with("notice: no apportion.toml here or above"));
    assert_eq!(said(&["sql", "select 1", "-q"]), "");
}

#[test]
fn a_default_for_no_parameter_is_refused() {
    let project = Project::new();
    project.write("apportion.toml", "[parameters]\nslat = \"x\"\n");
    assert_eq!(
        project.refusal(&["sql", "select 1"]),
        "error: no saved query has a parameter `slat`\n  in: [parameters] in apportion.toml\n  \
         hint: did you mean `salt`?\n"
    );
}

#[test]
fn an_input_that_cannot_be_read_is_told_to_whoever_asks_for_it() {
    let project = Project::new();
    project.write(
        "apportion.toml",
        "[ledger]\ninputs = [{ location = \"calls.parquet\" }]\n\
         [customers]\ninputs = [{ location = \"customers.csv\" }]\n",
    );
    project.write("customers.csv", "customer_id,plan,tier,mrr\na,p,SMB,10\n");
    let no_file = format!(
        "error: there is no file `{}`\n  in: ledger input `{0}`\n",
        project.path("calls.parquet").display()
    );
    for asks in [
        &["sql", "select count(*) from ledger"][..],
        &["run", "unpriced_calls", "--period", "2026-10"],
    ] {
        let said = project.refusal(asks);
        assert!(said.starts_with(&no_file), "{said}");
    }
    let who = [
        "sql",
        "select customer_id from customers",
        "--format",
        "csv",
    ];
    assert_eq!(project.answer(&who), "customer_id\na\n");
    assert!(
        project
            .answer(&["describe", "allocation"])
            .contains("parameters")
    );
    let listed = project.run(&["list"]);
    assert_eq!(listed.code, Some(0));
    assert!(
        listed.stderr.starts_with("notice: there is no file `"),
        "{}",
        listed.stderr
    );
    // A table in its place is as good.
    let view = "create view ledger as select 'p' as provider; select provider from ledger";
    let said = project.refusal(&["sql", view]);
    assert!(said.contains("called_at"), "{said}");
}

#[test]
fn a_default_of_the_wrong_type_is_blamed_on_the_project() {
    let project = Project::new();
    let mine = "-- Question: Which?\n-- Grain: one row\n-- Parameters:\n--   id  integer = 1  The.\nselect $id as id\n";
    project.write("queries/mine.sql", mine);
    project.write(
        "apportion.toml",
        "[queries]\nfolders = [\"queries\"]\n[parameters]\nid = \"many\"\n",
    );
    let said = project.refusal(&["run", "mine"]);
    assert!(
        said.starts_with("error: parameter `id` takes a whole number, not `many`\n  in: [parameters] in apportion.toml"),
        "{said}"
    );
    let said = project.refusal(&["run", "mine", "--id", "few"]);
    assert!(said.contains("\n  in: argument `id` of `mine`"), "{said}");
    let said = project.refusal(&["--demo", "run", "allocation", "--scale", "13"]);
    assert!(
        said.starts_with(
            "error: parameter `scale` takes a whole number of at least 0 and of at most 12"
        ),
        "{said}"
    );
}

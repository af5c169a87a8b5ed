//! `list` and `describe`.

use super::Project;

fn project() -> Project {
    let project = Project::new();
    let header = "-- Question: How much?\n-- Grain: one row\n-- Parameters:\n\
                  --   wanted  text = 'x'   What is wanted.\n-- Ties to: checks/sums\n";
    project.write(
        "queries/mine/how_much.sql",
        format!("{header}select $wanted as w, 1 as n\n"),
    );
    project
}

#[test]
fn queries_are_listed_by_folder() {
    let listed = project().answer(&["list"]);
    let lines: Vec<_> = listed.lines().collect();
    let heading = lines
        .iter()
        .position(|line| *line == "mine")
        .expect("a heading a folder");
    assert!(lines[heading + 1].starts_with("  how_much "), "{listed}");
    assert!(lines[heading + 1].ends_with("  How much?"), "{listed}");
}

#[test]
fn lists_are_rows_for_programs() {
    let listed = project().answer(&["list", "--format", "csv"]);
    assert!(listed.starts_with("folder,name,description\n"), "{listed}");
    assert!(listed.contains("\nmine,how_much,How much?\n"), "{listed}");
}

#[test]
fn tables_are_listed_between_queries_and_functions() {
    let project = project();
    let listed = project.answer(&["--demo", "list", "--format", "csv"]);
    let place = |line: &str| {
        listed
            .find(&format!("\n{line}"))
            .unwrap_or_else(|| panic!("{line} in\n{listed}"))
    };
    let ledger = place("tables,ledger,\"Calls to models: one row a call, with its tokens.\"\n");
    assert!(place("core,") < ledger && ledger < place("functions,"));

    let outline = project.answer(&["--demo", "list"]);
    assert!(outline.contains("\n\ntables\n  aliases "), "{outline}");
    assert!(!project.answer(&["list"]).contains("\ntables\n"));
}

#[test]
fn a_broken_query_does_not_hide_the_others() {
    let project = project();
    project.write("queries/broken.sql", "select 1\n");
    let ended = project.run(&["list"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("how_much"));
    assert!(
        ended
            .stderr
            .starts_with("notice: saved query `broken` cannot be read: ")
    );
}

#[test]
fn a_query_is_described_by_its_header_and_its_columns() {
    let project = project();
    assert_eq!(
        project.answer(&["describe", "how_much"]),
        format!(
            "how_much: How much?\n\n\
             grain    one row\n\
             ties to  checks/sums\n\
             file     {}\n\n\
             parameters\n  wanted  text  What is wanted. [default: 'x']\n\n\
             columns\n  w  text\n  n  bigint\n",
            project.path("queries/mine/how_much.sql").display()
        )
    );
}

#[test]
fn an_unknown_name_is_told_the_nearest() {
    assert_eq!(
        project().refusal(&["describe", "how_mch"]),
        "error: there is no saved query, function or table `how_mch`\n  \
         hint: did you mean `how_much`?\n"
    );
}

//! `init` and `demo`.

use super::{Project, names_in};

#[test]
fn a_starter_project_works_as_it_is() {
    let project = Project::new();
    assert_eq!(project.run(&["init", "new/project"]).code, Some(0));
    assert_eq!(
        names_in(&project.path("new/project")),
        ["apportion.toml", "queries", "tagging.md"]
    );
    let mut command = project.command(&["list"]);
    let output = command
        .current_dir(project.path("new/project"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("calls_by_customer")
    );
}

/// The lines of the starter's comments that are settings.
fn settings(starter: &str) -> String {
    let lines = starter.lines().map(|line| {
        let Some(comment) = line.strip_prefix("# ") else {
            return line;
        };
        let is_setting = comment.starts_with(['[', ']', ' ']) || comment.contains(" = ");
        if is_setting { comment } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_starter_shows_works() {
    let project = Project::new();
    project.run(&["init", "new", "-q"]);
    project.run(&["demo", "data", "-q"]);
    for (from, to) in [
        ("customers", "customers.parquet"),
        ("prices", "prices.parquet"),
    ] {
        let bytes = std::fs::read(project.path(&format!("data/{from}.parquet"))).unwrap();
        project.write(&format!("new/{to}"), bytes);
    }
    for (from, to) in [
        ("litellm_spend_logs.csv", "spend/october.csv"),
        ("openai_costs.json", "bills/openai/october.json"),
        ("anthropic_cost_report.json", "bills/anthropic/october.json"),
    ] {
        let bytes = std::fs::read(super::sources::fixture(from)).unwrap();
        project.write(&format!("new/{to}"), bytes);
    }
    project.write(
        "new/calls/october.csv",
        "ts,tenant,provider,model,input_tokens,output_tokens\n2026-10-01,acme,openai,gpt-4o,1,1\n",
    );
    let settings = settings(&project.read("new/apportion.toml"));
    assert!(settings.contains("\n[ledger]\n") && settings.contains("\nthreads = 4\n"));
    project.write("new/apportion.toml", settings);
    let config = ["--config", "new/apportion.toml"];
    let listed = project.answer(&[&config[..], &["list", "--format", "csv"]].concat());
    for relation in ["billing", "customers", "ledger", "prices"] {
        assert!(
            listed.contains(&format!("\ntables,{relation},")),
            "{listed}"
        );
    }
}

#[test]
fn nothing_is_overwritten() {
    let project = Project::new();
    project.write("full/apportion.toml", "mine");
    assert_eq!(
        project.refusal(&["init", "full"]),
        "error: the folder `full` is not empty\n  hint: name a new folder: nothing is overwritten\n"
    );
    let said = project.refusal(&["demo", "full"]);
    assert!(
        said.starts_with("error: `apportion.toml` exists and is not the demo's\n"),
        "{said}"
    );
    assert_eq!(names_in(&project.path("full")), ["apportion.toml"]);
    assert_eq!(project.read("full/apportion.toml"), "mine");
    let said = project.refusal(&["init", "full/apportion.toml"]);
    assert!(
        said.starts_with("error: cannot make the folder `full/apportion.toml`: "),
        "{said}"
    );
    assert_eq!(project.refusal(&["demo", "full/apportion.toml"]), said);
}

#[test]
fn the_demo_is_written_as_files() {
    let project = Project::new();
    assert_eq!(project.run(&["demo", "d"]).code, Some(0));
    assert!(
        names_in(&project.path("d"))
            .iter()
            .any(|name| name.ends_with(".parquet"))
    );
}

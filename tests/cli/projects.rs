//! `init` and `demo`.

use super::{Project, names_in};

#[test]
fn a_starter_project_works_as_it_is() {
    let project = Project::new();
    assert_eq!(project.run(&["init", "new/project"]).code, Some(0));
    assert_eq!(
        names_in(&project.path("new/project")),
        ["apportion.toml", "queries"]
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

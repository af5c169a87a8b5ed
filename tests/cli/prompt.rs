//! The prompt on a pseudo-terminal, which `script` makes where it is installed.

use super::Project;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// What the terminal shows after these keys, typed one after another; nothing without `script`.
fn session(project: &Project, keys: &[&str]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_apportion");
    let mut child = Command::new("script")
        .args(["-qec", program, "/dev/null"])
        .current_dir(project.folder.path())
        .env("XDG_STATE_HOME", project.path("state"))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    sleep(Duration::from_millis(1500));
    for key in keys {
        stdin.write_all(key.as_bytes()).unwrap();
        stdin.flush().unwrap();
        sleep(Duration::from_millis(700));
    }
    let mut shown = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut shown)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{shown}");
    Some(shown)
}

#[test]
fn errors_and_interrupts_keep_the_prompt() {
    let project = Project::new();
    let keys = [
        "select nowhere;\r",
        "select 'not run'\u{3}",
        "select 40\r+ 2 as answer;\r",
        "select count(*) from generate_series(1, 1000000000000) where value % 3 = 5;\r",
        "\u{3}",
        "\\nonsense\r",
        "\\?\r",
        "\\q\r",
    ];
    let Some(shown) = session(&project, &keys) else {
        return;
    };
    for part in [
        "error: ",
        "answer",
        "42",
        "(1 row)",
        "interrupted",
        "there is no command `\\nonsense`",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    let history = project.read("state/apportion/history");
    assert!(history.contains("as answer;"), "{history}");
    assert!(!history.contains("not run"), "{history}");
}

//! The prompt on a pseudo-terminal, which `script` makes where it is installed.

use super::Project;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(2);

/// A program at a terminal: what it shows, and where keys are typed.
struct Terminal {
    keys: std::process::ChildStdin,
    shows: Receiver<Vec<u8>>,
    shown: String,
    seen: usize,
}

impl Terminal {
    /// Nothing without `script`. The shell says how the program ended, outlives a Ctrl-C (which the
    /// terminal sends to it as well), and stays until the keys are let go: `script` may lose what is
    /// written just before its end.
    fn open(project: &Project) -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_apportion");
        let mut child = Command::new("script")
            .args([
                "-qc",
                &format!("trap : INT; {program}; echo exit code: $?; cat > /dev/null"),
                "/dev/null",
            ])
            .current_dir(project.folder.path())
            .env("XDG_STATE_HOME", project.path("state"))
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let keys = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let (reader, shows) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                let _ = reader.send(buffer[..length].to_vec());
            }
            child.wait().unwrap();
        });
        Some(Self {
            keys,
            shows,
            shown: String::new(),
            seen: 0,
        })
    }

    /// Waits until this is shown, after all that was waited for before.
    fn shows(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shows.recv_timeout(left) else {
                panic!("{text:?} is not in\n{}", &self.shown[self.seen..]);
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

#[test]
fn errors_and_interrupts_keep_the_prompt() {
    let project = Project::new();
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
    terminal.shows("apportion> ");
    terminal.type_in("select nowhere;\r");
    terminal.shows("error: ");

    terminal.shows("apportion> ");
    terminal.type_in("select 'not run'");
    terminal.shows("'not run'");
    terminal.type_in("\u{3}");

    terminal.shows("apportion> ");
    terminal.type_in("select 40\r+ 2 as answer;\r");
    terminal.shows("answer");
    terminal.shows("42");
    terminal.shows("(1 row)");

    terminal.shows("apportion> ");
    terminal
        .type_in("select count(*) from generate_series(1, 1000000000000) where value % 3 = 5;\r");
    // The line is edited no more; the statement needs a moment to begin.
    terminal.shows("\u{1b}[?2004l");
    thread::sleep(Duration::from_millis(500));
    terminal.type_in("\u{3}");
    terminal.shows("interrupted");

    terminal.shows("apportion> ");
    terminal.type_in("\\nonsense\r");
    terminal.shows("there is no command `\\nonsense`");

    terminal.shows("apportion> ");
    terminal.type_in("\\?\r");
    terminal.shows("this help");

    terminal.shows("apportion> ");
    terminal.type_in("\\q\r");
    terminal.shows("exit code: 0");

    let history = project.read("state/apportion/history");
    assert!(history.contains("as answer;"), "{history}");
    assert!(!history.contains("not run"), "{history}");
}

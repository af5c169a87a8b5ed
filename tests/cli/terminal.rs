//! The program at a pseudo-terminal.

use super::Project;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(1);
pub(super) const PROMPT: &str = "apportion> ";

/// A program at a terminal: what it shows, and where keys are typed.
pub(super) struct Terminal {
    child: Child,
    keys: ChildStdin,
    shows: Receiver<Vec<u8>>,
    pub(super) shown: String,
    seen: usize,
}

impl Terminal {
    /// The shell says how the program ended, outlives a Ctrl-C (which the terminal sends to it as
    /// well), and stays until the keys are let go: `script` may lose what is written just before its
    /// end.
    pub(super) fn open(project: &Project) -> Self {
        Self::open_with(project, "", "")
    }

    /// The same after some shell commands, with options.
    pub(super) fn open_with(project: &Project, before: &str, options: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_apportion");
        let mut child = Command::new("script")
            .args([
                "-qc",
                &format!(
                    "trap : INT; {before} {program} {options}; echo exit code: $?; cat > /dev/null"
                ),
                "/dev/null",
            ])
            .current_dir(project.folder.path())
            .env("XDG_STATE_HOME", project.path("state"))
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a terminal is made by `script`, of util-linux");
        let keys = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let (reader, shows) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                let _ = reader.send(buffer[..length].to_vec());
            }
        });
        let mut terminal = Self {
            child,
            keys,
            shows,
            shown: String::new(),
            seen: 0,
        };
        terminal.shows(PROMPT);
        terminal
    }

    /// Types a line, and answers what is shown until the next prompt.
    pub(super) fn answer(&mut self, line: &str) -> String {
        self.type_in(line);
        self.type_in("\r");
        // The line is edited no more.
        if !self.is_dumb() {
            self.shows("\u{1b}[?2004l");
        }
        let start = self.seen;
        self.shows(PROMPT);
        self.shown[start..self.seen].replace("\r\n", "\n")
    }

    fn is_dumb(&self) -> bool {
        !self.shown.contains('\u{1b}')
    }

    /// Waits until this is shown, after all that was waited for before.
    pub(super) fn shows(&mut self, text: &str) {
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

    pub(super) fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

impl Drop for Terminal {
    /// With its terminal the program ends as well.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Notices and timing: on standard error, never among the results.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct Notes {
    quiet: bool,
}

impl Notes {
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    pub fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Says something that the user should know about a result. A closed standard error is no
    /// reason to fail.
    pub fn notice(self, text: &str) {
        self.say(&format!("notice: {text}"));
    }

    /// Says something to whoever has just come.
    pub fn say(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Says how long a statement took, to a person who waited for it.
    pub fn elapsed(self, time: Duration) {
        let mut stderr = io::stderr().lock();
        if !self.quiet && stderr.is_terminal() {
            let _ = writeln!(stderr, "time: {:.3} s", time.as_secs_f64());
        }
    }
}

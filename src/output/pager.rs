//! The user's pager, for a result longer than the screen.

use super::view::terminal_height;
use std::env;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::process::{Command, Stdio};

/// Lines below a result: the prompt's.
const PROMPT_LINES: usize = 1;

/// Shows a text; false if it is short, or there is no pager, and nobody has seen it.
pub(super) fn show(text: &mut (impl Read + Seek)) -> io::Result<bool> {
    let Some(height) = terminal_height() else {
        return Ok(false);
    };
    text.rewind()?;
    let lines = BufReader::new(&mut *text).lines();
    if lines.take(height).count() + PROMPT_LINES <= height {
        return Ok(false);
    }
    text.rewind()?;
    let command = env::var("PAGER").unwrap_or_default();
    let mut words = command.split_whitespace();
    let mut pager = Command::new(words.next().unwrap_or("less"));
    pager.args(words).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        // Short texts stay on the screen, and what was read stays there too.
        pager.env("LESS", "FRX");
    }
    let mut pager = match pager.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    if let Some(mut pages) = pager.stdin.take() {
        match io::copy(text, &mut pages) {
            // Who has seen enough need not see the rest.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            other => drop(other?),
        }
    }
    pager.wait()?;
    Ok(true)
}

//! How far a statement is, for a person who waits for it: on standard error, and on terminals only.
//!
//! ```text
//! 4.2 s: 12.4M of 40.0M rows (31 %), 9 s left; 310 MiB read, 96 MiB of memory
//! ```
//!
//! The line is drawn by a thread of its own, because the engine may keep all others busy, and is
//! wiped before anything else is written.

use crate::cluster::Tasks;
use crate::session::{Reached, Running};
use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What is done sooner needs no words.
const PATIENCE: Duration = Duration::from_millis(500);
const PACE: Duration = Duration::from_millis(200);

/// Shows how far the session is until it is dropped.
#[derive(Debug)]
pub struct Progress {
    stop: Option<Sender<()>>,
    painter: Option<JoinHandle<()>>,
}

impl Progress {
    /// Nothing where nobody would see it.
    pub fn begin(running: Running, since: Instant) -> Option<Self> {
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_dumb || !io::stderr().is_terminal() {
            return None;
        }
        let (stop, stopped) = channel();
        let painter = thread::spawn(move || {
            let mut pause = PATIENCE.saturating_sub(since.elapsed());
            let mut is_drawn = false;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                if let Some(reached) = running.reached() {
                    draw(&line(&reached, since.elapsed()));
                    is_drawn = true;
                }
                pause = PACE;
            }
            if is_drawn {
                draw("");
            }
        });
        Some(Self {
            stop: Some(stop),
            painter: Some(painter),
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(painter) = self.painter.take() {
            let _ = painter.join();
        }
    }
}

/// Writes over what was drawn before.
fn draw(text: &str) {
    let width = super::view::terminal_width().unwrap_or(80);
    let text: String = text.chars().take(width.saturating_sub(1)).collect();
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "\r{text}\u{1b}[K").and_then(|()| stderr.flush());
}

fn line(reached: &Reached, elapsed: Duration) -> String {
    let mut done = vec![];
    let Tasks {
        stages, of_stages, ..
    } = reached.tasks;
    if of_stages > 0 {
        done.push(format!(
            "{stages} of {of_stages} stages, {} tasks done and {} running on the cluster",
            reached.tasks.done, reached.tasks.running
        ));
    }
    if reached.rows > 0 || done.is_empty() {
        done.push(rows(reached, elapsed));
    }
    let mut text = format!("{:.1} s: {}", elapsed.as_secs_f64(), done.join(", "));
    let _ = write!(
        text,
        "; {} read, {}",
        sized(reached.bytes),
        sized(reached.memory)
    );
    if let Some(limit) = reached.memory_limit {
        let _ = write!(text, " of {}", sized(limit));
    }
    text += " of memory";
    if let Some(spilled) = usize::try_from(reached.spilled)
        .ok()
        .filter(|bytes| *bytes > 0)
    {
        let _ = write!(text, ", {} on disk", sized(spilled));
    }
    text
}

fn rows(reached: &Reached, elapsed: Duration) -> String {
    let Reached { rows, of_rows, .. } = *reached;
    // Files that are no Parquet, and those that were left out of the cache, say no number of rows.
    if of_rows == 0 || rows > of_rows {
        return format!("{} rows", counted(rows));
    }
    let percent = rows.saturating_mul(100) / of_rows;
    let (some, all) = (counted(rows), counted(of_rows));
    let mut text = format!("{some} of {all} rows ({percent} %)");
    let is_telling = percent > 0 && rows < of_rows;
    if let Some(left) = is_telling.then(|| left(rows, of_rows, elapsed)).flatten() {
        let _ = write!(text, ", {} s left", left.as_secs() + 1);
    }
    text
}

/// If the rest takes as long as what is done.
fn left(rows: usize, of_rows: usize, elapsed: Duration) -> Option<Duration> {
    let rest = u32::try_from((of_rows - rows).saturating_mul(1000) / rows.max(1)).ok()?;
    Some(elapsed.checked_mul(rest)? / 1000)
}

/// With one decimal place, and no float.
fn tenths(value: usize, unit: usize) -> String {
    let tenths = value.saturating_mul(10) / unit;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn counted(rows: usize) -> String {
    match rows {
        0..10_000 => rows.to_string(),
        10_000..1_000_000 => format!("{}k", tenths(rows, 1000)),
        _ => format!("{}M", tenths(rows, 1_000_000)),
    }
}

fn sized(bytes: usize) -> String {
    match bytes {
        0..0x400 => format!("{bytes} B"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", tenths(bytes, 1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_for_how_long() {
        let mut reached = Reached {
            rows: 10_000_000,
            of_rows: 40_000_000,
            bytes: 310 << 20,
            memory: 3 << 29,
            memory_limit: Some(8 << 30),
            spilled: 2048,
            ..Reached::default()
        };
        let elapsed = Duration::from_secs(4);
        assert_eq!(
            line(&reached, elapsed),
            "4.0 s: 10.0M of 40.0M rows (25 %), 13 s left; 310 MiB read, \
             1.5 GiB of 8.0 GiB of memory, 2 KiB on disk"
        );
        reached = Reached {
            rows: 12_345,
            ..Reached::default()
        };
        assert_eq!(
            line(&reached, elapsed),
            "4.0 s: 12.3k rows; 0 B read, 0 B of memory"
        );
        reached.tasks = Tasks {
            done: 5,
            running: 2,
            stages: 1,
            of_stages: 3,
        };
        assert_eq!(
            line(&reached, elapsed),
            "4.0 s: 1 of 3 stages, 5 tasks done and 2 running on the cluster, 12.3k rows; 0 B read, 0 B of memory"
        );
        reached.rows = 0;
        assert_eq!(
            line(&reached, elapsed),
            "4.0 s: 1 of 3 stages, 5 tasks done and 2 running on the cluster; 0 B read, 0 B of memory"
        );
    }
}

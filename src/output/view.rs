//! What people see around the rows; programs and files have the default.

use std::fmt::Write;
use std::time::Instant;

/// How results look to the person who reads them.
#[derive(Debug, Clone, Copy, Default)]
pub struct View {
    /// How many characters fit beside one another.
    pub width: Option<usize>,
    /// When the statement began that the person waits for.
    pub since: Option<Instant>,
}

impl View {
    /// `(2 rows)`, or `(2 rows, 0.012 s)`.
    pub(super) fn footer(&self, rows: usize) -> String {
        let noun = if rows == 1 { "row" } else { "rows" };
        let mut text = format!("({rows} {noun}");
        if let Some(since) = self.since {
            let _ = write!(text, ", {:.3} s", since.elapsed().as_secs_f64());
        }
        text + ")"
    }
}

/// Asked anew for each result: windows are resized.
pub(super) fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size()?;
    Some(width.0.into()).filter(|width| *width > 0)
}

pub(super) fn terminal_height() -> Option<usize> {
    let (_, height) = terminal_size::terminal_size()?;
    Some(height.0.into()).filter(|height| *height > 0)
}

//! Errors as they are printed: what is wrong, where, and what to do.
//!
//! ```text
//! error: no saved query is called `cost_by_custmer`
//!   in: monthly.sql:3
//!   hint: did you mean `cost_by_customer`?
//!   3 | select * from cost_by_custmer()
//!     |               ^^^^^^^^^^^^^^^
//! ```

use crate::error::Error;
use std::io::{self, Write};

/// Prints an error. When standard error is closed there is nobody to tell.
pub fn report(error: &Error) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "error: {error}");
    for (label, text) in [("in", error.place()), ("hint", error.advice())] {
        if let Some(text) = text {
            let _ = writeln!(stderr, "  {label}: {text}");
        }
    }
    if let Some(excerpt) = error.excerpt() {
        let _ = writeln!(stderr, "{excerpt}");
    }
}

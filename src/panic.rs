//! What broke off first. A decoder that panics is an error like any other, but whoever waits for it
//! panics after it, and may be the one that is heard: what it says is about the waiting.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps what a panic says for the error that it becomes; its backtrace is for those who ask for one.
pub fn keep_for_the_error() {
    let default = std::panic::take_hook();
    let backtrace_asked = std::env::var_os("RUST_BACKTRACE").is_some();
    std::panic::set_hook(Box::new(move |panic| {
        keep(panic);
        if backtrace_asked {
            default(panic);
        }
    }));
}

fn keep(panic: &PanicHookInfo<'_>) {
    let Some(said) = panic.payload_as_str() else {
        return;
    };
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    first.get_or_insert_with(|| said.to_owned());
}

/// What was said first since this was last asked; if nothing was kept, what was heard.
pub(crate) fn first_said(heard: &str) -> String {
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    first.take().unwrap_or_else(|| heard.to_owned())
}

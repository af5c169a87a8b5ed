//! What ends work besides its result: Ctrl-C, a request to terminate, and a panic. What was half done is dropped with it,
//! temporary files included.

use crate::error::{Error, Result};
use crate::panic::first_said;
use futures::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::thread;
use tokio::runtime::Builder;
use tokio::signal::ctrl_c;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::coop::unconstrained;

/// The result of the work, or nothing if Ctrl-C came first.
///
/// A file that is damaged in its middle makes a decoder panic: that is an error like any other. The
/// work is given up as a whole, so that nothing half changed is seen again.
pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T>>,
) -> Result<Option<T>> {
    // From here on, and not from where the work first waits for something.
    let mut pressed = PRESSED.subscribe();
    tokio::select! {
        // Ctrl-C in a pager is for the pager.
        biased;
        result = AssertUnwindSafe(work).catch_unwind() => match result {
            Ok(result) => result.map(Some),
            Err(panic) => Err(broke_off(panic.as_ref())),
        },
        // Work that waits because it has had its turn leaves none to what else is awaited here.
        _ = unconstrained(pressed.changed()) => Ok(None),
    }
}

/// Ctrl-C, heard on a thread of its own: the engine may keep all others busy.
static PRESSED: LazyLock<watch::Sender<()>> = LazyLock::new(|| {
    thread::spawn(|| {
        let listener = Builder::new_current_thread().enable_io().build();
        // Without a listener Ctrl-C ends the program, as it does elsewhere.
        if let Ok(listener) = listener {
            listener.block_on(async {
                while ctrl_c().await.is_ok() {
                    PRESSED.send_replace(());
                }
            });
        }
    });
    watch::Sender::new(())
});

/// The same where the system's request to terminate ends it as well. A prompt leaves that to the system:
/// who has asked for the signal once has it for good.
pub(super) async fn unless_ended<T>(work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    tokio::select! {
        result = unless_interrupted(work) => result,
        signal = terminated() => {
            signal?;
            Ok(None)
        }
    }
}

#[cfg(unix)]
async fn terminated() -> std::io::Result<()> {
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> std::io::Result<()> {
    std::future::pending().await
}

fn broke_off(panic: &(dyn Any + Send)) -> Error {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Error::new(format!(
        "the engine broke off: {}",
        first_said(said.unwrap_or("it did not say why"))
    ))
    .hint("a damaged input file does this: read the files one by one to find it; if all are sound, please report it")
}

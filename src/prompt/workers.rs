//! The threads that a prompt's statements run on. An operator of the engine may be busy for long after
//! its statement was given up: what still runs is then left to itself, and the next statement finds
//! others.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use tokio::runtime::Runtime;

pub(super) struct Workers(Option<Runtime>);

impl Workers {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Some(Runtime::new()?)))
    }

    /// Does the work so that what it spawns runs on these threads.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _here = self.0.as_ref().map(Runtime::enter);
            work.as_mut().poll(context)
        })
        .await
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

//! Ctrl-C ends work; what was half done is dropped with it, temporary files included.

use crate::error::Result;
use tokio::signal::ctrl_c;

/// The result of the work, or nothing if Ctrl-C came first.
pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T>>,
) -> Result<Option<T>> {
    tokio::select! {
        result = work => result.map(Some),
        signal = ctrl_c() => {
            signal?;
            Ok(None)
        }
    }
}

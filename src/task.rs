//! What is worked out beside other things: [`Task`], once for all that wait for it; [`spawned`],
//! for one; [`all`], parts of one. [`give_way`] keeps them beside one another, and [`let_go`] has nobody
//! wait for what goes.

use datafusion::common::DataFusionError;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::Result;
use futures::future::{BoxFuture, FutureExt, Shared, ready};
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::Poll;

pub(crate) type Task<T> = Shared<BoxFuture<'static, Result<T, Arc<DataFusionError>>>>;

pub(crate) fn task<T>(work: impl Future<Output = Result<T>> + Send + 'static) -> Task<T>
where
    T: Clone + Send + Sync + 'static,
{
    let done = spawned(work).map(|done| done.map_err(Arc::new));
    done.boxed().shared()
}

/// What is there already, for whoever would wait for it.
pub(crate) fn done<T: Clone + Send + 'static>(value: T) -> Task<T> {
    ready(Ok(value)).boxed().shared()
}

/// Begins now, and goes on whether it is waited for or not; without anybody who could, it ends.
pub(crate) fn spawned<T>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> impl Future<Output = Result<T>>
where
    T: Send + 'static,
{
    let done = SpawnedTask::spawn(work).join();
    done.map(|done| match done {
        Ok(result) => result,
        Err(error) => Err(DataFusionError::ExecutionJoin(Box::new(error))),
    })
}

/// Has something large go beside whatever comes next.
pub(crate) fn let_go(what: impl Send + 'static) {
    tokio::spawn(async move { drop(what) });
}

/// Has another thread go on with this task, or with the one that it woke last.
///
/// The runtime keeps a task that was just woken for the thread that woke it, where no other one looks:
/// it would wait for as long as this task has something to do. `yield_now` would have this one wait.
pub(crate) async fn give_way() {
    let mut has_given = false;
    poll_fn(|context| {
        if mem::replace(&mut has_given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What all parts give, in their order; or the first error.
pub(crate) async fn all<T>(parts: Vec<SpawnedTask<Result<T>>>) -> Result<Vec<T>>
where
    T: Send + 'static,
{
    let mut given: Vec<_> = parts.iter().map(|_| None).collect();
    let parts = parts.into_iter().enumerate();
    let mut parts: FuturesUnordered<_> = parts
        .map(|(part, task)| async move { (part, task.join().await) })
        .collect();
    let mut broke_off = None;
    while let Some((part, done)) = parts.next().await {
        match done {
            Ok(done) => given[part] = Some(done?),
            // A part may break off because another one could not go on, which says why.
            Err(error) => broke_off = Some(error),
        }
    }
    match broke_off {
        Some(error) => Err(DataFusionError::ExecutionJoin(Box::new(error))),
        None => Ok(given.into_iter().flatten().collect()),
    }
}

//! [`Task`]: what is worked out beside other things, once for all that wait for it.

use datafusion::common::DataFusionError;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::Result;
use futures::future::{BoxFuture, FutureExt, Shared};
use std::sync::Arc;

pub(crate) type Task<T> = Shared<BoxFuture<'static, Result<T, Arc<DataFusionError>>>>;

pub(crate) fn task<T>(work: impl Future<Output = Result<T>> + Send + 'static) -> Task<T>
where
    T: Clone + Send + Sync + 'static,
{
    let done = SpawnedTask::spawn(work).join();
    done.map(|done| match done {
        Ok(result) => result.map_err(Arc::new),
        Err(error) => Err(Arc::new(DataFusionError::ExecutionJoin(Box::new(error)))),
    })
    .boxed()
    .shared()
}

//! [`OpenJobs`]: jobs that somebody waits for. Those that nobody waits for any more are told to stop.

use super::address::Address;
use ballista_core::serde::protobuf::CancelJobParams;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::utils::create_grpc_client_endpoint;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// Who ends something does not wait longer.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub(super) struct OpenJobs {
    address: Address,
    ids: Arc<Mutex<BTreeSet<String>>>,
}

impl OpenJobs {
    pub(super) fn new(address: Address) -> Self {
        let ids = Arc::default();
        Self { address, ids }
    }

    pub(super) fn add(&self, id: String) -> OpenJob {
        self.change(|ids| ids.insert(id.clone()));
        let jobs = self.clone();
        OpenJob { id, jobs }
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        change(&mut self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the scheduler on a thread that is waited for: the program may be about to end.
    fn stop(&self, ids: BTreeSet<String>) {
        if ids.is_empty() {
            return;
        }
        let address = self.address.http();
        let told = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let endpoint = create_grpc_client_endpoint(address, None);
            let (Ok(runtime), Ok(endpoint)) = (runtime, endpoint) else {
                return;
            };
            runtime.block_on(async {
                let mut scheduler = SchedulerGrpcClient::new(endpoint.connect_lazy());
                for job_id in ids {
                    let cancel = scheduler.cancel_job(CancelJobParams { job_id });
                    let _ = timeout(PATIENCE, cancel).await;
                }
            });
        });
        let _ = told.join();
    }
}

/// A job for as long as somebody waits for it.
#[derive(Debug)]
pub(super) struct OpenJob {
    id: String,
    jobs: OpenJobs,
}

impl OpenJob {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// It ended by itself, and answers its number.
    pub(super) fn has_ended(self) -> String {
        self.jobs.change(|ids| ids.remove(&self.id));
        self.id.clone()
    }
}

impl Drop for OpenJob {
    fn drop(&mut self) {
        if self.jobs.change(|ids| ids.contains(&self.id)) {
            self.jobs.stop(BTreeSet::from([self.id.clone()]));
            // Not before: until then the program may not end.
            self.jobs.change(|ids| ids.remove(&self.id));
        }
    }
}

/// Goes with its session, whose tasks may be stopped too late to tell anybody.
#[derive(Debug)]
pub(crate) struct LastWord(pub(super) OpenJobs);

impl Drop for LastWord {
    fn drop(&mut self) {
        let ids = self.0.change(|ids| ids.clone());
        self.0.stop(ids);
    }
}

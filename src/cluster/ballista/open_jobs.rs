//! [`OpenJobs`]: jobs that somebody waits for. Those that nobody waits for any more are told to stop.

use super::contact::Contact;
use ballista_core::serde::protobuf::CancelJobParams;
use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// Who ends something does not wait longer.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub(super) struct OpenJobs {
    contact: Contact,
    open: Arc<(Mutex<Open>, Condvar)>,
}

#[derive(Debug, Default)]
struct Open {
    ids: BTreeSet<String>,
    /// Those on their way have no number yet.
    sending: usize,
}

impl OpenJobs {
    pub(super) fn new(contact: Contact) -> Self {
        let open = Arc::default();
        Self { contact, open }
    }

    pub(super) fn sending(&self) -> Sending {
        self.change(|open| open.sending += 1);
        Sending(self.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Open) -> T) -> T {
        let (open, changed) = &*self.open;
        let change = change(&mut open.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
        change
    }

    /// All, once those on their way have arrived.
    fn ids(&self) -> BTreeSet<String> {
        let (open, changed) = &*self.open;
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let arrived = changed.wait_timeout_while(open, PATIENCE, |open| open.sending > 0);
        let (open, _) = arrived.unwrap_or_else(PoisonError::into_inner);
        open.ids.clone()
    }

    /// Tells the scheduler on a thread that is waited for: the program may be about to end.
    fn stop(&self, ids: BTreeSet<String>) {
        if ids.is_empty() {
            return;
        }
        let contact = self.contact.clone();
        let told = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else {
                return;
            };
            runtime.block_on(async {
                let Ok(mut scheduler) = contact.scheduler() else {
                    return;
                };
                for job_id in ids {
                    let cancel = scheduler.cancel_job(CancelJobParams { job_id });
                    let _ = timeout(PATIENCE, cancel).await;
                }
            });
        });
        let _ = told.join();
    }
}

/// A job on its way.
pub(super) struct Sending(OpenJobs);

impl Sending {
    pub(super) fn sent(self, id: String) -> OpenJob {
        self.0.change(|open| open.ids.insert(id.clone()));
        let jobs = self.0.clone();
        OpenJob { id, jobs }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.change(|open| open.sending -= 1);
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
        self.jobs.change(|open| open.ids.remove(&self.id));
        self.id.clone()
    }
}

impl Drop for OpenJob {
    fn drop(&mut self) {
        if self.jobs.change(|open| open.ids.contains(&self.id)) {
            self.jobs.stop(BTreeSet::from([self.id.clone()]));
            // Not before: until then the program may not end.
            self.jobs.change(|open| open.ids.remove(&self.id));
        }
    }
}

/// Goes with its session, whose tasks may be stopped too late to tell anybody.
#[derive(Debug)]
pub(crate) struct LastWord(pub(super) OpenJobs);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.stop(self.0.ids());
    }
}

//! [`Cluster`]: a cluster as the one knows it who sends jobs there.

use super::codec::Codec;
use super::contact::Contact;
use super::open_jobs::{LastWord, OpenJobs};
use super::place::Place;
use super::tls::Tls;
use crate::config::Certificates;
use crate::error::{Error, Result};
use ballista_core::ids::new_instance_id;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Who starts a cluster by hand may ask before its executors have said that they are there.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(super) contact: Contact,
    pub(super) codec: Arc<Codec>,
    /// Under which executors keep what they have opened for this client.
    pub(super) session: String,
    pub(super) open_jobs: OpenJobs,
    cores: usize,
}

impl Cluster {
    /// Looks who is there, and whether all are of one build.
    pub(crate) async fn connect(
        address: &str,
        certificates: Option<&Certificates>,
    ) -> Result<Self> {
        let contact = Contact::new(address.parse()?, Tls::read(certificates)?)?;
        contact.check_scheduler().await?;
        let until = Instant::now() + PATIENCE;
        let cores = loop {
            let cores = contact.cores().await?;
            if cores > 0 {
                break cores;
            }
            if Instant::now() > until {
                let address = &contact.address;
                return Err(
                    Error::new(format!("the cluster {address} has no executors")).hint(format!(
                        "`apportion cluster executor --cluster {address}` starts one"
                    )),
                );
            }
            sleep(PAUSE).await;
        };
        Ok(Self {
            open_jobs: OpenJobs::new(contact.clone()),
            contact,
            codec: Arc::new(Codec::new()?),
            session: new_instance_id(),
            cores,
        })
    }

    /// How many tasks run at a time.
    pub(crate) fn cores(&self) -> usize {
        self.cores
    }

    /// What ends the jobs of a session with it.
    pub(crate) fn last_word(&self) -> LastWord {
        LastWord(self.open_jobs.clone())
    }

    /// What decides which parts of a plan go there.
    pub(crate) fn rule(&self) -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
        Arc::new(Place::new(self.clone()))
    }
}

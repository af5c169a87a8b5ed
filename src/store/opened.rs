//! [`Opened`]: the stores of a machine that runs tasks, each opened when a task first reads from it.

use super::{bucket, buckets, demo};
use crate::config::Store;
use crate::error::Result;
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use object_store::ObjectStore;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

/// What keys a bucket needs, this machine knows: tasks only name it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    known: Arc<DefaultObjectStoreRegistry>,
}

impl Opened {
    pub(crate) async fn new(configured: &BTreeMap<String, Store>) -> Result<Self> {
        let known = DefaultObjectStoreRegistry::new();
        for (url, bucket) in buckets(configured)? {
            known.register_store(&url, bucket);
        }
        let (home, demo) = demo::store().await?;
        known.register_store(&home, demo);
        Ok(Self {
            known: Arc::new(known),
        })
    }
}

impl ObjectStoreRegistry for Opened {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.known.register_store(url, store)
    }

    fn get_store(&self, url: &Url) -> datafusion::common::Result<Arc<dyn ObjectStore>> {
        let known = self.known.get_store(url);
        if known.is_ok() || url.scheme() != "s3" {
            return known;
        }
        let bucket: Arc<dyn ObjectStore> = Arc::new(bucket::open(url, &Store::default())?);
        self.known.register_store(url, Arc::clone(&bucket));
        Ok(bucket)
    }
}

//! The demo data that the program carries, as a store of its own: `demo://data/ledger.parquet`.

use crate::config::{Input, RelationInputs};
use crate::error::{Error, Result};
use datafusion::prelude::SessionContext;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

const HOME: &str = "demo://data";

/// Each relation with its file, as `apportion demo` writes it.
static FILES: &[(&str, &[u8])] = &[
    ("ledger", include_bytes!("../../data/ledger.parquet")),
    ("billing", include_bytes!("../../data/billing.parquet")),
    ("customers", include_bytes!("../../data/customers.parquet")),
    ("prices", include_bytes!("../../data/prices.parquet")),
    ("aliases", include_bytes!("../../data/aliases.parquet")),
    ("fx_rates", include_bytes!("../../data/fx_rates.parquet")),
    ("plans", include_bytes!("../../data/plans.parquet")),
];

pub(crate) fn inputs() -> Vec<RelationInputs> {
    let input = |relation| Input {
        columns: BTreeMap::new(),
        location: format!("{HOME}/{relation}.parquet"),
        source: None,
    };
    FILES
        .iter()
        .map(|(relation, _)| RelationInputs {
            relation: (*relation).to_owned(),
            inputs: vec![input(relation)],
        })
        .collect()
}

/// Makes the demo's files readable in a session.
pub(crate) async fn mount(context: &SessionContext) -> Result<()> {
    let (home, store) = store().await?;
    context.register_object_store(&home, store);
    Ok(())
}

/// The demo's files, and where they are.
pub(super) async fn store() -> Result<(Url, Arc<dyn ObjectStore>)> {
    let store = InMemory::new();
    for (relation, bytes) in FILES {
        let path = Path::from(format!("{relation}.parquet"));
        store
            .put(&path, PutPayload::from_static(bytes))
            .await
            .map_err(|error| Error::new(error.to_string()).at(HOME))?;
    }
    let home = Url::parse(HOME).map_err(|error| Error::new(error.to_string()).at(HOME))?;
    Ok((home, Arc::new(store)))
}

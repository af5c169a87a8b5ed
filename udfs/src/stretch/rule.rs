//! [`Stretch`]: puts [`StretchExec`] over scans of several partitions.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::exec::StretchExec;

/// To stand behind all rules that look for scans.
pub struct Stretch {
    footers: Arc<FileMetadataCache>,
}

impl Stretch {
    pub fn new(footers: Arc<FileMetadataCache>) -> Self {
        Self { footers }
    }
}

impl fmt::Debug for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stretch")
    }
}

impl PhysicalOptimizerRule for Stretch {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let over_scan = |plan: Arc<dyn ExecutionPlan>| {
            let stretch = StretchExec::of(Arc::clone(&plan), &self.footers);
            Ok(match stretch {
                Some(stretch) => Transformed::yes(Arc::new(stretch) as _),
                None => Transformed::no(plan),
            })
        };
        plan.transform_up(over_scan).data()
    }

    fn name(&self) -> &'static str {
        "stretch"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

//! A relation that a statement reads more than once: a plan under a name, until it is planned.

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Later tables may read earlier ones, never the other way round: numbers are an order of planning.
static NEXT: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct SharedTable {
    pub(super) number: u64,
    pub(super) label: String,
    pub(super) plan: LogicalPlan,
    schema: SchemaRef,
}

impl SharedTable {
    pub(crate) fn new(label: String, plan: LogicalPlan) -> Self {
        // Whether a column can be NULL may change while plans are optimised; here all can.
        let fields: Vec<_> = plan
            .schema()
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), field.data_type().clone(), true))
            .collect();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            number,
            label,
            plan,
            schema: Arc::new(Schema::new(fields)),
        }
    }
}

/// Whether a scan reads a shared relation.
pub(crate) fn is_shared(scan: &TableScan) -> bool {
    source_as_provider(&scan.source)
        .is_ok_and(|provider| provider.downcast_ref::<SharedTable>().is_some())
}

#[async_trait]
impl TableProvider for SharedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    /// Readers keep their filters; the planner also pushes down those that all of them have.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        datafusion::common::internal_err!("`{}` is planned by the shared planner only", self.label)
    }
}

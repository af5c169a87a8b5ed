//! A relation that a statement reads more than once: a plan under a name, until it is planned.

use super::left::Left;
use super::planner::Ready;
use crate::constants::{self, Values};
use async_trait::async_trait;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Later tables may read earlier ones, never the other way round: numbers are an order of planning.
static NEXT: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
pub(crate) struct SharedTable {
    pub(super) number: u64,
    pub(super) label: String,
    pub(super) plan: LogicalPlan,
    pub(super) schema: SchemaRef,
    /// What its columns always are; nothing where it has no rows.
    constants: Option<Values>,
    /// Where one statement leaves what it has read for others; nothing where nobody else comes.
    pub(super) left: Option<OnceLock<Left>>,
}

impl SharedTable {
    /// Of an analysed plan.
    pub(crate) fn new(
        label: String,
        plan: LogicalPlan,
        options: &Arc<ConfigOptions>,
    ) -> Result<Self> {
        // Whether a column can be NULL may change while plans are optimised; here all can.
        let fields: Vec<_> = plan
            .schema()
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), field.data_type().clone(), true))
            .collect();
        let (plan, values) = constants::put(plan, options)?;
        let constants = values.map(|values| {
            let values = values.into_iter().zip(&fields);
            values
                .map(|(value, field)| value.filter(|value| value.data_type() == *field.data_type()))
                .collect()
        });
        Ok(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            label,
            plan,
            schema: Arc::new(Schema::new(fields)),
            constants,
            left: None,
        })
    }

    /// Has who reads it first read all of it, and leave it for the statements that come.
    pub(crate) fn for_others(mut self) -> Self {
        self.left = Some(OnceLock::new());
        self
    }
}

impl SharedTable {
    /// The input that was left, if one was.
    pub(super) fn left(&self) -> Option<Arc<Ready>> {
        let left = self.left.as_ref()?.get()?;
        Some(Arc::clone(&left.ready))
    }

    /// Of several who read it at once one leaves it.
    pub(super) fn leave(&self, ready: Arc<Ready>) {
        if let Some(left) = &self.left {
            left.get_or_init(|| Left::new(ready));
        }
    }
}

/// What the columns of a scan always are, where it reads a shared relation; nothing where that has no
/// rows.
pub(crate) fn constants_of_scan(scan: &TableScan) -> Option<Values> {
    let provider = source_as_provider(&scan.source).ok();
    let table = provider.as_ref();
    let table = table.and_then(|provider| provider.downcast_ref::<SharedTable>());
    let Some(table) = table else {
        return Some(vec![]);
    };
    let constants = table.constants.as_ref()?;
    Some(match &scan.projection {
        None => constants.clone(),
        Some(columns) => {
            let read = columns.iter().map(|at| constants.get(*at).cloned());
            read.map(Option::flatten).collect()
        }
    })
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

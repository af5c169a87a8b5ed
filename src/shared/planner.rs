//! Plans each shared relation once, before the statement that reads it.

use super::exec::{SharedExec, SharedInput};
use super::table::SharedTable;
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, internal_datafusion_err, internal_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct SharedPlanner;

/// Everything that is known of a shared relation's readers.
struct Readers {
    table: Arc<dyn TableProvider>,
    columns: BTreeSet<usize>,
    /// The filters that every reader so far has.
    filters: Vec<Expr>,
}

/// A shared relation, optimised for its readers and not yet given an input.
struct Prepared {
    number: u64,
    label: String,
    schema: SchemaRef,
    columns: Vec<usize>,
    plan: LogicalPlan,
}

#[async_trait]
impl QueryPlanner for SharedPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        state: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plans = plan_together(&[plan], state).await?;
        plans
            .pop()
            .ok_or_else(|| internal_datafusion_err!("nothing was planned"))
    }
}

/// Plans optimised plans so that what they share is run once for all of them.
pub(crate) async fn plan_together(
    plans: &[&LogicalPlan],
    state: &dyn Session,
) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
    let planner = DefaultPhysicalPlanner::default();
    let mut readers = BTreeMap::new();
    for plan in plans {
        collect(plan, &mut readers)?;
    }
    let mut prepared = vec![];
    // The last number first: its readers are all known, and it may read only lower ones.
    while let Some((number, readers_of)) = readers.pop_last() {
        let next = prepare(number, &readers_of, state)?;
        collect(&next.plan, &mut readers)?;
        prepared.push(next);
    }
    let mut ready: HashMap<u64, Arc<Ready>> = HashMap::new();
    while let Some(Prepared {
        number,
        label,
        schema,
        columns,
        plan,
    }) = prepared.pop()
    {
        let plan = replace(plan, &ready)?;
        let input = planner.create_physical_plan(&plan, state).await?;
        let input = Arc::new(SharedInput::new(label, input));
        ready.insert(
            number,
            Arc::new(Ready {
                schema,
                columns,
                input,
            }),
        );
    }
    let mut inputs = vec![];
    for plan in plans {
        let plan = replace((*plan).clone(), &ready)?;
        inputs.push(planner.create_physical_plan(&plan, state).await?);
    }
    Ok(inputs)
}

fn shared(scan: &TableScan) -> Option<Arc<dyn TableProvider>> {
    let provider = source_as_provider(&scan.source).ok()?;
    provider
        .downcast_ref::<SharedTable>()
        .is_some()
        .then_some(provider)
}

fn collect(plan: &LogicalPlan, readers: &mut BTreeMap<u64, Readers>) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(provider) = shared(scan)
            && let Some(table) = provider.downcast_ref::<SharedTable>()
        {
            let columns: Vec<usize> = match &scan.projection {
                Some(columns) => columns.clone(),
                None => (0..table.schema().fields().len()).collect(),
            };
            let filters = scan
                .filters
                .iter()
                .map(unqualified)
                .collect::<Result<Vec<_>>>()?;
            match readers.get_mut(&table.number) {
                None => {
                    let columns = columns.into_iter().collect();
                    let table_provider = Arc::clone(&provider);
                    readers.insert(
                        table.number,
                        Readers {
                            table: table_provider,
                            columns,
                            filters,
                        },
                    );
                }
                Some(known) => {
                    known.columns.extend(columns);
                    known.filters.retain(|filter| filters.contains(filter));
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Readers name the relation differently; its own columns need no name before them.
fn unqualified(filter: &Expr) -> Result<Expr> {
    let plain = filter.clone().transform(|expression| {
        Ok(match expression {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::from_name(column.name))),
            other => Transformed::no(other),
        })
    })?;
    Ok(plain.data)
}

fn prepare(number: u64, readers: &Readers, state: &dyn Session) -> Result<Prepared> {
    let Some(table) = readers.table.downcast_ref::<SharedTable>() else {
        return internal_err!("a shared relation lost its plan");
    };
    let inner = table.plan.schema();
    let own = |index: usize| {
        let (qualifier, field) = inner.qualified_field(index);
        Expr::Column(Column::new(qualifier.cloned(), field.name()))
    };
    let mut builder = LogicalPlanBuilder::from(table.plan.clone());
    for filter in &readers.filters {
        let pushed = filter.clone().transform(|expression| {
            Ok(match expression {
                Expr::Column(column) => {
                    Transformed::yes(own(table.schema().index_of(&column.name)?))
                }
                other => Transformed::no(other),
            })
        })?;
        builder = builder.filter(pushed.data)?;
    }
    let columns: Vec<usize> = readers.columns.iter().copied().collect();
    let plan = builder
        .project(columns.iter().map(|index| own(*index)))?
        .build()?;
    Ok(Prepared {
        number,
        label: table.label.clone(),
        schema: table.schema(),
        columns,
        plan: state.optimize(&plan)?,
    })
}

fn replace(plan: LogicalPlan, ready: &HashMap<u64, Arc<Ready>>) -> Result<LogicalPlan> {
    let replaced = plan.transform_down_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = &node
            && let Some(provider) = shared(scan)
            && let Some(table) = provider.downcast_ref::<SharedTable>()
            && let Some(input) = ready.get(&table.number)
        {
            let mut scan = scan.clone();
            scan.source = provider_as_source(Arc::clone(input) as Arc<dyn TableProvider>);
            return Ok(Transformed::yes(LogicalPlan::TableScan(scan)));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(replaced.data)
}

/// A shared relation with its input: what a reader's scan becomes.
#[derive(Debug)]
struct Ready {
    schema: SchemaRef,
    /// Which of the relation's columns the input has, in its order.
    columns: Vec<usize>,
    input: Arc<SharedInput>,
}

#[async_trait]
impl TableProvider for Ready {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let stored = Arc::new(self.schema.project(&self.columns)?);
        let reader: Arc<dyn ExecutionPlan> = Arc::new(SharedExec::new(
            Arc::clone(&self.input),
            Arc::clone(&stored),
        ));
        let wanted: Vec<usize> = match projection {
            Some(wanted) => wanted.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        if wanted == self.columns {
            return Ok(reader);
        }
        let columns = wanted
            .iter()
            .map(|index| {
                let name = self.schema.field(*index).name();
                Ok((col(name, &stored)?, name.clone()))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, reader)?))
    }
}

//! Plans each shared relation once, before the statement that reads it.

use super::exec::SharedExec;
use super::explained::{asks_for_lines, with_shared};
use super::held::Buffers;
use super::input::SharedInput;
use super::needs::Needs;
use super::table::SharedTable;
use crate::task::{Task, done, task};
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, internal_datafusion_err, internal_err};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableScan, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use futures::future::FutureExt;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct SharedPlanner;

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
///
/// A relation is optimised when its readers are, and gets its operators when what it reads is
/// optimised. What need not wait is done side by side.
pub(crate) async fn plan_together(
    plans: &[&LogicalPlan],
    state: &dyn Session,
) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
    let Some(state) = state.as_any().downcast_ref::<SessionState>() else {
        return internal_err!("the session has no state to plan in");
    };
    let state = Arc::new(in_one_pass(state));
    let mut tables = Tables::default();
    let mut readers: BTreeMap<u64, Vec<Task<Option<Arc<Optimised>>>>> = BTreeMap::new();
    let mut asked = vec![];
    for plan in plans {
        let reads = tables.find(plan)?;
        let plan = Arc::new(Optimised::asked((*plan).clone()));
        let done = done(Some(Arc::clone(&plan)));
        for number in &reads {
            readers.entry(*number).or_default().push(done.clone());
        }
        asked.push((plan, reads));
    }
    let mut optimised = vec![];
    let mut offered = Offered::new();
    // The last number first: its readers are all known, and it may read only lower ones.
    while let Some((number, provider)) = tables.known.pop_last() {
        // What is read again and again is not left.
        if !tables.asked_again.contains(&number)
            && let Some(left) = shared(&provider)?.left()
        {
            offered.insert(number, done(Some(Offer::Input(left))));
            continue;
        }
        let reads = tables.find(&shared(&provider)?.plan)?;
        let readers_of = readers.remove(&number).unwrap_or_default();
        let done = task(optimise(
            Arc::clone(&provider),
            readers_of,
            Arc::clone(&state),
        ));
        for number in &reads {
            readers.entry(*number).or_default().push(done.clone());
        }
        optimised.push((number, provider, reads, done));
    }
    let buffers = Arc::new(Buffers::default());
    let mut equipped = vec![];
    let mut for_others = vec![];
    while let Some((number, provider, reads, optimised)) = optimised.pop() {
        let is_kept = tables.asked_again.contains(&number);
        let inputs = among(&offered, &reads);
        let buffers = Arc::clone(&buffers);
        let offer = offer(
            Arc::clone(&provider),
            optimised.clone(),
            inputs.clone(),
            is_kept,
            buffers,
        );
        let offer = offer.boxed().shared();
        let done = equip(optimised, offer.clone(), inputs, Arc::clone(&state));
        equipped.push(task(done));
        if shared(&provider)?.left.is_some() {
            for_others.push((provider, offer.clone()));
        }
        offered.insert(number, offer);
    }
    let planned = asked.into_iter().map(|(plan, reads)| {
        let (inputs, state) = (among(&offered, &reads), Arc::clone(&state));
        task(async move { operators(&plan, inputs, &state).await })
    });
    let planned: Vec<_> = planned.collect();
    for done in equipped {
        done.await.map_err(DataFusionError::Shared)?;
    }
    for (provider, offer) in for_others {
        if let Some(Offer::Input(ready)) = offer.await.map_err(DataFusionError::Shared)? {
            shared(&provider)?.leave(ready);
        }
    }
    let mut operators = vec![];
    for (asked, plan) in plans.iter().zip(planned) {
        let plan = plan.await.map_err(DataFusionError::Shared)?;
        operators.push(if asks_for_lines(asked) {
            with_shared(plan, &inputs(&offered).await?)
        } else {
            plan
        });
    }
    Ok(operators)
}

/// What is read by several, those that read others before these.
async fn inputs(offered: &Offered) -> Result<Vec<Arc<SharedInput>>> {
    let offers = gathered(offered.clone()).await?;
    let numbered = offers
        .into_iter()
        .filter_map(|(number, offer)| match offer {
            Offer::Input(ready) => Some((Reverse(number), Arc::clone(&ready.input))),
            Offer::Plan(_) => None,
        });
    let numbered: BTreeMap<_, _> = numbered.collect();
    Ok(numbered.into_values().collect())
}

/// The engine's rules go over a statement until nothing changes. A relation comes to them without what nobody
/// reads and with its readers' filters, and there are many: another pass finds little.
fn in_one_pass(state: &SessionState) -> SessionState {
    let mut state = state.clone();
    state.config_mut().options_mut().optimizer.max_passes = 1;
    state
}

/// What readers are planned over, by the number of the relation.
type Offered = HashMap<u64, Task<Option<Offer>>>;

#[derive(Clone)]
enum Offer {
    /// Batches, for several.
    Input(Arc<Ready>),
    /// The relation itself, for one.
    Plan(Arc<Optimised>),
}

fn among(offered: &Offered, reads: &BTreeSet<u64>) -> Offered {
    let read = reads.iter();
    let read = read.filter_map(|number| Some((*number, offered.get(number)?.clone())));
    read.collect()
}

/// A plan as its readers need it, and which of the relation's columns it has.
pub(super) struct Optimised {
    pub(super) plan: LogicalPlan,
    pub(super) columns: Vec<usize>,
    /// The places where it is read.
    pub(super) readers: usize,
}

impl Optimised {
    /// A statement that was optimised before.
    fn asked(plan: LogicalPlan) -> Self {
        Self {
            plan,
            columns: vec![],
            readers: 1,
        }
    }
}

/// Nothing where, after all, nobody reads the relation.
async fn optimise(
    provider: Arc<dyn TableProvider>,
    readers: Vec<Task<Option<Arc<Optimised>>>>,
    state: Arc<SessionState>,
) -> Result<Option<Arc<Optimised>>> {
    let table = shared(&provider)?;
    let mut needs = None;
    for reader in readers {
        if let Some(reader) = reader.await.map_err(DataFusionError::Shared)? {
            Needs::add(&mut needs, &reader.plan, table.number)?;
        }
    }
    let needs = needs.map(|needs: Needs| {
        let needs = match &table.left {
            Some(_) => needs.and_those_of_others(table),
            None => needs,
        };
        needs.met_by(table, &state)
    });
    Ok(needs.transpose()?.map(Arc::new))
}

/// What readers are planned over, before there is an input.
async fn offer(
    provider: Arc<dyn TableProvider>,
    optimised: Task<Option<Arc<Optimised>>>,
    inputs: Offered,
    is_kept: bool,
    buffers: Arc<Buffers>,
) -> Result<Option<Offer>, Arc<DataFusionError>> {
    let Some(optimised) = optimised.await? else {
        return Ok(None);
    };
    let table = shared(&provider)?;
    if optimised.readers == 1 && !is_kept && table.left.is_none() {
        let whole = Optimised {
            plan: replace(optimised.plan.clone(), &gathered(inputs).await?)?,
            columns: optimised.columns.clone(),
            readers: 1,
        };
        return Ok(Some(Offer::Plan(Arc::new(whole))));
    }
    Ok(Some(Offer::Input(Arc::new(Ready {
        schema: table.schema(),
        columns: optimised.columns.clone(),
        input: Arc::new(SharedInput::new(table.label.clone(), is_kept, buffers)),
    }))))
}

/// Gives what was offered its operators.
async fn equip(
    optimised: Task<Option<Arc<Optimised>>>,
    offer: Task<Option<Offer>>,
    inputs: Offered,
    state: Arc<SessionState>,
) -> Result<()> {
    let optimised = optimised.await.map_err(DataFusionError::Shared)?;
    let offer = offer.await.map_err(DataFusionError::Shared)?;
    if let (Some(optimised), Some(Offer::Input(offer))) = (optimised, offer) {
        let input = operators(&optimised, inputs, &state).await?;
        offer.input.give(input);
    }
    Ok(())
}

async fn operators(
    optimised: &Optimised,
    inputs: Offered,
    state: &SessionState,
) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = replace(optimised.plan.clone(), &gathered(inputs).await?)?;
    let planner = DefaultPhysicalPlanner::default();
    planner.create_physical_plan(&plan, state).await
}

async fn gathered(tasks: Offered) -> Result<HashMap<u64, Offer>> {
    let mut gathered = HashMap::new();
    for (number, offer) in tasks {
        if let Some(offer) = offer.await.map_err(DataFusionError::Shared)? {
            gathered.insert(number, offer);
        }
    }
    Ok(gathered)
}

pub(super) fn shared(provider: &Arc<dyn TableProvider>) -> Result<&SharedTable> {
    let table = provider.downcast_ref::<SharedTable>();
    table.ok_or_else(|| internal_datafusion_err!("a shared relation lost its plan"))
}

pub(super) fn provider_of(scan: &TableScan) -> Option<Arc<dyn TableProvider>> {
    let provider = source_as_provider(&scan.source).ok()?;
    shared(&provider).is_ok().then_some(provider)
}

/// The shared relations that plans were found to read.
#[derive(Default)]
struct Tables {
    known: BTreeMap<u64, Arc<dyn TableProvider>>,
    /// Those that a recursive query reads, once a round.
    asked_again: BTreeSet<u64>,
}

impl Tables {
    /// The numbers of those that a plan reads; they become known.
    fn find(&mut self, plan: &LogicalPlan) -> Result<BTreeSet<u64>> {
        let mut found = BTreeSet::new();
        let mut recurs = false;
        plan.apply_with_subqueries(|node| {
            recurs |= matches!(node, LogicalPlan::RecursiveQuery(_));
            if let LogicalPlan::TableScan(scan) = node
                && let Some(provider) = provider_of(scan)
            {
                let number = shared(&provider)?.number;
                self.known.insert(number, provider);
                found.insert(number);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if recurs {
            self.asked_again.extend(&found);
        }
        Ok(found)
    }
}

/// A plan over what was offered.
fn replace(plan: LogicalPlan, offered: &HashMap<u64, Offer>) -> Result<LogicalPlan> {
    let mut is_other = false;
    let replaced = plan.transform_down_with_subqueries(|node| {
        let LogicalPlan::TableScan(scan) = &node else {
            return Ok(Transformed::no(node));
        };
        let Some(provider) = provider_of(scan) else {
            return Ok(Transformed::no(node));
        };
        let table = shared(&provider)?;
        Ok(match offered.get(&table.number) {
            None => Transformed::no(node),
            Some(Offer::Input(input)) => {
                let mut scan = scan.clone();
                scan.source = provider_as_source(Arc::clone(input) as Arc<dyn TableProvider>);
                Transformed::yes(LogicalPlan::TableScan(scan))
            }
            Some(Offer::Plan(whole)) => {
                is_other = true;
                let plan = in_place_of(scan, table, whole)?;
                Transformed::new(plan, true, TreeNodeRecursion::Jump)
            }
        })
    })?;
    if !is_other {
        return Ok(replaced.data);
    }
    let known = |node: LogicalPlan| node.recompute_schema().map(Transformed::yes);
    Ok(replaced.data.transform_up_with_subqueries(known)?.data)
}

/// The relation with the columns that a scan of it has, under its name.
fn in_place_of(scan: &TableScan, table: &SharedTable, whole: &Optimised) -> Result<LogicalPlan> {
    let wanted: Vec<usize> = match &scan.projection {
        Some(wanted) => wanted.clone(),
        None => (0..table.schema().fields().len()).collect(),
    };
    let columns = wanted.iter().map(|index| {
        let at = whole.columns.iter().position(|column| column == index);
        let at = at.ok_or_else(|| internal_datafusion_err!("`{}` lacks a column", table.label))?;
        let own = whole.plan.schema().qualified_field(at);
        let name = table.schema.field(*index).name();
        Ok(Expr::Column(Column::from(own)).alias_qualified(Some(scan.table_name.clone()), name))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(whole.plan.clone())
        .project(columns)?
        .build()
}

/// A shared relation with its input: what a reader's scan becomes.
#[derive(Debug)]
pub(super) struct Ready {
    schema: SchemaRef,
    /// Which of the relation's columns the input has, in its order.
    columns: Vec<usize>,
    pub(super) input: Arc<SharedInput>,
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
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = self.schema.fields().len();
        let wanted = projection.map_or_else(|| (0..all).collect(), Clone::clone);
        let at = |wanted: &usize| self.columns.iter().position(|column| column == wanted);
        let read = wanted.iter().map(at).collect::<Option<Vec<_>>>();
        let read =
            read.ok_or_else(|| internal_datafusion_err!("a shared relation lacks a column"))?;
        Ok(Arc::new(SharedExec::new(
            Arc::clone(&self.input),
            read,
            Arc::new(self.schema.project(&wanted)?),
            state.config().target_partitions(),
        )))
    }
}

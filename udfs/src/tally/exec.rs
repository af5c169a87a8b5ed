//! [`TallyExec`]: the operator.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_datafusion_err, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{ColumnarValue, EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, replace_children_if_necessary,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt, try_unfold};

use super::groups::{Full, Groups};
use super::handed_on::{HandedOn, slices};
use super::spread::Spread;

/// Takes the place of a partial aggregate.
#[derive(Debug)]
pub struct TallyExec {
    aggregate: Arc<AggregateExec>,
    /// The aggregate's own, or the same rows with texts in dictionaries.
    input: Arc<dyn ExecutionPlan>,
    asked: Arc<Asked>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What is asked of each row of the input.
#[derive(Debug)]
struct Asked {
    keys: Vec<Arc<dyn PhysicalExpr>>,
    /// The arguments of each aggregate function.
    arguments: Vec<Vec<Arc<dyn PhysicalExpr>>>,
}

impl Asked {
    fn of(aggregate: &AggregateExec) -> Self {
        let keys = aggregate.group_expr().expr().iter();
        let functions = aggregate.aggr_expr().iter();
        Self {
            keys: keys.map(|(key, _)| Arc::clone(key)).collect(),
            arguments: functions.map(|function| function.expressions()).collect(),
        }
    }
}

impl TallyExec {
    /// In the place of a partial aggregate that the rule would replace.
    pub fn new(aggregate: Arc<AggregateExec>) -> Self {
        // Its keys are as constant as the aggregate's, and as equal.
        let mut known = aggregate.properties().equivalence_properties().clone();
        known.clear_orderings();
        let properties = PlanProperties::new(
            known,
            aggregate.properties().output_partitioning().clone(),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            input: Arc::clone(aggregate.input()),
            asked: Arc::new(Asked::of(&aggregate)),
            aggregate,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Over the same rows with texts in dictionaries, by rewritten keys and arguments; what it hands
    /// on stays as it was.
    pub(crate) fn over_encoded(
        &self,
        input: Arc<dyn ExecutionPlan>,
        key: impl Fn(&Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>>,
        argument: impl Fn(
            &AggregateFunctionExpr,
            &Arc<dyn PhysicalExpr>,
        ) -> Result<Arc<dyn PhysicalExpr>>,
    ) -> Result<Self> {
        let functions = self.aggregate.aggr_expr().iter();
        let arguments = functions.zip(&self.asked.arguments);
        let arguments = arguments.map(|(function, arguments)| {
            let arguments = arguments.iter();
            arguments.map(|one| argument(function, one)).collect()
        });
        let asked = Asked {
            keys: self.asked.keys.iter().map(key).collect::<Result<_>>()?,
            arguments: arguments.collect::<Result<_>>()?,
        };
        Ok(self.over(input, Arc::new(asked)))
    }

    fn over(&self, input: Arc<dyn ExecutionPlan>, asked: Arc<Asked>) -> Self {
        Self {
            input,
            asked,
            // The same ones: what stands above need not find out its own anew.
            properties: Arc::clone(&self.properties),
            ..Self::new(Arc::clone(&self.aggregate))
        }
    }

    pub(crate) fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// What it takes the place of.
    pub fn aggregate(&self) -> &Arc<AggregateExec> {
        &self.aggregate
    }

    /// What a partition hands on: all of its groups at once where memory and the width of a word allow.
    pub fn handed_on(
        &self,
        partition: usize,
        context: &Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<HandedOn>>> {
        self.tally(partition, context, Asks::ForGroups)
    }

    fn tally(
        &self,
        partition: usize,
        context: &Arc<TaskContext>,
        asks: Asks,
    ) -> Result<BoxStream<'static, Result<HandedOn>>> {
        let input = self.input.execute(partition, Arc::clone(context))?;
        let consumer = MemoryConsumer::new(format!("TallyExec[{partition}]")).with_can_spill(true);
        let tally = Tally {
            groups: Groups::new(&types(&self.aggregate)?)
                .ok_or_else(|| internal_datafusion_err!("keys without numbers"))?,
            sums: accumulators(&self.aggregate)?,
            spread: Spread::default(),
            aggregate: Arc::clone(&self.aggregate),
            asked: Arc::clone(&self.asked),
            reservation: consumer.register(context.memory_pool()),
            group_of_row: vec![],
            rows: 0,
            sampled: Sampled::new(asks),
            is_in_vain: false,
            ready: VecDeque::new(),
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let handed_on = try_unfold((tally, Some(input)), move |(mut tally, mut input)| {
            let time = metrics.elapsed_compute().clone();
            async move {
                loop {
                    if let Some(groups) = tally.ready.pop_front() {
                        return Ok(Some((groups, (tally, input))));
                    }
                    let Some(stream) = &mut input else {
                        return Ok(None);
                    };
                    let next = stream.try_next().await?;
                    let _timer = time.timer();
                    if let Some(batch) = next {
                        tally.add(&batch)?;
                    } else {
                        input = None;
                        tally.hand_on()?;
                    }
                }
            }
        });
        Ok(handed_on.boxed())
    }

    /// Whether there is a number for every value of the keys.
    pub(super) fn can_number(aggregate: &AggregateExec) -> bool {
        types(aggregate).is_ok_and(|types| Groups::new(&types).is_some())
    }
}

fn types(aggregate: &AggregateExec) -> Result<Vec<DataType>> {
    let schema = aggregate.input().schema();
    let keys = aggregate.group_expr().expr().iter();
    keys.map(|(key, _)| key.data_type(&schema)).collect()
}

impl DisplayAs for TallyExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.aggregate.group_expr().expr().iter();
        let keys: Vec<_> = keys.map(|(_, name)| name.as_str()).collect();
        let sums = self.aggregate.aggr_expr().iter();
        let sums: Vec<_> = sums.map(|sum| sum.name()).collect();
        write!(
            f,
            "TallyExec: gby=[{}], aggr=[{}]",
            keys.join(", "),
            sums.join(", ")
        )
    }
}

impl ExecutionPlan for TallyExec {
    fn name(&self) -> &'static str {
        "TallyExec"
    }

    fn schema(&self) -> SchemaRef {
        self.aggregate.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let arguments = self.asked.arguments.iter().flatten();
        for expression in self.asked.keys.iter().chain(arguments) {
            if f(expression)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let is_encoded = self.input.schema() != self.aggregate.input().schema();
        if let ([input], true) = (&children[..], is_encoded) {
            return Ok(Arc::new(
                self.over(Arc::clone(input), Arc::clone(&self.asked)),
            ));
        }
        let aggregate = replace_children_if_necessary(
            Arc::clone(&self.aggregate) as Arc<dyn ExecutionPlan>,
            children,
        )?;
        let Some(aggregate) = aggregate.downcast_ref::<AggregateExec>() else {
            return internal_err!("an aggregate became {}", aggregate.name());
        };
        let mut tally = Self::new(Arc::new(aggregate.clone()));
        if Arc::ptr_eq(aggregate.properties(), self.aggregate.properties()) {
            tally.properties = Arc::clone(&self.properties);
        }
        Ok(Arc::new(tally))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = context.session_config().batch_size();
        let handed_on = self.tally(partition, &context, Asks::ForRows)?;
        let batches = handed_on.map_ok(move |groups| {
            let slices = slices(groups.into_groups(), rows);
            stream::iter(slices.map(Ok))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches.try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

fn accumulators(aggregate: &AggregateExec) -> Result<Vec<Box<dyn GroupsAccumulator>>> {
    let sums = aggregate.aggr_expr().iter();
    sums.map(|sum| sum.create_groups_accumulator()).collect()
}

/// The arguments of an aggregate function.
fn values(
    arguments: &[Arc<dyn PhysicalExpr>],
    batch: &RecordBatch,
    spread: &mut Spread,
) -> Result<Vec<ArrayRef>> {
    let arguments = arguments.iter();
    let values = arguments.map(|argument| match argument.evaluate(batch)? {
        ColumnarValue::Array(column) => Ok(column),
        ColumnarValue::Scalar(value) => spread.column(value, batch.num_rows()),
    });
    values.collect()
}

/// So many rows show whether there are groups; tests have fewer.
const A_SAMPLE: usize = if cfg!(test) { 1 << 10 } else { 1 << 15 };

/// What the groups are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Each goes its way alone: a row that is a group may as well go as it is.
    ForRows,
    /// Those that are whole stay where they are.
    ForGroups,
}

/// Whether rows come in the order of a key, so that other partitions have other values of it.
#[derive(Debug)]
struct Sampled {
    asks: Asks,
    /// How many values each key had in the first half of the sample.
    half: Option<Vec<usize>>,
    are_in_order: bool,
}

impl Sampled {
    fn new(asks: Asks) -> Self {
        Self {
            asks,
            half: None,
            are_in_order: false,
        }
    }

    /// A key with few values, and steadily new ones: in disorder, few values are soon met all.
    fn see(&mut self, rows: usize, groups: &Groups) {
        if self.asks == Asks::ForRows || rows > A_SAMPLE * 2 {
            return;
        }
        let Some(half) = &self.half else {
            if rows >= A_SAMPLE / 2 {
                self.half = Some(groups.values().collect());
            }
            return;
        };
        let few = groups.len() / 8;
        let mut keys = half.iter().zip(groups.values());
        self.are_in_order = keys.any(|(half, now)| now <= few && now > half + half / 4);
    }
}

/// The groups and sums of one partition.
struct Tally {
    aggregate: Arc<AggregateExec>,
    asked: Arc<Asked>,
    groups: Groups,
    sums: Vec<Box<dyn GroupsAccumulator>>,
    spread: Spread,
    reservation: MemoryReservation,
    group_of_row: Vec<usize>,
    rows: usize,
    sampled: Sampled,
    /// Nearly every row is a group of its own, or a batch alone has more keys than a word holds (of a
    /// dictionary all values count): numbering them is work for nothing.
    is_in_vain: bool,
    ready: VecDeque<HandedOn>,
}

impl Tally {
    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = self.asked.keys.iter();
        let columns = keys.map(|key| key.evaluate(batch));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let rows = batch.num_rows();
        if self.is_in_vain {
            return self.pass_on(columns, batch);
        }
        let numbered = self.groups.number(&columns, rows, &mut self.group_of_row)?;
        if let Err(Full) = numbered {
            if self.groups.len() > 0 {
                self.hand_on()?;
                return self.add(batch);
            }
            self.groups.take()?;
            self.is_in_vain = true;
            return self.pass_on(columns, batch);
        }
        let total = self.groups.len();
        for (sum, arguments) in self.sums.iter_mut().zip(&self.asked.arguments) {
            let values = values(arguments, batch, &mut self.spread)?;
            sum.update_batch(&values, &self.group_of_row, None, total)?;
        }
        let sums: usize = self.sums.iter().map(|sum| sum.size()).sum();
        if self
            .reservation
            .try_resize(self.groups.size() + sums)
            .is_err()
        {
            self.hand_on()?;
        }
        self.rows += rows;
        self.sampled.see(self.rows, &self.groups);
        if self.rows > A_SAMPLE
            && self.groups.len() > self.rows / 10 * 8
            && !self.sampled.are_in_order
        {
            self.hand_on()?;
            self.is_in_vain = true;
        }
        Ok(())
    }

    /// Each row as the group that it would be.
    fn pass_on(&mut self, keys: Vec<ColumnarValue>, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let schema = self.aggregate.schema();
        let keys = keys.into_iter().zip(schema.fields());
        let keys = keys.map(|(key, field)| Ok(cast(&key.into_array(rows)?, field.data_type())?));
        let mut columns = keys.collect::<Result<Vec<_>>>()?;
        for (sum, arguments) in self.sums.iter().zip(&self.asked.arguments) {
            let values = values(arguments, batch, &mut self.spread)?;
            columns.extend(sum.convert_to_state(&values, None)?);
        }
        let groups = RecordBatch::try_new(schema, columns)?;
        let keys = None;
        self.ready.push_back(HandedOn { groups, keys });
        Ok(())
    }

    /// Hands the groups on to the second half of the aggregate, and forgets them.
    fn hand_on(&mut self) -> Result<()> {
        if self.groups.len() == 0 {
            return Ok(());
        }
        let keys = self.groups.take()?;
        let mut columns = keys.columns()?;
        for sum in &mut self.sums {
            columns.extend(sum.state(EmitTo::All)?);
        }
        self.sums = accumulators(&self.aggregate)?;
        self.reservation.free();
        let groups = RecordBatch::try_new(self.aggregate.schema(), columns)?;
        let keys = Some(keys);
        self.ready.push_back(HandedOn { groups, keys });
        Ok(())
    }
}

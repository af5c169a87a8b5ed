//! [`SplitExec`]: the operator.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Distribution, LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::distribution_requirements::InputDistributionRequirements;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};

use super::rows::Rows;
use crate::once::{Once, streams};

/// Takes the place of a window over `apportion_down`.
#[derive(Debug)]
pub struct SplitExec {
    window: Arc<WindowAggExec>,
    input: Arc<dyn ExecutionPlan>,
    asked: Arc<Asked>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What is asked of each row of the input.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) partition: Vec<Arc<dyn PhysicalExpr>>,
    pub(super) amount: Arc<dyn PhysicalExpr>,
    pub(super) weight: Arc<dyn PhysicalExpr>,
    pub(super) keys: Vec<PhysicalSortExpr>,
    pub(super) scale: i8,
    /// Whether partitions may be split side by side: the window forgets it when it gets another input.
    distribution: Vec<Distribution>,
}

impl SplitExec {
    /// In the place of a window with this function alone; nothing where its keys cannot be numbered.
    pub(super) fn of(window: &WindowAggExec) -> Option<Self> {
        let [expression] = window.window_expr() else {
            return None;
        };
        let [amount, weight, ..] = &expression.expressions()[..] else {
            return None;
        };
        let DataType::Decimal128(_, scale) = window.schema().fields().last()?.data_type().clone()
        else {
            return None;
        };
        let asked = Asked {
            partition: expression.partition_by().to_vec(),
            amount: Arc::clone(amount),
            weight: Arc::clone(weight),
            keys: expression.order_by().to_vec(),
            scale,
            distribution: window.input_distribution_requirements().into_per_child(),
        };
        let input = Arc::clone(window.input());
        Rows::new(&asked, &input.schema()).ok()??;
        Some(Self::over(Arc::new(window.clone()), input, Arc::new(asked)))
    }

    fn over(window: Arc<WindowAggExec>, input: Arc<dyn ExecutionPlan>, asked: Arc<Asked>) -> Self {
        let mut known = window.properties().equivalence_properties().clone();
        known.clear_orderings();
        let properties = PlanProperties::new(
            known,
            input.output_partitioning().clone(),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            window,
            input,
            asked,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl Asked {
    /// The window itself, over rows that the engine sorts and may spill.
    fn sorted(
        &self,
        window: &WindowAggExec,
        rows: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = window.input().schema();
        let mut input = streams(vec![Once::boxed(&schema, rows, ())], &schema)?;
        let partition = self.partition.iter();
        let partition = partition.map(|key| PhysicalSortExpr::new_default(Arc::clone(key)));
        if let Some(order) = LexOrdering::new(partition.chain(self.keys.iter().cloned())) {
            input = Arc::new(SortExec::new(order, input));
        }
        WindowAggExec::try_new(window.window_expr().to_vec(), input, true)?.execute(0, context)
    }
}

impl DisplayAs for SplitExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spelt = |expressions: &[Arc<dyn PhysicalExpr>]| {
            let spelt = expressions.iter().map(ToString::to_string);
            spelt.collect::<Vec<_>>().join(", ")
        };
        let keys = self.asked.keys.iter().map(ToString::to_string);
        write!(
            f,
            "SplitExec: partition_by=[{}], order_by=[{}]",
            spelt(&self.asked.partition),
            keys.collect::<Vec<_>>().join(", ")
        )
    }
}

impl ExecutionPlan for SplitExec {
    fn name(&self) -> &'static str {
        "SplitExec"
    }

    fn schema(&self) -> SchemaRef {
        self.window.schema()
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
        self.window.apply_expressions(f)
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(self.asked.distribution.clone())
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop().filter(|_| children.is_empty()) else {
            return internal_err!("SplitExec has one input");
        };
        let window =
            WindowAggExec::try_new(self.window.window_expr().to_vec(), Arc::clone(&input), true)?;
        let asked = Arc::clone(&self.asked);
        Ok(Arc::new(Self::over(Arc::new(window), input, asked)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let mut input = self.input.execute(partition, Arc::clone(&context))?;
        let Some(mut rows) = Rows::new(&self.asked, &self.input.schema())? else {
            return internal_err!("SplitExec has keys that cannot be numbered");
        };
        let asked = Arc::clone(&self.asked);
        let schema = self.schema();
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let memory = MemoryConsumer::new("SplitExec").register(context.memory_pool());
        let window = Arc::clone(&self.window);
        let gathered = async move {
            let mut batches = vec![];
            let mut counter = RecordBatchMemoryCounter::new();
            let numbers = memory.new_empty();
            while let Some(batch) = input.try_next().await? {
                let _timer = metrics.elapsed_compute().timer();
                let bytes = counter.count_batch(&batch);
                let is_had = numbers
                    .try_grow(batch.num_rows() * rows.bytes_a_row())
                    .and_then(|()| memory.try_grow(bytes));
                if is_had.is_err() {
                    // What it was numbered for is what the sort begins with.
                    drop((rows, numbers));
                    let begun = batches.into_iter().map(move |(batch, bytes)| {
                        memory.shrink(bytes);
                        Ok(batch)
                    });
                    let begun = stream::iter(begun).chain(stream::iter([Ok(batch)]));
                    return asked.sorted(&window, begun.chain(input), context);
                }
                rows.add(&asked, &batch)?;
                batches.push((batch, bytes));
            }
            let timer = metrics.elapsed_compute().timer();
            let parts = rows.parts(&asked)?;
            timer.done();
            let mut start = 0;
            let with_parts = {
                let schema = Arc::clone(&schema);
                move |(batch, bytes): (RecordBatch, usize)| {
                    let _held = &numbers;
                    memory.shrink(bytes);
                    let rows = batch.num_rows();
                    let mut columns = batch.columns().to_vec();
                    columns.push(Arc::new(parts.slice(start, rows)));
                    start += rows;
                    metrics.record_output(rows);
                    Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
                }
            };
            let batches = stream::iter(batches).map(with_parts);
            Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)) as _)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            stream::once(gathered).try_flatten(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

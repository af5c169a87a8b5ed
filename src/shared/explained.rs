//! What `EXPLAIN` says of relations that are read more than once: each stands behind the statement, under
//! the name that its readers have for it.

use super::exec::{inputs, shared_by};
use super::input::SharedInput;
use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::display::{PlanType, StringifiedPlan};
use datafusion::common::format::{ExplainFormat, MetricCategory, MetricType};
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::explain::ExplainExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::stream::{StreamExt, once};
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

/// Whether a statement asks for its plan as lines, and not for every step on the way to it, in which the
/// readers say what they share.
pub(super) fn asks_for_lines(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Explain(asked)
        if asked.explain_format == ExplainFormat::Indent && !asked.verbose)
}

/// An `EXPLAIN` with what its readers share.
pub(super) fn with_shared(
    explain: Arc<dyn ExecutionPlan>,
    shared: &[Arc<SharedInput>],
) -> Arc<dyn ExecutionPlan> {
    let Some(asked) = explain.downcast_ref::<ExplainExec>() else {
        return explain;
    };
    let plans = asked.stringified_plans().iter().map(|plan| {
        let mut text = plan.plan.as_str().to_owned();
        if plan.plan_type == PlanType::FinalPhysicalPlan {
            for input in shared {
                let lines = input.plan().map_or_else(
                    || "read while the statement was planned".to_owned(),
                    |plan| displayable(plan.as_ref()).indent(false).to_string(),
                );
                text += &under(&input.label, &lines);
            }
        }
        StringifiedPlan::new(plan.plan_type.clone(), text)
    });
    let plans = plans.collect();
    Arc::new(ExplainExec::new(explain.schema(), plans, asked.verbose()))
}

/// A label, and lines below it.
fn under(label: &str, lines: &str) -> String {
    let mut text = format!("{label}\n");
    for line in lines.lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// What an `EXPLAIN ANALYZE` has to say of what its readers share, when all has been run.
pub(crate) struct Analyzed {
    shared: Vec<(String, Arc<dyn ExecutionPlan>)>,
    verbose: bool,
    types: Vec<MetricType>,
    categories: Option<Vec<MetricCategory>>,
}

impl Analyzed {
    /// Nothing of another statement, or where it asks for something else than lines.
    pub(crate) fn of(
        asked: &LogicalPlan,
        plan: &Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Option<Self> {
        let LogicalPlan::Analyze(asked) = asked else {
            return None;
        };
        let analyze = plan.downcast_ref::<AnalyzeExec>()?;
        let level = asked.analyze_level.unwrap_or(options.explain.analyze_level);
        (asked.format == ExplainFormat::Indent).then(|| Self {
            shared: shared_below(plan),
            verbose: asked.verbose,
            types: level.included_types(),
            categories: analyze.metric_categories().map(<[_]>::to_vec),
        })
    }

    /// Says it behind what the statement gives.
    pub(crate) fn behind(self, stream: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let schema = stream.schema();
        let own = Arc::clone(&schema);
        let rows = once(async move { self.rows(own) });
        Box::pin(RecordBatchStreamAdapter::new(schema, stream.chain(rows)))
    }

    fn rows(self, schema: SchemaRef) -> Result<RecordBatch> {
        let texts = self.shared.iter().map(|(label, plan)| {
            let plan = DisplayableExecutionPlan::with_metrics(plan.as_ref())
                .set_metric_types(self.types.clone())
                .set_metric_categories(self.categories.clone());
            under(label, &plan.indent(self.verbose).to_string())
        });
        let texts = StringArray::from_iter_values(texts);
        let kinds = vec!["Shared Plan with Metrics"; self.shared.len()];
        let columns = vec![
            Arc::new(StringArray::from(kinds)) as _,
            Arc::new(texts) as _,
        ];
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// What is shared below a plan, each relation once, before those that it reads.
fn shared_below(plan: &Arc<dyn ExecutionPlan>) -> Vec<(String, Arc<dyn ExecutionPlan>)> {
    let (mut seen, mut open, mut shared) = (HashSet::new(), vec![Arc::clone(plan)], vec![]);
    while let Some(plan) = open.pop() {
        if let Some(input) = shared_by(&plan) {
            if let Some(plan) = input.plan().filter(|_| seen.insert(Arc::as_ptr(&input))) {
                shared.push((input.label.clone(), Arc::clone(&plan)));
                open.push(plan);
            }
        } else {
            open.extend(inputs(&plan).into_iter().rev());
        }
    }
    shared
}

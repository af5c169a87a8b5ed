//! Few buffers behind the texts of a batch.
//!
//! A slice keeps every buffer of the whole, and what joins slices lists them all again: after a few
//! operators a batch has thousands, and each operator pays for the list. A join is worst: each batch
//! that it gives has the buffers of all batches that it collected, so that joins of joins multiply
//! them.

use super::pass::{Pass, PassExec};
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::HashJoinExec;
use std::sync::Arc;

/// The batch with few buffers behind its texts.
pub(crate) fn compacted(batch: RecordBatch) -> Result<RecordBatch> {
    const FEW: usize = 4;
    let is_compact = |column: &ArrayRef| {
        let texts = column.as_string_view_opt();
        texts.is_none_or(|texts| texts.data_buffers().len() <= FEW)
    };
    if batch.columns().iter().all(is_compact) {
        return Ok(batch);
    }
    let (schema, columns, rows) = batch.into_parts();
    let columns = columns.into_iter().map(|column| {
        if is_compact(&column) {
            column
        } else {
            Arc::new(column.as_string_view().gc()) as ArrayRef
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let columns = columns.collect();
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

#[derive(Debug, Clone)]
struct Compacted;

impl Pass for Compacted {
    const NAME: &'static str = "FewBuffersExec";

    fn pass(&self, batch: RecordBatch) -> Result<RecordBatch> {
        compacted(batch)
    }
}

/// The input with few buffers behind its batches; nothing where it has no texts.
pub(crate) fn compacting(input: &Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    let mut fields = schema.fields().iter();
    let has_texts = fields.any(|field| *field.data_type() == DataType::Utf8View);
    has_texts.then(|| Arc::new(PassExec::new(Arc::clone(input), Compacted)) as _)
}

/// Compacts what joins collect.
#[derive(Debug)]
pub(crate) struct FewBuffers;

impl PhysicalOptimizerRule for FewBuffers {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let compacting = |plan: Arc<dyn ExecutionPlan>| {
            let ([collected, other], true) = (
                &plan.children()[..],
                plan.downcast_ref::<HashJoinExec>().is_some(),
            ) else {
                return Ok(Transformed::no(plan));
            };
            let Some(collected) = compacting(collected) else {
                return Ok(Transformed::no(plan));
            };
            let children = vec![collected, Arc::clone(other)];
            replace_children_if_necessary(Arc::clone(&plan), children).map(Transformed::yes)
        };
        plan.transform_up(compacting).data()
    }

    fn name(&self) -> &'static str {
        "few_buffers"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::array::StringViewArray;
    use datafusion::arrow::compute::concat;
    use datafusion::datasource::MemTable;
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::prelude::{SessionConfig, SessionContext};

    /// The most buffers behind the texts of a batch that joins of joins give.
    async fn most_buffers(state: SessionStateBuilder) -> usize {
        let batches = (0..50_i64).map(|number| {
            let text = format!("a text that does not fit into a view {number}");
            let texts = StringViewArray::from(vec![text.as_str(); 100]);
            let keys: Int64Array = (100 * number..100 * number + 100).collect();
            let columns = [("k", Arc::new(keys) as ArrayRef), ("t", Arc::new(texts))];
            RecordBatch::try_from_iter(columns).unwrap()
        });
        let batches: Vec<_> = batches.collect();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        let config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(100);
        let state = state.with_default_features().with_config(config);
        let context = SessionContext::new_with_state(state.build());
        context.register_table("t", Arc::new(table)).unwrap();
        let sql =
            "SELECT a.t FROM t AS a LEFT JOIN t AS b ON a.k = b.k LEFT JOIN t AS c ON a.k = c.k
            LEFT JOIN t AS d ON a.k = d.k AND b.t = c.t";
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 5_000);
        let buffers = batches
            .iter()
            .map(|batch| batch.column(0).as_string_view().data_buffers().len());
        buffers.max().unwrap()
    }

    #[tokio::test]
    async fn joins_of_joins_do_not_multiply_buffers() {
        let ours = SessionStateBuilder::new().with_physical_optimizer_rule(Arc::new(FewBuffers));
        assert_eq!(most_buffers(ours).await, 50);
        // Fifty times fifty times fifty.
        assert_eq!(most_buffers(SessionStateBuilder::new()).await, 125_000);
    }

    #[test]
    fn many_buffers_become_few_and_texts_stay() {
        let pieces: Vec<ArrayRef> = (0..100)
            .map(|number| {
                let text = format!("a text that does not fit into a view {number}");
                Arc::new(StringViewArray::from(vec![Some(text.as_str()), None])) as ArrayRef
            })
            .collect();
        let pieces: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
        let texts = concat(&pieces).unwrap();
        assert_eq!(texts.as_string_view().data_buffers().len(), 100);
        let batch = RecordBatch::try_from_iter([("texts", Arc::clone(&texts))]).unwrap();
        let compact = compacted(batch).unwrap();
        let column = compact.column(0);
        assert_eq!(column.as_string_view().data_buffers().len(), 1);
        assert_eq!(column.as_ref(), texts.as_ref());
    }
}

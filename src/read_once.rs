//! [`ReadOnce`]: a join that has no memory for its first side is refused, and gives no wrong rows.
//!
//! Where two tables meet by anything but equality, the engine collects the first side. When memory runs
//! out, it reads that side a second time and goes over it piece by piece: an outer join then gives what
//! found no partner once for each partition of the other side, and what operators here have dealt out
//! is not there any more. So the first side is read once.

use crate::shared::pass::{Pass, PassExec};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, resources_err};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
pub(crate) struct ReadOnce;

impl PhysicalOptimizerRule for ReadOnce {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let once = |plan: Arc<dyn ExecutionPlan>| {
            let ([first, other], true) = (
                &plan.children()[..],
                plan.downcast_ref::<NestedLoopJoinExec>().is_some(),
            ) else {
                return Ok(Transformed::no(plan));
            };
            let first = PassExec::new(Arc::clone(first), FirstSide::default());
            let children = vec![Arc::new(first) as _, Arc::clone(other)];
            replace_children_if_necessary(Arc::clone(&plan), children).map(Transformed::yes)
        };
        plan.transform_up(once).data()
    }

    fn name(&self) -> &'static str {
        "read_once"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The first side of a join, which is one partition.
#[derive(Debug, Default)]
struct FirstSide {
    has_been_read: AtomicBool,
}

impl Clone for FirstSide {
    /// A plan that is made again, as one round of a recursive query after another, has not been read.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Pass for FirstSide {
    const NAME: &'static str = "ReadOnceExec";

    fn begin(&self) -> Result<()> {
        if self.has_been_read.swap(true, Ordering::AcqRel) {
            return resources_err!(
                "the first side of a join without an equality does not fit into memory"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;
    use crate::session::Session;
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::datasource::MemTable;
    use std::sync::Arc;

    /// So many numbers in each of two partitions, each with a text of some length.
    fn numbers(count: i64, length: usize) -> Arc<MemTable> {
        let batch = |first: i64| {
            let numbers = first..first + 1_000;
            let texts = numbers.clone().map(|number| format!("{number:0length$}"));
            let columns = [
                (
                    "v",
                    Arc::new(Int64Array::from_iter_values(numbers)) as ArrayRef,
                ),
                ("t", Arc::new(StringViewArray::from_iter_values(texts))),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let partition = |first: i64| (first..first + count).step_by(1_000).map(batch).collect();
        let partitions: Vec<Vec<_>> = vec![partition(0), partition(count)];
        let schema = partitions[0][0].schema();
        Arc::new(MemTable::try_new(schema, partitions).unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_first_side_that_does_not_fit_is_refused_and_not_read_twice() {
        let counted = async |memory: usize| {
            let settings = Settings {
                memory_limit: Some(memory),
                threads: Some(2),
                ..Settings::default()
            };
            let session = Session::open(&settings).await.unwrap();
            session.register_table("few", numbers(10_000, 150)).unwrap();
            session
                .register_table("many", numbers(20_000, 300))
                .unwrap();
            let sql = "SELECT count(*), count(many.v), sum(length(few.t) + length(many.t)) FROM few
                LEFT JOIN (SELECT * FROM many WHERE v % 1000 = 0) AS many
                ON few.v - 1 < many.v AND many.v < few.v + 1";
            let rows = session
                .collect(sql)
                .await
                .map_err(|error| error.to_string())?;
            let counts = rows[0].columns()[..2].iter();
            let counts = counts.map(|count| count.as_primitive::<Int64Type>().value(0));
            Ok::<Vec<i64>, String>(counts.collect())
        };
        assert_eq!(counted(1 << 30).await, Ok(vec![20_000, 20]));
        let refused = "the first side of a join without an equality does not fit into memory";
        assert_eq!(counted(5_000_000).await, Err(refused.to_owned()));
    }
}

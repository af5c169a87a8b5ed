use super::super::FewExchanges;
use super::super::join::AdaptiveJoinExec;
use super::rows;
use datafusion::arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringViewArray, StringViewBuilder,
};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_plan::joins::PartitionMode;
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

const PARTITIONS: usize = 3;
const BATCH: usize = 4;
/// Eight batches of four are few.
const SMALL: i64 = 30;
const LARGE: i64 = 300;

/// Keys that come several times or not at all, and some that are NULL.
fn table(rows: i64, step: i64, name: &str) -> Arc<MemTable> {
    let batches = (0..rows).step_by(BATCH).map(|start| {
        let numbers = start..rows.min(start + i64::try_from(BATCH).unwrap());
        let key = |number: i64| (number % 7 > 0).then_some(number * step % 50);
        let keys: Int64Array = numbers.clone().map(key).collect();
        let texts = numbers.map(|number| format!("row {number} of the table {name}"));
        let columns = [
            ("k", Arc::new(keys) as ArrayRef),
            ("t", Arc::new(StringViewArray::from_iter_values(texts))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    });
    let mut partitions = vec![vec![]; PARTITIONS];
    for (number, batch) in batches.enumerate() {
        partitions[number % PARTITIONS].push(batch);
    }
    let schema = partitions[0][0].schema();
    Arc::new(MemTable::try_new(schema, partitions).unwrap())
}

/// The engine with or without the rule. It knows how large tables in memory are, and is told not to care.
fn context(is_adaptive: bool) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(PARTITIONS)
        .with_batch_size(BATCH)
        .set_u64(
            "datafusion.optimizer.hash_join_single_partition_threshold",
            0,
        )
        .set_u64(
            "datafusion.optimizer.hash_join_single_partition_threshold_rows",
            0,
        )
        .set_bool("datafusion.optimizer.join_reordering", false)
        .set_bool(
            "datafusion.optimizer.enable_join_dynamic_filter_pushdown",
            false,
        );
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config);
    if is_adaptive {
        state = state.with_physical_optimizer_rule(Arc::new(FewExchanges));
    }
    let context = SessionContext::new_with_state(state.build());
    for (name, rows, step) in [
        ("small", SMALL, 3),
        ("large", LARGE, 1),
        ("other", LARGE, 2),
    ] {
        let table = table(rows, step, name);
        context.register_table(name, table).unwrap();
    }
    context
}

async fn plan(sql: &str, is_adaptive: bool) -> (SessionContext, Arc<dyn ExecutionPlan>) {
    let context = context(is_adaptive);
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    (context, plan)
}

/// How the adaptive joins of a plan that has been run have joined.
fn modes(plan: &Arc<dyn ExecutionPlan>) -> Vec<Option<PartitionMode>> {
    let mut modes = vec![];
    plan.apply(|plan| {
        if let Some(join) = plan.downcast_ref::<AdaptiveJoinExec>() {
            modes.push(join.mode());
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    modes
}

#[tokio::test]
async fn joins_give_the_engines_rows_however_large_their_first_side_is() {
    for (first, mode) in [
        ("small", PartitionMode::CollectLeft),
        ("large", PartitionMode::Partitioned),
    ] {
        for sql in [
            "SELECT a.t AS t, b.t AS u FROM FIRST AS a JOIN other AS b ON a.k = b.k",
            "SELECT a.t AS t, b.t AS u FROM FIRST AS a LEFT JOIN other AS b ON a.k = b.k",
            "SELECT a.t AS t, b.t AS u FROM FIRST AS a RIGHT JOIN other AS b ON a.k = b.k",
            "SELECT a.t AS t, b.t AS u FROM FIRST AS a FULL JOIN other AS b ON a.k = b.k AND a.t < b.t",
            "SELECT a.t FROM FIRST AS a LEFT SEMI JOIN other AS b ON a.k = b.k AND a.t < b.t",
            "SELECT a.t FROM FIRST AS a LEFT ANTI JOIN other AS b ON a.k = b.k",
            "SELECT b.t FROM FIRST AS a RIGHT SEMI JOIN other AS b ON a.k = b.k",
            "SELECT b.t FROM FIRST AS a RIGHT ANTI JOIN other AS b ON a.k = b.k AND b.k > 9",
            "SELECT a.t AS t, b.t AS u FROM FIRST AS a
             JOIN other AS b ON a.k IS NOT DISTINCT FROM b.k",
            "SELECT b.t, count(a.k) AS n FROM FIRST AS a RIGHT JOIN other AS b ON a.k = b.k GROUP BY b.t",
        ] {
            let sql = sql.replace("FIRST", first);
            let (engine, expected) = plan(&sql, false).await;
            let expected = rows(&engine, expected).await;
            let (ours, plan) = plan(&sql, true).await;
            assert_eq!(rows(&ours, Arc::clone(&plan)).await, expected, "{sql}");
            assert_eq!(modes(&plan), [Some(mode)], "{sql}");
            assert!(expected.len() > 10, "{sql}");
        }
    }
}

#[tokio::test]
async fn joins_of_joins_give_the_engines_rows() {
    let sql = "SELECT a.t AS t, b.t AS u, c.t AS v FROM small AS a JOIN large AS b ON a.k = b.k
        FULL JOIN other AS c ON a.t = c.t";
    let (engine, expected) = plan(sql, false).await;
    let expected = rows(&engine, expected).await;
    let (ours, plan) = plan(sql, true).await;
    assert_eq!(rows(&ours, Arc::clone(&plan)).await, expected);
    assert_eq!(
        modes(&plan),
        [
            Some(PartitionMode::Partitioned),
            Some(PartitionMode::CollectLeft)
        ]
    );
}

#[tokio::test]
async fn a_join_whose_cut_is_gone_by_stays_as_it_is() {
    for sql in [
        "SELECT b.k, count(*) AS n FROM small AS a JOIN other AS b ON a.k = b.k GROUP BY b.k",
        "SELECT b.k, sum(b.k) OVER (PARTITION BY b.k) AS n FROM small AS a JOIN other AS b ON a.k = b.k",
    ] {
        let (engine, expected) = plan(sql, false).await;
        let expected = rows(&engine, expected).await;
        let (ours, plan) = plan(sql, true).await;
        assert_eq!(modes(&plan), [], "{sql}");
        assert_eq!(rows(&ours, plan).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn joins_of_a_union_need_no_cut_but_for_what_goes_by_it() {
    let union = "SELECT b.k AS k, a.t AS t FROM small AS a JOIN other AS b ON a.k = b.k
        UNION ALL
        SELECT b.k AS k, a.t AS t FROM large AS a JOIN other AS b ON a.k = b.k";
    let counted = format!("SELECT k, count(*) AS n FROM ({union}) AS u GROUP BY k");
    let both = [
        Some(PartitionMode::CollectLeft),
        Some(PartitionMode::Partitioned),
    ];
    for (sql, expected_modes) in [(union, &both[..]), (&counted, &[])] {
        let (engine, expected) = plan(sql, false).await;
        let shown = displayable(expected.as_ref()).indent(false).to_string();
        assert!(shown.contains("InterleaveExec"), "{shown}");
        let expected = rows(&engine, expected).await;
        let (ours, plan) = plan(sql, true).await;
        assert_eq!(rows(&ours, Arc::clone(&plan)).await, expected, "{sql}");
        assert_eq!(modes(&plan), expected_modes, "{sql}");
        assert!(expected.len() > 10, "{sql}");
    }
}

#[tokio::test]
async fn an_error_of_the_first_side_is_the_joins() {
    let sql =
        "SELECT a.t FROM (SELECT 1 / (k - 9) AS k, t FROM small) AS a JOIN other AS b ON a.k = b.k";
    let (ours, plan) = plan(sql, true).await;
    let error = collect(plan, ours.task_ctx()).await.unwrap_err();
    assert!(error.to_string().contains("Divide by zero"), "{error}");
}

#[tokio::test]
async fn a_recursive_query_joins_anew_each_time() {
    let sql = "WITH RECURSIVE walk AS (
            SELECT k, CAST(1 AS BIGINT) AS n FROM small
            UNION ALL
            SELECT max(b.k) AS k, a.n + 1 AS n FROM walk AS a JOIN other AS b ON a.k = b.k
            WHERE a.n < 4
            GROUP BY b.t, a.n
        )
        SELECT n, k, count(*) AS rows FROM walk GROUP BY n, k";
    let (engine, expected) = plan(sql, false).await;
    let expected = rows(&engine, expected).await;
    let (ours, plan) = plan(sql, true).await;
    assert_eq!(modes(&plan).len(), 1);
    assert_eq!(rows(&ours, plan).await, expected);
    assert!(expected.iter().any(|row| row.contains("| 4 ")));
}

#[tokio::test]
async fn slices_of_one_batch_take_its_memory_once() {
    const LIMIT: usize = 1 << 22;
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(0..SMALL));
    let long = "a".repeat(LIMIT / 3 / 30);
    let mut texts = StringViewBuilder::new().with_fixed_block_size(1 << 21);
    (0..SMALL).for_each(|_| texts.append_value(&long));
    let texts: ArrayRef = Arc::new(texts.finish());
    let whole = RecordBatch::try_from_iter([("k", keys), ("t", texts)]).unwrap();
    let slices: Vec<_> = (0..7)
        .map(|slice| whole.slice(slice * BATCH, BATCH))
        .collect();
    let first = MemTable::try_new(whole.schema(), vec![slices]).unwrap();
    let (ours, _) = plan("SELECT 1", true).await;
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(LIMIT)));
    let state = SessionStateBuilder::new_from_existing(ours.state())
        .with_runtime_env(runtime.build_arc().unwrap())
        .build();
    let ours = SessionContext::new_with_state(state);
    ours.register_table("sliced", Arc::new(first)).unwrap();
    let sql = "SELECT b.t FROM sliced AS a JOIN other AS b ON a.k = b.k AND a.t < b.t";
    let frame = ours.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    assert!(rows(&ours, Arc::clone(&plan)).await.len() > 10);
    assert_eq!(modes(&plan), [Some(PartitionMode::CollectLeft)]);
}

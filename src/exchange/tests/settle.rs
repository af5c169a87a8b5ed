use super::super::FewExchanges;
use super::super::settle::SettleExec;
use super::rows;
use apportion_udfs::tally::rule::Tally;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_plan::{collect, displayable};
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use std::sync::Arc;

const GROUPED: &str = "SELECT day, customer, count(*) AS calls, count(tokens) AS counted,
        sum(tokens) AS tokens, min(tokens) AS least, avg(tokens) AS mean
    FROM ledger GROUP BY day, customer";

/// Day, customer and tokens of a call.
type Call = (Option<i64>, Option<i64>, Option<i64>);

/// A ledger in as many partitions as there are lists of calls.
fn ledger(partitions: &[Vec<Call>]) -> Arc<MemTable> {
    let batch = |calls: &[Call]| {
        let days: Int64Array = calls.iter().map(|call| call.0).collect();
        let customers = calls.iter().map(|call| {
            let customer = call.1?;
            Some(format!("a customer with a long name {customer}"))
        });
        let tokens: Int64Array = calls.iter().map(|call| call.2).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("day", Arc::new(days) as ArrayRef, true),
            (
                "customer",
                Arc::new(customers.collect::<StringViewArray>()),
                true,
            ),
            ("tokens", Arc::new(tokens), true),
        ])
        .unwrap()
    };
    let partitions: Vec<Vec<_>> = partitions
        .iter()
        .map(|calls| calls.chunks(5).map(batch).collect())
        .collect();
    Arc::new(MemTable::try_new(batch(&[]).schema(), partitions).unwrap())
}

fn context(calls: &[Vec<Call>], settles: bool, memory: Arc<dyn MemoryPool>) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(calls.len())
        .with_batch_size(4)
        // It knows how large tables in memory are, and is told not to care.
        .set_u64(
            "datafusion.optimizer.hash_join_single_partition_threshold",
            0,
        )
        .set_u64(
            "datafusion.optimizer.hash_join_single_partition_threshold_rows",
            0,
        );
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(memory);
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime.build_arc().unwrap())
        .with_physical_optimizer_rule(Arc::new(Tally));
    if settles {
        state = state.with_physical_optimizer_rule(Arc::new(FewExchanges));
    }
    let mut state = state.build();
    apportion_udfs::register_all(&mut state).unwrap();
    let context = SessionContext::new_with_state(state);
    context.register_table("ledger", ledger(calls)).unwrap();
    context
}

/// The rows of a statement, and how many groups it settled where they were; nothing where nothing
/// settles any.
async fn settled(context: &SessionContext, sql: &str) -> (Vec<String>, Option<usize>) {
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let rows = rows(context, Arc::clone(&plan)).await;
    let mut own = None;
    plan.apply(|plan| {
        if plan.downcast_ref::<SettleExec>().is_some() {
            let metrics = plan.metrics().unwrap();
            let groups = metrics.sum_by_name("own_groups");
            own = Some(own.unwrap_or(0) + groups.map_or(0, |groups| groups.as_usize()));
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    (rows, own)
}

async fn assert_same(calls: &[Vec<Call>], memory: Arc<dyn MemoryPool>, sql: &str) -> Option<usize> {
    let engine = context(calls, false, ample());
    let (expected, none) = settled(&engine, sql).await;
    assert_eq!(none, None);
    let (rows, own) = settled(&context(calls, true, memory), sql).await;
    assert_eq!(rows, expected, "{sql}");
    own
}

/// Days of three partitions, of which neighbours share one; each customer calls on each day.
fn in_the_order_of_time() -> Vec<Vec<Call>> {
    let partition = |number: i64| {
        let days = number * 3..=number * 3 + 3;
        let calls = days.flat_map(|day| (0..4).map(move |customer| (Some(day), Some(customer))));
        calls
            .map(|(day, customer)| (day, customer, Some(7)))
            .collect()
    };
    (0..3).map(partition).collect()
}

fn ample() -> Arc<dyn MemoryPool> {
    Arc::new(UnboundedMemoryPool::default())
}

#[tokio::test]
async fn groups_of_a_day_that_one_partition_has_met_are_settled() {
    let own = assert_same(&in_the_order_of_time(), ample(), GROUPED).await;
    // Ten days of four customers, of which two days are of two partitions.
    assert_eq!(own, Some(8 * 4));
}

#[tokio::test]
async fn what_several_partitions_have_met_is_added_up() {
    let calls = in_the_order_of_time();
    let sql = "SELECT customer, sum(tokens) AS tokens FROM ledger GROUP BY customer";
    assert_eq!(assert_same(&calls, ample(), sql).await, Some(0));
    let sql = "SELECT DISTINCT day FROM ledger";
    assert_eq!(assert_same(&calls, ample(), sql).await, Some(8));
}

#[tokio::test]
async fn where_memory_is_limited_all_is_added_up() {
    let memory = Arc::new(GreedyMemoryPool::new(1 << 30));
    let own = assert_same(&in_the_order_of_time(), memory, GROUPED).await;
    assert_eq!(own, Some(0));
}

#[tokio::test]
async fn groups_of_one_partition_wait_for_none_that_goes_on() {
    // The first partition's rows are groups of their own, which shows after some thousands of them.
    let rows = |partition: i64| {
        let days = partition * 40_000..partition * 40_000 + 40_000;
        days.map(move |day| (Some(day), Some(partition), Some(1)))
    };
    let calls = [rows(0).collect(), vec![(Some(1), Some(1), Some(1))]];
    assert_eq!(assert_same(&calls, ample(), GROUPED).await, Some(0));
    let both = [rows(0).take(10).collect(), rows(1).take(10).collect()];
    assert_eq!(assert_same(&both, ample(), GROUPED).await, Some(20));
}

#[tokio::test]
async fn rows_in_order_are_settled_though_each_is_a_group() {
    let rows = |partition: i64| {
        let numbers = partition * 40_000..partition * 40_000 + 40_000;
        let calls = numbers.map(|number| (Some(number / 100), Some(number), Some(1)));
        calls.collect::<Vec<_>>()
    };
    let calls = [rows(0), rows(1)];
    assert_eq!(assert_same(&calls, ample(), GROUPED).await, Some(80_000));
}

#[tokio::test]
async fn a_union_has_more_partitions_than_are_read() {
    let calls = in_the_order_of_time();
    let sql = GROUPED.replace(
        "FROM ledger",
        "FROM (SELECT * FROM ledger WHERE day < 5 UNION ALL SELECT * FROM ledger WHERE day >= 5)",
    );
    assert_eq!(assert_same(&calls, ample(), &sql).await, Some(8 * 4));
}

#[tokio::test]
async fn what_takes_more_room_the_more_a_group_has_met_is_added_up() {
    let sql = "SELECT day, array_agg(tokens) AS tokens FROM ledger GROUP BY day";
    assert_eq!(
        assert_same(&in_the_order_of_time(), ample(), sql).await,
        None
    );
}

#[tokio::test]
async fn a_reader_may_have_enough_before_the_end() {
    let context = context(&in_the_order_of_time(), true, ample());
    let sql = format!("SELECT * FROM ({GROUPED}) LIMIT 3");
    let (rows, _) = settled(&context, &sql).await;
    assert_eq!(
        rows.iter().filter(|row| row.contains("a customer")).count(),
        3
    );
}

#[tokio::test]
async fn groups_whose_cut_is_gone_by_are_cut() {
    let sql = format!(
        "SELECT a.calls, b.calls FROM ({GROUPED}) AS a JOIN ({GROUPED}) AS b
         ON a.day = b.day AND a.customer = b.customer"
    );
    assert_eq!(
        assert_same(&in_the_order_of_time(), ample(), &sql).await,
        None
    );
}

#[tokio::test]
async fn a_recursive_query_settles_anew_each_time() {
    let sql = "WITH RECURSIVE walk AS (
            SELECT 0 AS day, CAST(1 AS BIGINT) AS n
            UNION ALL
            SELECT grouped.day, walk.n + 1 AS n
            FROM walk JOIN (SELECT day, customer FROM ledger GROUP BY day, customer) AS grouped
                ON walk.day + 1 = grouped.day
            WHERE walk.n < 4
        )
        SELECT n, day, count(*) AS rows FROM walk GROUP BY n, day";
    let context = context(&in_the_order_of_time(), true, ample());
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let shown = displayable(plan.as_ref()).indent(false).to_string();
    let (_, term) = shown.split_once("RecursiveQueryExec").unwrap();
    assert!(term.contains("SettleExec"), "{shown}");
    let rows = rows(&context, plan).await;
    assert!(
        rows.iter().any(|row| row.contains("| 4 | 3   | 64   |")),
        "{rows:?}"
    );
    assert_same(&in_the_order_of_time(), ample(), sql).await;
}

#[tokio::test]
async fn an_error_of_the_first_half_is_the_aggregates() {
    let context = context(&in_the_order_of_time(), true, ample());
    let sql = "SELECT day, sum(1 / (day - 9)) FROM ledger GROUP BY day";
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let error = collect(plan, context.task_ctx()).await.unwrap_err();
    assert!(error.to_string().contains("Divide by zero"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_calls_are_grouped_as_the_engine_groups_them(
        calls in prop::collection::vec(
            prop::collection::vec(
                (prop::option::of(0_i64..6), prop::option::of(0_i64..6), prop::option::of(0_i64..9)),
                0..30,
            ),
            2..5,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let own = assert_same(&calls, ample(), GROUPED).await;
            assert!(own.is_some());
        });
    }
}

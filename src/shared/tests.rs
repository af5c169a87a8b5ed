use super::held::Buffers;
use super::planner::SharedPlanner;
use super::table::SharedTable;
use crate::constants;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryPool, MemoryReservation, UnboundedMemoryPool,
};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A session with shared relations, each of which may read those before it.
async fn session(relations: &[(&str, &str)]) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(SessionConfig::new().with_target_partitions(2))
        .with_optimizer_rules(constants::rules())
        .with_query_planner(Arc::new(SharedPlanner))
        .build();
    let context = SessionContext::new_with_state(state);
    for (name, sql) in relations {
        let state = context.state();
        let plan = state.create_logical_plan(sql).await.unwrap();
        let table = SharedTable::new((*name).to_owned(), plan, state.config_options()).unwrap();
        context.register_table(*name, Arc::new(table)).unwrap();
    }
    context
}

/// The operators of a statement, and its rows.
async fn run(relations: &[(&str, &str)], sql: &str) -> (String, String) {
    let context = session(relations).await;
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.clone().create_physical_plan().await.unwrap();
    let rows = frame.collect().await.unwrap();
    (
        displayable(plan.as_ref()).indent(false).to_string(),
        pretty_format_batches(&rows).unwrap().to_string(),
    )
}

const CALLS: (&str, &str) = (
    "calls",
    "SELECT column1 AS model, column2 AS tokens FROM (VALUES ('a', 1), ('b', 2), ('b', 4)) AS t",
);

#[tokio::test]
async fn several_readers_share_and_one_has_it_whole() {
    const TWICE: &str =
        "SELECT sum(calls.tokens) AS sum FROM calls JOIN calls AS other USING (model)";
    let (plan, twice) = run(&[CALLS], TWICE).await;
    assert_eq!(plan.matches("SharedExec: calls").count(), 2, "{plan}");
    assert!(twice.contains("| 13  |"), "{twice}");

    // Under the reader's name for it, and with the columns that it asks for.
    let doubled = (
        "doubled",
        "SELECT tokens AS once, 2 * tokens AS twice, model FROM calls",
    );
    let once = "SELECT d.model, sum(d.twice) FROM doubled AS d WHERE d.once > 1 GROUP BY d.model";
    let (plan, sums) = run(&[CALLS, doubled], once).await;
    assert!(!plan.contains("SharedExec"), "{plan}");
    assert!(sums.contains("| b     | 12"), "{sums}");
    let (plan, rows) = run(
        &[CALLS, doubled],
        "SELECT * FROM doubled ORDER BY once LIMIT 1",
    )
    .await;
    assert!(!plan.contains("SharedExec"), "{plan}");
    assert!(rows.contains("| 1    | 2     | a     |"), "{rows}");

    // In an expression, too.
    let nested = "SELECT (SELECT max(twice) FROM doubled) AS most";
    let (plan, most) = run(&[CALLS, doubled], nested).await;
    assert!(!plan.contains("SharedExec"), "{plan}");
    assert!(most.contains("| 8    |"), "{most}");
}

#[tokio::test]
async fn an_explained_statement_shows_what_is_shared_once() {
    const READ: &str = "SELECT * FROM twice JOIN twice AS other USING (tokens)";
    let twice = (
        "twice",
        "SELECT a.tokens FROM calls AS a JOIN calls AS b USING (model)",
    );
    let (_, plan) = run(&[CALLS, twice], &format!("EXPLAIN {READ}")).await;
    assert_eq!(plan.matches("SharedExec: twice").count(), 2, "{plan}");
    assert_eq!(plan.matches("SharedExec: calls").count(), 2, "{plan}");
    let at = |text: &str| {
        plan.find(text)
            .unwrap_or_else(|| panic!("{text} in {plan}"))
    };
    let [own, twice, calls] = ["SharedExec: twice", "| twice ", "| calls "].map(at);
    assert!(own < twice && twice < calls, "{plan}");
    assert!(plan[calls..].contains("DataSourceExec"), "{plan}");
}

#[tokio::test]
async fn a_reader_takes_columns_by_the_names_it_has_for_them() {
    let renamed = "SELECT a.tokens AS first, a.tokens AS again, b.model AS of
        FROM calls AS a CROSS JOIN (SELECT model FROM calls WHERE tokens = 1) AS b
        ORDER BY first";
    let (plan, rows) = run(&[CALLS], renamed).await;
    assert_eq!(plan.matches("SharedExec: calls").count(), 2, "{plan}");
    assert!(rows.contains("| 4     | 4     | a  |"), "{rows}");

    let under_others = "SELECT tokens AS first, model AS of FROM calls
        UNION ALL SELECT 10 * tokens, model FROM calls";
    let (plan, rows) = run(&[CALLS], under_others).await;
    assert_eq!(plan.matches("SharedExec: calls").count(), 2, "{plan}");
    assert_eq!(plan.matches("ProjectionExec").count(), 1, "{plan}");
    for row in ["| 4     | b  |", "| 10    | a  |"] {
        assert!(rows.contains(row), "{rows}");
    }
}

#[tokio::test]
async fn what_no_reader_asks_for_may_be_needed_all_the_same() {
    let firsts = (
        "firsts",
        "SELECT DISTINCT ON (model) model, tokens, tokens * 2 AS twice
         FROM (SELECT model, tokens FROM calls) ORDER BY model, tokens DESC",
    );
    let (_, rows) = run(&[CALLS, firsts], "SELECT twice FROM firsts ORDER BY twice").await;
    assert_eq!(rows.lines().nth(4), Some("| 8     |"), "{rows}");

    let around = [
        "CROSS JOIN LATERAL (SELECT max(tokens) AS most FROM calls AS of WHERE of.model = calls.model) AS x",
        "LEFT JOIN LATERAL (SELECT max(tokens) AS most FROM calls AS of WHERE of.model = calls.model) AS x ON true",
    ];
    for lateral in around {
        let each = format!("SELECT tokens, calls.model, most FROM calls {lateral}");
        let relations = [CALLS, ("each", &each)];
        let (_, rows) = run(&relations, "SELECT tokens, most FROM each ORDER BY tokens").await;
        assert_eq!(rows.lines().nth(4), Some("| 2      | 4    |"), "{rows}");
    }

    let nested = (
        "nested",
        "SELECT tokens, (SELECT max(tokens) FROM calls AS of WHERE of.model = calls.model) AS most, model
         FROM calls WHERE EXISTS (SELECT 1 FROM calls AS of WHERE of.model = calls.model)",
    );
    let (_, rows) = run(&[CALLS, nested], "SELECT most FROM nested ORDER BY most").await;
    assert_eq!(rows.lines().nth(4), Some("| 4    |"), "{rows}");
}

#[tokio::test]
async fn one_pass_is_enough_for_subqueries_within_subqueries() {
    let picked = (
        "picked",
        "SELECT model, sum(tokens) AS tokens FROM calls
         WHERE tokens IN (
             SELECT b.tokens FROM calls AS b WHERE b.model = calls.model AND NOT EXISTS (
                 SELECT 1 FROM calls AS c WHERE c.model <> b.model AND c.tokens > (
                     SELECT max(d.tokens) FROM calls AS d WHERE d.model = c.model AND d.tokens < 4
                 )
             )
         )
         GROUP BY model",
    );
    let twice = "SELECT a.model, b.tokens FROM picked AS a JOIN picked AS b USING (model)";
    let (plan, rows) = run(&[CALLS, picked], twice).await;
    assert_eq!(plan.matches("SharedExec: picked").count(), 2, "{plan}");
    assert_eq!(rows.lines().nth(3), Some("| b     | 6      |"), "{rows}");
    assert_eq!(rows.lines().count(), 5, "{rows}");
}

/// `met(number)`, and how many it has met.
fn met() -> (ScalarUDF, Arc<AtomicUsize>) {
    let rows = Arc::new(AtomicUsize::new(0));
    let met = Arc::clone(&rows);
    let count = move |given: &[ColumnarValue]| {
        let number = given[0].to_array(1)?;
        met.fetch_add(number.len(), Ordering::Relaxed);
        Ok(ColumnarValue::Array(number))
    };
    let (number, volatile) = (DataType::Int64, Volatility::Volatile);
    let met = create_udf(
        "met",
        vec![number.clone()],
        number,
        volatile,
        Arc::new(count),
    );
    (met, rows)
}

#[tokio::test]
async fn what_was_read_on_the_way_is_left_for_others_and_goes_with_them() {
    let context = session(&[CALLS]).await;
    let (met, rows) = met();
    context.register_udf(met);
    let state = context.state();
    let sql = "SELECT model, met(tokens) AS tokens, count(*) AS calls FROM calls GROUP BY ALL";
    let plan = state.create_logical_plan(sql).await.unwrap();
    let table = SharedTable::new("sums".to_owned(), plan, state.config_options()).unwrap();
    let table = Arc::new(table.for_others());
    context.register_table("sums", table).unwrap();
    let asked = async |sql: &str| {
        let frame = context.sql(sql).await.unwrap();
        let plan = frame.clone().create_physical_plan().await.unwrap();
        let plan = displayable(plan.as_ref()).indent(false).to_string();
        let rows = frame.collect().await.unwrap();
        (plan, pretty_format_batches(&rows).unwrap().to_string())
    };
    let reserved = || context.runtime_env().memory_pool.reserved();

    let (plan, most) = asked("SELECT max(tokens) AS most FROM sums WHERE tokens < 3").await;
    assert_eq!(plan.matches("SharedExec: sums").count(), 1, "{plan}");
    assert!(most.contains("| 2    |"), "{most}");
    assert_eq!(rows.load(Ordering::Relaxed), 3);
    assert!(reserved() > 0);

    let (plan, twice) = asked(
        "SELECT a.model, b.tokens, b.calls FROM sums AS a JOIN sums AS b USING (tokens)
         ORDER BY b.tokens",
    )
    .await;
    assert_eq!(plan.matches("SharedExec: sums").count(), 2, "{plan}");
    assert!(twice.contains("| b     | 4      | 1     |"), "{twice}");
    assert_eq!(rows.load(Ordering::Relaxed), 3);
    assert!(reserved() > 0, "others may come");

    // What a query reads again and again is its own.
    let recursive = "WITH RECURSIVE r AS (
            SELECT 1 AS n UNION ALL SELECT r.n + 1 FROM r JOIN sums ON sums.tokens = r.n WHERE r.n < 4
        ) SELECT max(n) AS most FROM r";
    let (_, most) = asked(recursive).await;
    assert!(most.contains("| 3    |"), "{most}");

    context.deregister_table("sums").unwrap();
    assert_eq!(reserved(), 0);
}

#[tokio::test]
async fn what_has_no_rows_is_not_planned() {
    let none = ("none", "SELECT DISTINCT model FROM calls WHERE 1 = 2");
    let parts = ("parts", "SELECT unnest([model]) AS model FROM none");
    let (plan, rows) = run(
        &[CALLS, none, parts],
        "SELECT c.tokens, n.model IS NULL AS missing FROM calls AS c LEFT JOIN none AS n USING (model)
         UNION ALL
         SELECT c.tokens, true FROM calls AS c JOIN parts USING (model) JOIN none USING (model)
         ORDER BY 1",
    )
    .await;
    assert!(!plan.contains("none") && !plan.contains("Join"), "{plan}");
    assert!(rows.contains("| 4      | true    |"), "{rows}");
    assert_eq!(rows.lines().count(), 7, "{rows}");
}

fn reservation(pool: &Arc<dyn MemoryPool>) -> Arc<MemoryReservation> {
    Arc::new(MemoryConsumer::new("test").register(pool))
}

fn batch(numbers: &ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter([("number", Arc::clone(numbers))]).unwrap()
}

#[test]
fn a_buffer_counts_once_for_as_long_as_anybody_has_it() {
    let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
    let buffers = Buffers::default();
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
    let whole = buffers.hold(batch(&numbers), &reservation(&pool)).unwrap();
    assert_eq!(pool.reserved(), 8_000);
    let slice = buffers.hold(batch(&numbers.slice(10, 5)), &reservation(&pool));
    drop(whole);
    assert_eq!(pool.reserved(), 8_000);
    drop(slice);
    assert_eq!(pool.reserved(), 0);
    let again = buffers.hold(batch(&numbers), &reservation(&pool)).unwrap();
    assert_eq!(pool.reserved(), 8_000);
    drop(again);
    assert_eq!(pool.reserved(), 0);
}

#[test]
fn what_is_not_to_be_had_is_refused_and_nothing_stays_counted() {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(10_000));
    let buffers = Buffers::default();
    let numbers =
        |from: i64| Arc::new(Int64Array::from_iter_values(from..from + 1_000)) as ArrayRef;
    let two = [("a", numbers(0)), ("b", numbers(1))];
    let two = RecordBatch::try_from_iter(two).unwrap();
    let refused = buffers.hold(two, &reservation(&pool)).unwrap_err();
    assert!(
        refused.to_string().contains("Failed to allocate"),
        "{refused}"
    );
    assert_eq!(pool.reserved(), 0);
}

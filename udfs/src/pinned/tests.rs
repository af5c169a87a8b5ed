//! The same answers with the rule and without it, whatever the order of a ledger.

use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use tempfile::TempDir;

use super::rule::Pinned;
use crate::tally::rule::Tally;
use crate::testing::{answers_over, inform, on_two_threads, plan, rows};

async fn session(is_pinned: bool) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .set_u64("datafusion.optimizer.repartition_file_min_size", 0)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true);
    let runtime = Arc::new(RuntimeEnv::default());
    let footers = runtime.cache_manager.get_file_metadata_cache();
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(Tally));
    if is_pinned {
        state = state.with_physical_optimizer_rule(Arc::new(Pinned::new(footers)));
    }
    let mut context = SessionContext::new_with_state(state.build());
    crate::register_all(&mut context).unwrap();
    inform(&mut context).await;
    context
}

/// A call each `minutes`, from 2026-06-20 on; from some row group on in disorder, or without a time.
async fn written(count: u32, minutes: u32, group: u32, disorder: u32, nulls: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("calls.parquet");
    let sql = format!(
        "COPY (
            SELECT
                CASE WHEN v % 5 = 0 THEN 'OpenAI' WHEN v % 7 = 0 THEN 'deepseek' ELSE 'openai' END AS provider,
                CASE WHEN v % 7 = 0 THEN 'chat' WHEN v % 3 = 0 THEN 'gpt-4o-latest' ELSE 'gpt-4o' END AS model,
                CASE WHEN v < {nulls} OR v % 13 <> 0 THEN arrow_cast(
                    1781913600000000
                    + CASE WHEN v < {disorder} THEN v ELSE v * 7919 % {count} END * {minutes} * 60000000,
                    'Timestamp(Microsecond, None)'
                ) END AS called_at,
                v AS tokens
            FROM generate_series(1, {count}) AS t (v)
        ) TO '{}' OPTIONS ('format.max_row_group_size' '{group}')",
        path.display()
    );
    rows(&session(false).await, &sql).await.unwrap();
    folder
}

const SLOTS: &str = "[timestamp '2026-06-20', timestamp '2026-06-21', timestamp '2026-06-24', timestamp '2026-07-10']";

/// What only asks in which slot, month or price a call lies.
fn coarse() -> Vec<String> {
    let period = "called_at >= timestamp '2026-06-20' AND called_at < timestamp '2026-07-20'";
    vec![
        "SELECT DISTINCT model, billing_month(called_at) FROM calls".to_owned(),
        format!("SELECT slot_start(called_at, {SLOTS}), model, count(*), sum(tokens) FROM calls GROUP BY ALL"),
        format!("SELECT billing_month(called_at), count(*), sum(tokens) FROM calls WHERE {period} GROUP BY ALL"),
        "SELECT canonical('model', model, called_at), price_id(provider, model, called_at, tokens, 1), sum(tokens) FROM calls GROUP BY ALL".to_owned(),
        format!(
            "SELECT model, sum(CASE WHEN {period} THEN tokens END), min(call_cost(provider, model, called_at, tokens, 1))
             FROM calls WHERE called_at < timestamp '2026-07-02' GROUP BY ALL"
        ),
        format!("SELECT provider, count(*) FROM calls WHERE called_at >= timestamp '2026-06-23' AND tokens > 5 AND {period} GROUP BY ALL"),
        "SELECT model, billing_month(at), count(*) FROM (
            SELECT model, arrow_cast(called_at, 'Timestamp(Nanosecond, None)') AS at FROM calls WHERE called_at IS NOT NULL
            UNION ALL SELECT provider, arrow_cast(called_at, 'Timestamp(Nanosecond, None)') FROM calls
         ) GROUP BY ALL".to_owned(),
    ]
}

/// What tells instants apart.
const FINE: [&str; 4] = [
    "SELECT model, min(called_at), max(called_at) FROM calls GROUP BY ALL",
    "SELECT called_at, count(*) FROM calls GROUP BY ALL",
    "SELECT date_part('minute', called_at), count(*) FROM calls GROUP BY ALL",
    "SELECT model, count(*) FROM calls WHERE date_part('hour', called_at) < 3 GROUP BY ALL",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_answers_are_the_same(
        count in 1_u32..4_000,
        minutes in 1_u32..90,
        group in 1_u32..400,
        disorder in 1_u32..6_000,
        nulls in 1_u32..6_000,
    ) {
        on_two_threads(async {
            let folder = written(count, minutes, group, disorder, nulls).await;
            let (plain, pinned) = (session(false).await, session(true).await);
            let fine = FINE.map(str::to_owned);
            for sql in coarse().iter().chain(&fine) {
                let expected = answers_over(&plain, &folder, sql).await.unwrap();
                assert_eq!(answers_over(&pinned, &folder, sql).await.unwrap(), expected, "{sql}");
            }
        });
    }
}

/// How many of a scan's rows had their time read, by the engine's count of bytes.
async fn bytes_read(context: &SessionContext, folder: &TempDir, sql: &str) -> usize {
    answers_over(context, folder, sql).await.unwrap();
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    datafusion::physical_plan::collect(Arc::clone(&plan), context.task_ctx())
        .await
        .unwrap();
    let mut open = vec![plan];
    let mut bytes = 0;
    while let Some(plan) = open.pop() {
        let metrics = plan.metrics().unwrap_or_default();
        let read = metrics.sum_by_name("bytes_scanned");
        bytes += read.map_or(0, |read| read.as_usize());
        open.extend(plan.children().into_iter().cloned());
    }
    bytes
}

#[tokio::test]
async fn a_time_that_row_groups_pin_is_not_read() {
    // Half a day a row group: most lie within one slot.
    let folder = written(4_000, 1, 720, 6_000, 6_000).await;
    let (plain, pinned) = (session(false).await, session(true).await);
    let sql = format!("SELECT slot_start(called_at, {SLOTS}), count(*) FROM calls GROUP BY ALL");
    let (all, few) = (
        bytes_read(&plain, &folder, &sql).await,
        bytes_read(&pinned, &folder, &sql).await,
    );
    assert!(few * 4 < all, "{few} of {all} bytes");
    let whole = "SELECT called_at, count(*) FROM calls GROUP BY ALL";
    assert_eq!(
        bytes_read(&pinned, &folder, whole).await,
        bytes_read(&plain, &folder, whole).await
    );
}

#[tokio::test]
async fn a_condition_that_all_calls_meet_is_not_asked() {
    let folder = written(1_000, 60, 100, 6_000, 6_000).await;
    let context = session(true).await;
    let sql = |from| {
        format!(
            "SELECT model, sum(tokens) FROM calls WHERE called_at >= timestamp '{from}' GROUP BY ALL"
        )
    };
    for (from, is_asked) in [("2026-06-19", false), ("2026-06-25 06:30:00", true)] {
        answers_over(&context, &folder, &sql(from)).await.unwrap();
        let plan = plan(&context, &sql(from)).await;
        assert_eq!(plan.contains("predicate="), is_asked, "{plan}");
    }
}

#[tokio::test]
async fn that_a_text_is_there_is_not_asked_where_footers_say_so() {
    let conditions = [
        "customer IS NOT NULL",
        "nullif(customer, '') IS NOT NULL",
        "canonical('customer', nullif(customer, ''), called_at) IS NOT NULL",
        "nullif(customer, 'c1') IS NOT NULL",
        "canonical('sub_account_customer', customer, called_at) IS NOT NULL",
        "customer IS NULL",
    ];
    let with_times = "called_at >= timestamp '2026-06-01' AND";
    for (odd, asked) in [
        ("'c3'", [false, false, false, true, true, true]),
        ("''", [false, true, true, true, true, true]),
        ("NULL", [true; 6]),
    ] {
        let folder = TempDir::new().unwrap();
        let sql = format!(
            "COPY (
                SELECT
                    CASE WHEN v = 250 THEN {odd} ELSE concat('c', v % 3) END AS customer,
                    arrow_cast(1781913600000000 + v * 60000000, 'Timestamp(Microsecond, None)') AS called_at,
                    v AS tokens
                FROM generate_series(1, 300) AS t (v)
            ) TO '{}' OPTIONS ('format.max_row_group_size' '100')",
            folder.path().join("calls.parquet").display()
        );
        let (without, pinned) = (session(false).await, session(true).await);
        rows(&without, &sql).await.unwrap();
        for (condition, is_asked) in conditions.into_iter().zip(asked) {
            for also in ["", with_times] {
                let sql = format!(
                    "SELECT customer, sum(tokens) FROM calls WHERE {also} {condition} GROUP BY ALL"
                );
                let expected = answers_over(&without, &folder, &sql).await.unwrap();
                assert_eq!(
                    answers_over(&pinned, &folder, &sql).await.unwrap(),
                    expected
                );
                let shown = plan(&pinned, &sql).await;
                assert_eq!(shown.contains("predicate="), is_asked, "{odd}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_condition_on_one_file_is_asked_of_all() {
    let folder = TempDir::new().unwrap();
    let context = session(true).await;
    for (name, customer) in [("a", "'c1'"), ("b", "nullif('c1', 'c1')"), ("c", "'c2'")] {
        let path = folder.path().join(format!("{name}.parquet"));
        let sql = format!(
            "COPY (SELECT {customer} AS customer, 1 AS tokens) TO '{}'",
            path.display()
        );
        rows(&context, &sql).await.unwrap();
    }
    let sql = "SELECT customer, count(*) FROM calls WHERE customer IS NOT NULL GROUP BY ALL";
    let mut answers = answers_over(&context, &folder, sql).await.unwrap();
    answers.sort();
    assert_eq!(answers, ["c1|1", "c2|1"]);
}

#[tokio::test]
async fn a_period_is_shared_out_wherever_it_lies() {
    // 40 row groups, of which the first ten are asked for: the first half of the file has them all.
    let folder = written(4_000, 1, 100, 6_000, 6_000).await;
    let context = session(true).await;
    let sql = "SELECT model, count(*) FROM calls WHERE called_at < timestamp '2026-06-20 16:41:00' GROUP BY ALL";
    answers_over(&context, &folder, sql).await.unwrap();
    let frame = context.sql(sql).await.unwrap();
    let mut plan = frame.create_physical_plan().await.unwrap();
    while let [input] = plan.children()[..] {
        plan = Arc::clone(input);
    }
    let scan = plan.downcast_ref::<DataSourceExec>().unwrap();
    let scan = scan.data_source().downcast_ref::<FileScanConfig>().unwrap();
    let groups = scan.file_groups.iter();
    let ranges: Vec<_> = groups
        .map(|group| match group.files() {
            [file] => file.range.clone().unwrap(),
            files => panic!("{files:?}"),
        })
        .collect();
    let size = scan.file_groups[0].files()[0].object_meta.size;
    let bytes = |at: usize| ranges[at].end - ranges[at].start;
    assert_eq!(ranges.len(), 2);
    assert!(
        u64::try_from(ranges[1].end).unwrap() < size / 2,
        "{ranges:?}"
    );
    assert!((bytes(0) - bytes(1)).abs() * 5 < bytes(0), "{ranges:?}");
}

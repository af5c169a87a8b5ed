//! Each row is read once, whoever reads it.

use std::fs::File;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::parquet::data_type::Int64Type;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::file::writer::SerializedFileWriter;
use datafusion::parquet::schema::parser::parse_message_type;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::stream::{StreamExt, TryStreamExt};
use proptest::prelude::*;
use tempfile::TempDir;

use super::rule::Stretch;
use crate::testing::{on_two_threads, rows};

fn session(partitions: usize, helps: bool) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(50)
        .set_u64("datafusion.optimizer.repartition_file_min_size", 0)
        .set_bool(
            "datafusion.execution.enable_file_stream_work_stealing",
            false,
        );
    let runtime = Arc::new(RuntimeEnv::default());
    let footers = runtime.cache_manager.get_file_metadata_cache();
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features();
    if helps {
        state = state.with_physical_optimizer_rule(Arc::new(Stretch::new(footers)));
    }
    SessionContext::new_with_state(state.build())
}

/// Files of numbers from 1 on.
async fn written(counts: &[u32], group: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut first = 1;
    for (file, count) in counts.iter().enumerate() {
        let path = folder.path().join(format!("{file}.parquet"));
        let sql = format!(
            "COPY (SELECT value + 0 * random()::bigint AS v FROM generate_series({first}, {}))
             TO '{}' OPTIONS ('format.max_row_group_size' '{group}')",
            first + count - 1,
            path.display()
        );
        rows(&session(1, false), &sql).await.unwrap();
        first += count;
    }
    folder
}

async fn over(folder: &TempDir, partitions: usize, helps: bool) -> SessionContext {
    let context = session(partitions, helps);
    let sql = format!(
        "CREATE EXTERNAL TABLE numbers STORED AS PARQUET LOCATION '{}/'",
        folder.path().display()
    );
    rows(&context, &sql).await.unwrap();
    context
}

async fn scan(context: &SessionContext) -> Arc<dyn ExecutionPlan> {
    let frame = context.sql("SELECT v FROM numbers").await.unwrap();
    frame.create_physical_plan().await.unwrap()
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_answers_are_the_same(
        counts in prop::collection::vec(1_u32..2_000, 1..5),
        group in 1_u32..700,
        partitions in 1_usize..6,
    ) {
        on_two_threads(async {
            let folder = written(&counts, group).await;
            let helping = over(&folder, partitions, true).await;
            let alone = over(&folder, partitions, false).await;
            for sql in [
                "SELECT count(*), count(DISTINCT v), min(v), max(v), sum(v) FROM numbers",
                "SELECT v % 7, count(*), sum(v) FROM numbers WHERE v > 100 GROUP BY 1 ORDER BY 1",
                "SELECT a.v FROM numbers AS a JOIN numbers AS b ON a.v = 2 * b.v ORDER BY 1 DESC LIMIT 10",
            ] {
                assert_eq!(rows(&helping, sql).await.unwrap(), rows(&alone, sql).await.unwrap(), "{sql}");
            }
        });
    }
}

#[tokio::test]
async fn one_that_is_done_takes_what_others_have_not_begun() {
    let folder = written(&[1_000; 4], 100).await;
    let context = over(&folder, 4, true).await;
    let plan = scan(&context).await;
    assert_eq!(plan.name(), "StretchExec");
    let mut slow = plan.execute(0, context.task_ctx()).unwrap();
    let first = slow.next().await.unwrap().unwrap();
    // Of its ten row groups it has begun five.
    let quick = plan.execute(3, context.task_ctx()).unwrap();
    let quick: Vec<_> = quick.try_collect().await.unwrap();
    assert_eq!(count(&quick), 3_500);
    let rest: Vec<_> = slow.try_collect().await.unwrap();
    assert_eq!(count(&[first]) + count(&rest), 500);
    for partition in [1, 2] {
        let late = plan.execute(partition, context.task_ctx()).unwrap();
        assert_eq!(late.count().await, 0);
    }
    // What was read is not there once more, and nobody takes what is left for all of it.
    let again = plan.execute(1, context.task_ctx()).err().unwrap();
    assert!(again.to_string().contains("read once more"), "{again}");

    // And from the beginning again.
    let plan = plan.reset_state().unwrap();
    let all = datafusion::physical_plan::collect(plan, context.task_ctx());
    assert_eq!(count(&all.await.unwrap()), 4_000);
}

/// Row groups of so many numbers each, written one by one: empty ones, too.
fn row_groups(counts: &[i64]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = File::create(folder.path().join("numbers.parquet")).unwrap();
    let schema = Arc::new(parse_message_type("message m { required int64 v; }").unwrap());
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let mut file = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    for count in counts {
        let mut group = file.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let numbers: Vec<i64> = (0..*count).collect();
        let typed = column.typed::<Int64Type>();
        typed.write_batch(&numbers, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    file.close().unwrap();
    folder
}

#[tokio::test]
async fn rows_beside_empty_row_groups_are_read_once() {
    let folder = row_groups(&[100, 0, 100, 0, 0, 100, 100, 0]);
    for partitions in 1..8 {
        for helps in [false, true] {
            let context = over(&folder, partitions, helps).await;
            let counted = rows(&context, "SELECT count(*) + 0 * sum(v) FROM numbers").await;
            assert_eq!(counted.unwrap(), ["400"], "{partitions} {helps}");
        }
    }
}

#[tokio::test]
async fn whose_order_is_asked_for_is_left_alone() {
    let folder = written(&[1_000, 1_000], 100).await;
    let context = session(2, true);
    let sql = format!(
        "CREATE EXTERNAL TABLE numbers STORED AS PARQUET WITH ORDER (v) LOCATION '{}/'",
        folder.path().display()
    );
    rows(&context, &sql).await.unwrap();
    let plan = crate::testing::plan(&context, "SELECT v FROM numbers ORDER BY v").await;
    assert!(!plan.contains("StretchExec"), "{plan}");
    let limited = crate::testing::plan(&context, "SELECT v FROM numbers LIMIT 5").await;
    assert!(!limited.contains("StretchExec"), "{limited}");
}

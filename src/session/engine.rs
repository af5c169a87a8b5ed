//! The engine as every session has it: its settings, memory, rules and functions.

use crate::cluster::Cluster;
use crate::config::Settings;
use crate::constants;
use crate::error::Result;
use crate::exchange::FewExchanges;
use crate::qualified::Qualified;
use crate::read_once::ReadOnce;
use crate::saved_query::environment::{CATALOG, SCHEMA};
use crate::shared::few_buffers::FewBuffers;
use crate::shared::planner::SharedPlanner;
use crate::twice_named;
use apportion_udfs::encoded::rule::Encoded;
use apportion_udfs::pinned::rule::Pinned;
use apportion_udfs::split::rule::Split;
use apportion_udfs::stretch::rule::Stretch;
use apportion_udfs::tally::rule::Tally;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion_functions_json::udfs as json;
use std::sync::Arc;
use std::time::Duration;

/// So long a prompt goes by the files that it has found at a location.
const LISTED_FOR: Duration = Duration::from_mins(1);

/// The engine of one session; with a cluster, large parts of its statements run there.
pub(super) fn context(settings: &Settings, cluster: Option<&Cluster>) -> Result<SessionContext> {
    let mut config = config(settings);
    if let Some(cluster) = cluster {
        // What one machine learns while it runs, others would have to wait for.
        config = config.set_bool("datafusion.optimizer.enable_dynamic_filter_pushdown", false);
        if settings.threads.is_none() {
            config = config.with_target_partitions(cluster.cores());
        }
    }
    let mut runtime = RuntimeEnvBuilder::new().with_object_list_cache_ttl(Some(LISTED_FOR));
    if let Some(bytes) = settings.memory_limit {
        runtime = runtime.with_memory_pool(Arc::new(GreedyMemoryPool::new(bytes)));
    }
    let runtime = runtime.build_arc()?;
    let footers = runtime.cache_manager.get_file_metadata_cache();
    let mut state = state(config, runtime)?;
    if let Some(cluster) = cluster {
        state = state.with_physical_optimizer_rule(cluster.rule());
    } else {
        split_without_sorting(&mut state);
    }
    let mut state = state
        .with_physical_optimizer_rule(Arc::new(Pinned::new(Arc::clone(&footers))))
        .with_physical_optimizer_rule(Arc::new(Encoded))
        .with_physical_optimizer_rule(Arc::new(FewExchanges))
        .with_physical_optimizer_rule(Arc::new(FewBuffers))
        .with_physical_optimizer_rule(Arc::new(ReadOnce));
    if cluster.is_none() {
        state = state.with_physical_optimizer_rule(Arc::new(Stretch::new(footers)));
    }
    Ok(SessionContext::new_with_state(state.build()))
}

/// What it makes cannot travel.
fn split_without_sorting(state: &mut SessionStateBuilder) {
    let Some(optimizer) = state.physical_optimizers() else {
        return;
    };
    let rules = &mut optimizer.rules;
    let sorted = rules
        .iter()
        .position(|rule| rule.name() == "EnsureRequirements");
    rules.insert(sorted.unwrap_or(0), Arc::new(Split));
}

/// What every engine goes by.
pub(crate) fn config(settings: &Settings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_information_schema(true)
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        // Those who write to disk for one reader may begin a file each, and the reader wait for the end of the first
        // while all others wait for the reader. A file that has its end at once is never waited for.
        .set_u64("datafusion.execution.max_spill_file_size_bytes", 1)
        // Each partition keeps its stretch of the files, and with it times that no other one reads.
        .set_bool(
            "datafusion.execution.enable_file_stream_work_stealing",
            false,
        )
        // What a join has learnt would be asked of each call at the scan, by keys that are worked out
        // there: it costs more than it saves.
        .set_bool(
            "datafusion.optimizer.enable_join_dynamic_filter_pushdown",
            false,
        )
        // Of most customers a condition is true: taken for a fifth of them, they would be put into a join's
        // table on one thread.
        .set_u64("datafusion.optimizer.default_filter_selectivity", 100)
        // Which side of a join has few rows is seen when they are there. A file says how many it has, and what is made
        // of charges does not: the calls of a small ledger would be put into a join's table on one thread.
        .set_u64(
            "datafusion.optimizer.hash_join_single_partition_threshold",
            0,
        )
        .set_u64(
            "datafusion.optimizer.hash_join_single_partition_threshold_rows",
            0,
        )
        // Below a union of inputs the rule makes a column twice, and the plan is refused.
        .set_bool(
            "datafusion.optimizer.enable_leaf_expression_pushdown",
            false,
        );
    if let Some(threads) = settings.threads {
        config = config.with_target_partitions(threads);
    }
    if let Some(rows) = settings.batch_size {
        config = config.with_batch_size(rows);
    }
    config
}

/// The rules and functions of every engine: of sessions, and of a cluster's parts.
pub(crate) fn state(
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
) -> Result<SessionStateBuilder> {
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_analyzer_rule(Arc::new(Qualified))
        .with_optimizer_rules(constants::rules())
        .with_query_planner(Arc::new(SharedPlanner))
        .with_physical_optimizer_rules(twice_named::rules())
        .with_physical_optimizer_rule(Arc::new(Tally))
        .build();
    // The functions alone: their operators would have every statement rewritten once more.
    for function in [
        json::json_as_text_udf(),
        json::json_contains_udf(),
        json::json_get_array_udf(),
        json::json_get_bool_udf(),
        json::json_get_int_udf(),
        json::json_get_json_udf(),
        json::json_get_str_udf(),
        json::json_length_udf(),
        json::json_object_keys_udf(),
    ] {
        state.register_udf(function)?;
    }
    apportion_udfs::register_all(&mut state)?;
    Ok(SessionStateBuilder::new_from_existing(state))
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;
    use crate::session::Session;
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::datasource::MemTable;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_writes_to_disk_for_one_reader_is_not_waited_for() {
        const ROWS: i64 = 400_000;
        let settings = Settings {
            memory_limit: Some(8_000_000),
            threads: Some(2),
            batch_size: Some(50),
            ..Settings::default()
        };
        // Neighbours of one partition are of many groups, and each group is of both.
        let batch = |first: i64| {
            let keys = (first..first + 200).map(|row| row * 7_919 % (ROWS / 2));
            let columns = [(
                "k",
                Arc::new(Int64Array::from_iter_values(keys)) as ArrayRef,
            )];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let partition = |first: i64| (first..first + ROWS / 2).step_by(200).map(batch).collect();
        let partitions: Vec<Vec<_>> = vec![partition(0), partition(ROWS / 2)];
        let table = Arc::new(MemTable::try_new(partitions[0][0].schema(), partitions).unwrap());
        for _ in 0..5 {
            let session = Session::open(&settings).await.unwrap();
            session
                .register_table("numbers", Arc::clone(&table) as _)
                .unwrap();
            let sql =
                "SELECT count(*), sum(c) FROM (SELECT k, count(*) AS c FROM numbers GROUP BY k)";
            let rows = timeout(Duration::from_mins(1), session.collect(sql)).await;
            let rows = rows.expect("it ends").unwrap();
            let counts = rows[0].columns().iter();
            let counts = counts.map(|count| count.as_primitive::<Int64Type>().value(0));
            assert_eq!(counts.collect::<Vec<_>>(), [ROWS / 2, ROWS]);
        }
    }
}

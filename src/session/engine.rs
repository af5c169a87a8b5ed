//! The engine as every session has it: its settings, memory, rules and functions.

use crate::cluster::Cluster;
use crate::config::Settings;
use crate::constants;
use crate::error::Result;
use crate::exchange::FewExchanges;
use crate::qualified::Qualified;
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
        .with_physical_optimizer_rule(Arc::new(FewBuffers));
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

//! The same parts with the rule and without it.

use std::sync::Arc;

use datafusion::execution::memory_pool::UnboundedMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;

use super::rule::Split;
use crate::testing::{Stingy, error, on_two_threads, plan, rows};

fn session(is_split: bool, partitions: usize, batch_size: usize) -> SessionContext {
    sparing(is_split, partitions, batch_size, usize::MAX)
}

fn sparing(is_split: bool, partitions: usize, batch_size: usize, bytes: usize) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(batch_size)
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let mut rules = PhysicalOptimizer::new().rules;
    if is_split {
        let sorted = rules
            .iter()
            .position(|rule| rule.name() == "EnsureRequirements");
        rules.insert(sorted.unwrap(), Arc::new(Split));
    }
    let memory = Arc::new(Stingy {
        pool: UnboundedMemoryPool::default(),
        to: "SplitExec",
        most: bytes,
    });
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(memory);
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_runtime_env(runtime.build_arc().unwrap())
        .with_physical_optimizer_rules(rules);
    let mut context = SessionContext::new_with_state(state.build());
    crate::register_all(&mut context).unwrap();
    context
}

/// Rows of some charges; equal weights abound, so that ties decide.
fn covered(count: u32, charges: u32, customers: u32) -> String {
    format!(
        "(SELECT
            v % {charges} AS charge,
            CASE WHEN v % {charges} % 3 <> 0 THEN concat('provider ', v % {charges} % 4) END AS provider,
            100.01 + v % {charges} AS amount,
            CASE WHEN v * 7 % {customers} <> 1 THEN concat('customer ', v * 7 % {customers}) END AS customer,
            CASE WHEN v % 2 = 0 THEN 'chat' END AS feature,
            arrow_cast(v, 'Timestamp(Microsecond, None)') AS at,
            CASE WHEN v % 5 = 0 THEN 0.5 - v % 3 ELSE 1 + v % 4 END AS weight,
            NULL::varchar AS nothing
         FROM generate_series(1, {count}) AS t (v)
         UNION ALL
         -- Who can bear it, whatever the others weigh.
         SELECT v, CASE WHEN v % 3 <> 0 THEN concat('provider ', v % 4) END, 100.01 + v, '~', NULL,
            arrow_cast(-1, 'Timestamp(Microsecond, None)'), 5000.0, NULL
         FROM generate_series(0, {charges} - 1) AS t (v))"
    )
}

const WINDOWS: [&str; 4] = [
    "PARTITION BY charge ORDER BY customer, feature, at",
    "PARTITION BY charge, provider ORDER BY nothing, feature DESC, customer DESC NULLS LAST, at",
    "PARTITION BY provider, amount::varchar ORDER BY charge, at DESC",
    "PARTITION BY charge ORDER BY at",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_parts_are_the_same(
        count in 1_u32..2_000,
        charges in 1_u32..40,
        customers in 2_u32..300,
        partitions in 1_usize..4,
        batch_size in 1_usize..3_000,
        bytes in 0_usize..200_000,
    ) {
        on_two_threads(async {
            let plain = session(false, partitions, batch_size);
            let split = session(true, partitions, batch_size);
            let spared = sparing(true, partitions, batch_size, bytes);
            for window in WINDOWS {
                let sql = format!(
                    "SELECT charge, provider, customer, feature, at, apportion_down(amount, weight) OVER ({window}) AS part
                     FROM {} ORDER BY charge, provider, customer, feature, at",
                    covered(count, charges, customers)
                );
                let expected = rows(&plain, &sql).await.unwrap();
                assert_eq!(rows(&split, &sql).await.unwrap(), expected, "{window}");
                assert_eq!(rows(&spared, &sql).await.unwrap(), expected, "{window}");
                assert_eq!(spared.runtime_env().memory_pool.reserved(), 0, "{window}");
            }
        });
    }
}

#[tokio::test]
async fn nothing_is_sorted() {
    let context = session(true, 2, 8192);
    for window in WINDOWS {
        let sql = format!(
            "SELECT apportion_down(amount, weight) OVER ({window}) FROM {}",
            covered(100, 5, 10)
        );
        let plan = plan(&context, &sql).await;
        assert!(
            plan.contains("SplitExec") && !plan.contains("SortExec"),
            "{plan}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_numbered_is_left_to_the_window() {
    let context = session(true, 2, 8192);
    for window in [
        "PARTITION BY charge ORDER BY weight, at",
        "PARTITION BY charge, provider, customer, feature ORDER BY at",
    ] {
        let sql = format!(
            "SELECT sum(part) FROM (SELECT apportion_down(amount, weight) OVER ({window}) AS part FROM {})",
            covered(100, 5, 10)
        );
        let plan = plan(&context, &sql).await;
        assert!(plan.contains("WindowAggExec"), "{plan}");
    }
}

#[tokio::test]
async fn what_has_no_one_answer_is_refused_in_the_same_words() {
    const ROWS: &str =
        "(VALUES ('x', 'a', 1, 2), ('x', 'b', 3, 2), ('x', NULL, 2, 2)) t (charge, key, a, b)";
    for call in [
        "apportion_down(a, b) OVER (PARTITION BY charge ORDER BY key)",
        "apportion_down(b, a) OVER (PARTITION BY charge ORDER BY charge)",
        "apportion_down(b, nullif(a, 2)) OVER (PARTITION BY charge ORDER BY key)",
        "apportion_down(b, a - a) OVER (ORDER BY key)",
        "apportion_down(nullif(b, 2), a) OVER (ORDER BY key DESC)",
    ] {
        let sql = format!("SELECT {call} FROM {ROWS}");
        let expected = error(&session(false, 1, 8192), &sql).await;
        assert!(expected.contains("apportion: "), "{expected}");
        assert_eq!(
            error(&session(true, 1, 8192), &sql).await,
            expected,
            "{call}"
        );
    }
}

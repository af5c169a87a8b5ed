//! The same answers with the rule and without it.

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;
use tempfile::TempDir;

use super::rule::Encoded;
use crate::tally::rule::Tally;
use crate::testing::{answers_over, inform, on_two_threads, plan, rows};

async fn session(is_encoded: bool, batch_size: usize) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .with_batch_size(batch_size)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(Tally));
    if is_encoded {
        state = state.with_physical_optimizer_rule(Arc::new(Encoded));
    }
    let mut context = SessionContext::new_with_state(state.build());
    crate::register_all(&mut context).unwrap();
    inform(&mut context).await;
    context
}

/// Names most of which repeat, some of which are NULL, empty, or an alias.
fn ledger(count: u32, spread: u32) -> String {
    format!(
        "SELECT
            CASE WHEN v % 11 <> 0 THEN concat('a customer with a long name ', v * 7 % {spread}) END AS customer,
            CASE WHEN v % 5 = 0 THEN 'OpenAI' WHEN v % 17 = 0 THEN '' ELSE 'openai' END AS provider,
            CASE v % 4 WHEN 0 THEN 'gpt-4o' WHEN 1 THEN 'gpt-4o-latest' WHEN 2 THEN 'gpt-x' ELSE '12' END AS model,
            CASE WHEN v % 3 = 0 THEN 'batch' WHEN v % 7 = 0 THEN 'default' END AS tier,
            concat('request ', v) AS request,
            NULL::varchar AS nothing,
            arrow_cast(1781913600000000 + v * 3600000000, 'Timestamp(Microsecond, None)') AS called_at,
            v * 400 AS tokens
        FROM generate_series(1, {count}) AS t (v)"
    )
}

/// Files of one relation, as different writers leave them.
async fn written(count: u32, spread: u32, pages: [bool; 2]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let context = session(false, 8192).await;
    for (file, has_dictionaries) in pages.into_iter().enumerate() {
        let path = folder.path().join(format!("{file}.parquet"));
        let sql = format!(
            "COPY ({}) TO '{}' OPTIONS (
                'format.dictionary_enabled' '{has_dictionaries}',
                'format.max_row_group_size' '700'
            )",
            ledger(count, spread),
            path.display()
        );
        rows(&context, &sql).await.unwrap();
    }
    folder
}

const QUERIES: [&str; 13] = [
    "SELECT DISTINCT customer, tier FROM calls",
    "SELECT customer, model, count(*), sum(tokens) FROM calls GROUP BY ALL",
    "SELECT nullif(provider, ''), coalesce(tier, 'standard'), count(*) FROM calls GROUP BY ALL",
    "SELECT CASE tier WHEN 'default' THEN 'standard' ELSE tier END, nothing, count(*) FROM calls GROUP BY ALL",
    "SELECT canonical('provider', provider, called_at), canonical('model', model, called_at), count(*) FROM calls GROUP BY ALL",
    "SELECT canonical('provider', provider), price_id(canonical('provider', provider), model, called_at, tokens, 1, 0, 0, 0, 0, tier), sum(tokens) FROM calls GROUP BY ALL",
    "SELECT price_id(provider, model, called_at, tokens - 1000, 1), slot_start(called_at, [timestamp '2026-06-25', timestamp '2026-07-01']), count(*) FROM calls GROUP BY ALL",
    "SELECT model, min(tier), max(customer), count(provider) FROM calls WHERE model <> 'gpt-x' AND tokens > 2000 GROUP BY ALL",
    "SELECT concat(provider, model) AS both, length(customer), count(*) FROM calls GROUP BY ALL",
    "SELECT provider = 'openai' AND model = 'gpt-4o' AS is_it, tier IS NULL AS is_plain, count(*) FROM calls GROUP BY ALL",
    "SELECT request, customer, sum(tokens) FROM calls GROUP BY ALL",
    "SELECT provider, sum(CASE WHEN model = 'gpt-4o' THEN tokens ELSE length(model) END) FROM calls GROUP BY ALL",
    "SELECT name, count(*) FROM (SELECT model AS name FROM calls UNION ALL SELECT provider FROM calls) GROUP BY ALL",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_answers_are_the_same(
        count in 1_u32..3_000,
        spread in 1_u32..2_000,
        batch_size in 1_usize..2_000,
        pages in any::<[bool; 2]>(),
    ) {
        on_two_threads(async {
            let folder = written(count, spread, pages).await;
            let (plain, encoded) = (session(false, batch_size).await, session(true, batch_size).await);
            for sql in QUERIES {
                let expected = answers_over(&plain, &folder, sql).await.unwrap();
                assert_eq!(answers_over(&encoded, &folder, sql).await.unwrap(), expected, "{sql}");
            }
        });
    }
}

#[tokio::test]
async fn names_are_read_as_dictionaries() {
    let folder = written(100, 10, [true, true]).await;
    let context = session(true, 8192).await;
    for sql in QUERIES {
        answers_over(&context, &folder, sql).await.unwrap();
        let plan = plan(&context, sql).await;
        assert!(plan.contains("each value of"), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn what_is_filtered_by_is_read_plainly() {
    // Row groups are left out by the beginning of a text, and not by that of a dictionary's.
    let folder = written(2_000, 10, [true, true]).await;
    let context = session(true, 8192).await;
    let sql = "SELECT model, tier, count(*) FROM calls WHERE model LIKE 'z%' GROUP BY ALL";
    assert!(
        answers_over(&context, &folder, sql)
            .await
            .unwrap()
            .is_empty()
    );
    let plan = plan(&context, sql).await;
    assert!(
        plan.contains("each value of tier") && !plan.contains("each value of model"),
        "{plan}"
    );
}

#[tokio::test]
async fn only_values_that_rows_have_can_fail() {
    let folder = written(1_000, 10, [true, false]).await;
    let number = "SELECT model::bigint AS number, count(*) FROM calls WHERE {} GROUP BY ALL";
    for is_encoded in [false, true] {
        let context = session(is_encoded, 100).await;
        let few = answers_over(
            &context,
            &folder,
            &number.replace("{}", "tokens % 1600 = 1200"),
        )
        .await;
        assert_eq!(few.unwrap(), ["12|500"]);
        let all = answers_over(&context, &folder, &number.replace("{}", "tokens > 0")).await;
        let error = all.unwrap_err().to_string();
        assert!(error.contains("Cannot cast string"), "{error}");
    }
}

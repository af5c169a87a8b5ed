//! The same answers with the rule and without it.

use std::fmt::Write;
use std::sync::Arc;

use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;

use super::rule::Tally;
use crate::register_all;
use crate::testing::{Stingy, on_two_threads, plan, rows};

#[derive(Debug, Clone, Copy)]
enum Memory {
    Ample,
    None,
}

/// A session with the rule or without it, and with memory for its groups or not.
fn session(tallies: bool, partitions: usize, batch_size: usize, memory: Memory) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(batch_size);
    let pool = GreedyMemoryPool::new(1 << 30);
    let pool: Arc<dyn MemoryPool> = match memory {
        Memory::Ample => Arc::new(pool),
        Memory::None => Arc::new(Stingy {
            pool,
            to: "TallyExec",
            most: 0,
        }),
    };
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime.build_arc().unwrap())
        .with_default_features();
    if tallies {
        state = state.with_physical_optimizer_rule(Arc::new(Tally));
    }
    let mut state = state.build();
    register_all(&mut state).unwrap();
    SessionContext::new_with_state(state)
}

async fn answers(context: &SessionContext, sql: &str) -> Vec<String> {
    let mut answers = rows(context, sql).await.unwrap();
    answers.sort();
    answers
}

/// Keys of every type, most of them few, some NULL, and texts that a view does not hold.
fn ledger(rows: u32, spread: u32) -> String {
    let mut sql = String::new();
    let _ = write!(
        sql,
        "(SELECT
            CASE WHEN v % 11 <> 0 THEN concat('a customer with a long name ', v * 7 % {spread}) END AS customer,
            arrow_cast(nullif(concat('m', v % 5), 'm4'), 'Dictionary(Int32, Utf8)') AS model,
            arrow_cast(concat('k', v / 300), 'Dictionary(Int32, Utf8)') AS kind,
            arrow_cast(concat('a provider of some length ', v % 3), 'LargeUtf8') AS provider,
            arrow_cast(v % {spread}, 'Int32') AS price,
            CASE WHEN v % 7 <> 0 THEN v % 2 = 0 END AS flag,
            arrow_cast(v / 100 * 86400000000, 'Timestamp(Microsecond, None)') AS day,
            NULL::bigint AS nothing,
            CASE WHEN v % 13 <> 0 THEN v - 50 END AS tokens,
            arrow_cast(v, 'Decimal128(38, 12)') AS cost
        FROM generate_series(1, {rows}) AS t (v))"
    );
    sql
}

const KEYS: [&str; 7] = [
    "customer", "model", "kind", "provider", "price", "flag", "day",
];
const SUMS: &str = "count(*), count(tokens), sum(tokens), sum(nothing), sum(cost), min(tokens), max(day), avg(tokens)";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_answers_are_those_of_the_engine(
        rows in 0_u32..3_000,
        spread in 1_u32..2_000,
        keys in proptest::sample::subsequence(KEYS.to_vec(), 1..=7),
        batch_size in 1_usize..600,
        partitions in 1_usize..4,
        memory in prop_oneof![Just(Memory::Ample), Just(Memory::None)],
    ) {
        on_two_threads(async {
            let keys = keys.join(", ");
            let sql = format!("SELECT {keys}, {SUMS} FROM {} GROUP BY {keys}", ledger(rows, spread));
            let tallied = session(true, partitions, batch_size, memory);
            assert!(plan(&tallied, &sql).await.contains("TallyExec"), "{sql}");
            let expected = answers(&session(false, partitions, batch_size, Memory::Ample), &sql).await;
            assert_eq!(answers(&tallied, &sql).await, expected, "{sql}");
        });
    }
}

#[tokio::test]
async fn a_dictionary_may_tell_the_groups_by_itself() {
    let keys = [
        "model",
        "model, nothing",
        "nothing, kind, flag",
        "model, kind",
        "kind, nothing, model",
        "model, price",
        "kind, model, price, nothing",
    ];
    // A batch may have fewer rows than its dictionary values, and a kind of its own.
    for batch_size in [2, 300, 8192] {
        let tallied = session(true, 2, batch_size, Memory::Ample);
        let plain = session(false, 2, batch_size, Memory::Ample);
        for keys in keys {
            let sql = format!(
                "SELECT {keys}, {SUMS} FROM {} GROUP BY {keys}",
                ledger(2_000, 7)
            );
            assert!(plan(&tallied, &sql).await.contains("TallyExec"), "{sql}");
            let expected = answers(&plain, &sql).await;
            assert_eq!(answers(&tallied, &sql).await, expected, "{sql}");
        }
    }
}

#[tokio::test]
async fn rows_of_more_keys_than_a_word_holds_are_handed_on_as_they_are() {
    // 128 bits hold but a few rows of forty keys of many values each; none of seventeen dictionaries of a
    // hundred, wherever the few rows of a batch are; and none of sixty keys, of few values as they may be.
    let number = |key: usize| format!("v * {} % 997", key + 3);
    let text = |key: usize| {
        format!("arrow_cast(concat('t', (v + {key}) % 100), 'Dictionary(Int32, Utf8)')")
    };
    let flag = |key: usize| format!("v % {} = 0", key + 2);
    let value: [(usize, &dyn Fn(usize) -> String); 3] = [(40, &number), (17, &text), (60, &flag)];
    for (count, value) in value {
        let keys: Vec<_> = (0..count).map(|key| format!("k{key}")).collect();
        let columns: Vec<_> = (0..count)
            .map(|key| format!("{} AS k{key}", value(key)))
            .collect();
        let (keys, columns) = (keys.join(", "), columns.join(", "));
        let sql = format!(
            "SELECT {keys}, count(*), sum(v) FROM (SELECT {columns}, v FROM generate_series(1, 3000) AS t (v)) GROUP BY {keys}"
        );
        let tallied = session(true, 3, 512, Memory::Ample);
        assert!(plan(&tallied, &sql).await.contains("TallyExec"));
        let expected = answers(&session(false, 3, 512, Memory::Ample), &sql).await;
        assert!(expected.len() >= 100, "{count}");
        assert_eq!(answers(&tallied, &sql).await, expected, "{count}");
    }
}

#[tokio::test]
async fn what_it_cannot_number_is_the_engines() {
    let tallied = session(true, 3, 512, Memory::Ample);
    for sql in [
        "SELECT cost, count(*) FROM {} GROUP BY cost",
        "SELECT model, count(DISTINCT price) FROM {} GROUP BY model",
        "SELECT model, count(*) FILTER (WHERE flag) FROM {} GROUP BY model",
        "SELECT model, price, count(*) FROM {} GROUP BY CUBE (model, price)",
        "SELECT model, array_agg(price ORDER BY price) FROM {} GROUP BY model",
        "SELECT count(*) FROM {}",
    ] {
        let sql = sql.replace("{}", &ledger(500, 20));
        let expected = answers(&session(false, 3, 512, Memory::Ample), &sql).await;
        assert_eq!(answers(&tallied, &sql).await, expected, "{sql}");
    }
    let decimal = format!(
        "SELECT cost, count(*) FROM {} GROUP BY cost",
        ledger(500, 20)
    );
    assert!(!plan(&tallied, &decimal).await.contains("TallyExec"));
}

#[tokio::test]
async fn an_overflow_is_an_error_here_too() {
    let sql =
        "SELECT k, sum(n) FROM (VALUES ('a', 9223372036854775807), ('a', 1)) t (k, n) GROUP BY k";
    let error = rows(&session(true, 3, 512, Memory::Ample), sql)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("verflow"), "{error}");
}

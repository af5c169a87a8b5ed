//! Usage patterns and cost drivers on random worlds: against the slow reference, and what must hold
//! whatever the world is.

use crate::differential::{seeds, session, texts};
use crate::support::reference::model::{Call, World};
use crate::support::reference::patterns::{self, FIGURES, PATTERNS, SCENARIOS};
use crate::support::{random, tables};
use apportion::session::Session;
use std::collections::BTreeSet;

const WORLDS: u64 = 40;
const PERIOD: &str = "2026-03..2026-06";

pub(crate) fn world(seed: u64) -> World {
    let worlds = (0..WORLDS).map(|n| random::world(seed * 10_000 + n, &format!("w{n:04}")));
    random::merge(worlds.collect())
}

pub(crate) async fn open(world: &World) -> Session {
    let session = session(2, 512).await;
    tables::register(&session, world);
    session
}

/// The rows of a statement in their own order, each a text with `·` for NULL.
pub(crate) async fn rows(session: &Session, sql: &str) -> BTreeSet<String> {
    let batches = session.collect(sql).await;
    let batches = batches.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let mut rows = BTreeSet::new();
    for batch in &batches {
        let schema = batch.schema();
        let names = schema
            .fields()
            .iter()
            .map(|field| texts(batch, field.name()));
        let columns: Vec<_> = names.collect();
        for at in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column[at].as_deref());
            let cells: Vec<_> = cells.map(|cell| cell.unwrap_or("·")).collect();
            assert!(
                rows.insert(cells.join(" | ")),
                "{cells:?} stands there twice"
            );
        }
    }
    rows
}

fn assert_same(expected: &BTreeSet<String>, found: &BTreeSet<String>, of: &str) {
    let missing: Vec<_> = expected.difference(found).take(10).collect();
    let invented: Vec<_> = found.difference(expected).take(10).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "{of}, of {} rows\nmissing {missing:#?}\ninvented {invented:#?}",
        expected.len()
    );
    assert!(!expected.is_empty(), "{of} asks for nothing");
}

/// A whole number of units as a decimal.
fn decimal(units: Option<i128>, scale: usize) -> String {
    let Some(units) = units else {
        return "·".to_owned();
    };
    let digits = format!("{:0>width$}", units.abs(), width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    format!("{sign}{whole}.{decimals}")
}

#[tokio::test]
async fn figures_findings_and_scenarios_agree_with_the_reference() {
    let periods: Vec<_> = random::MONTHS.map(str::to_owned).to_vec();
    for seed in seeds().take(4) {
        let world = world(seed);
        let session = open(&world).await;
        let (mut figures, mut findings) = (BTreeSet::new(), BTreeSet::new());
        let mut scenarios = BTreeSet::new();
        let min_customers = 1 + usize::try_from(seed).unwrap() % 7;
        for ((period, customer), used) in patterns::uses(&world, &periods, min_customers) {
            let row = |cells: &[&str]| format!("{period} | {customer} | {}", cells.join(" | "));
            for (name, figure) in FIGURES.iter().zip(&used.figures) {
                figures.insert(row(&[
                    name,
                    &decimal(figure.own, 18),
                    &decimal(figure.median, 19),
                    &decimal(figure.ratio, 12),
                    figure.population.unwrap_or("·"),
                    &figure
                        .peers
                        .map_or("·".to_owned(), |peers| peers.to_string()),
                ]));
            }
            for (pattern, finding) in PATTERNS.iter().zip(patterns::findings(&used)) {
                findings.insert(row(&[pattern, finding]));
            }
            let costs = patterns::scenario_costs(&world, &used);
            for ((scenario, _), cost) in SCENARIOS.iter().zip(costs.into_iter().flatten()) {
                scenarios.insert(row(&[scenario, &decimal(cost, 12)]));
            }
        }
        let arguments = format!("period => '{PERIOD}', min_customers => {min_customers}");
        let sql = format!(
            "SELECT period, customer_id, figure, own, median, ratio, population, peers
             FROM usage_figures({arguments})"
        );
        assert_same(
            &figures,
            &rows(&session, &sql).await,
            &format!("seed {seed}, figures"),
        );
        let sql = format!(
            "SELECT DISTINCT period, customer_id, pattern, finding FROM usage_patterns({arguments})"
        );
        assert_same(
            &findings,
            &rows(&session, &sql).await,
            &format!("seed {seed}, findings"),
        );
        let sql = format!("SELECT * FROM scenario_list_costs({arguments})");
        assert_same(
            &scenarios,
            &rows(&session, &sql).await,
            &format!("seed {seed}, scenarios"),
        );
    }
}

#[tokio::test]
async fn drivers_sum_to_what_is_above_the_median_and_reports_to_the_allocation() {
    let session = open(&world(11)).await;
    for sql in [
        "SELECT customer_id, currency FROM cost_drivers(period => '2026-03..2026-06')
         WHERE sessions + context + cache + reasoning + remainder <> above_median
             OR above_median <> cost - median_cost",
        "SELECT period, currency, sum(cost) FROM (
             SELECT period, currency, cost FROM allocation(period => '2026-03..2026-06')
             UNION ALL
             SELECT period, currency, 0 - cost FROM cost_by_feature(period => '2026-03..2026-06')
         ) GROUP BY period, currency HAVING sum(cost) <> 0",
        "SELECT period, currency, sum(cost) FROM (
             SELECT period, currency, cost FROM allocation(period => '2026-03..2026-06')
             UNION ALL
             SELECT period, currency, 0 - cost FROM cost_by_model(period => '2026-03..2026-06')
         ) GROUP BY period, currency HAVING sum(cost) <> 0",
        "SELECT period, customer_id, currency, sum(cost) FROM (
             SELECT period, customer_id, currency, cost FROM allocation(period => '2026-03..2026-06')
             UNION ALL
             SELECT period, customer_id, currency, 0 - cost FROM cost_by_session(period => '2026-03..2026-06')
         ) GROUP BY period, customer_id, currency HAVING sum(cost) <> 0",
    ] {
        assert_eq!(rows(&session, sql).await, BTreeSet::new(), "{sql}");
    }
    let drivers =
        "SELECT count(*) > 0 FROM cost_drivers(period => '2026-03..2026-06') WHERE sessions <> 0";
    assert_eq!(
        rows(&session, drivers).await,
        BTreeSet::from(["true".to_owned()])
    );
}

const FINDINGS: &str = "SELECT period, customer_id, pattern, finding, own, ratio, saving, currency
    FROM usage_patterns(period => '2026-03..2026-06')";

#[tokio::test]
async fn the_order_of_rows_changes_nothing() {
    let mut world = world(12);
    let before = rows(&open(&world).await, FINDINGS).await;
    world.calls.reverse();
    world.customers.reverse();
    world.charges.reverse();
    assert_same(
        &before,
        &rows(&open(&world).await, FINDINGS).await,
        "reversed",
    );
}

fn tripled(call: &Call) -> Call {
    let triple = |tokens: Option<i64>| tokens.map(|tokens| tokens * 3);
    Call {
        input_tokens: triple(call.input_tokens),
        cache_read_tokens: triple(call.cache_read_tokens),
        cache_write_tokens: triple(call.cache_write_tokens),
        cache_write_1h_tokens: triple(call.cache_write_1h_tokens),
        output_tokens: triple(call.output_tokens),
        reasoning_tokens: triple(call.reasoning_tokens),
        ..call.clone()
    }
}

/// Where a price is so much a token and no more, three times the tokens cost three times as much, and
/// stand to one another as before.
#[tokio::test]
async fn more_of_everything_costs_more_and_shows_the_same_patterns() {
    let mut world = world(13);
    for price in &mut world.prices {
        price.min_input_tokens = None;
        price.per_request = None;
    }
    for call in &mut world.calls {
        call.list_cost = None;
    }
    let mut thrice = world.clone();
    thrice.calls = world.calls.iter().map(tripled).collect();
    let ratios = "SELECT period, customer_id, pattern, figure, ratio, finding
                  FROM usage_patterns(period => '2026-03..2026-06')";
    let ratios = format!("SELECT DISTINCT * FROM ({ratios})");
    let costs = |times: i128| {
        format!(
            "SELECT period, customer_id, list_cost * {times} AS cost
             FROM scenario_list_costs(period => '2026-03..2026-06') WHERE scenario = 'as it is'"
        )
    };
    let (once, thrice) = (open(&world).await, open(&thrice).await);
    assert_same(
        &rows(&once, &ratios).await,
        &rows(&thrice, &ratios).await,
        "ratios",
    );
    assert_same(
        &rows(&once, &costs(3)).await,
        &rows(&thrice, &costs(1)).await,
        "costs",
    );
}

/// Customers who do all the same are all at the median.
#[tokio::test]
async fn a_customer_at_the_median_shows_no_pattern() {
    let mut world = world(14);
    let calls = world.calls.iter().filter(|call| call.customer_id.is_some());
    let alike = |call: &Call| {
        ["x", "y", "z"].map(|customer| Call {
            customer_id: Some(customer.to_owned()),
            request_id: None,
            ..call.clone()
        })
    };
    world.calls = calls.flat_map(alike).collect();
    let session = open(&world).await;
    let findings = "SELECT DISTINCT finding FROM usage_patterns(period => '2026-03..2026-06')";
    let expected = BTreeSet::from(["not found".to_owned()]);
    assert_eq!(rows(&session, findings).await, expected);
}

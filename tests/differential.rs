//! The product against the slow reference, on random worlds with every oddity of the rule.
//!
//! Many small worlds, whose names do not touch, make one dataset, so that a plan is made once for
//! all of them. Both sides answer the same question at the full grain; a difference is shown with
//! the rows of the one world that it is in.

use crate::support::reference::allocation;
use crate::support::reference::attribution::{self, Attributed};
use crate::support::reference::model::{Basis, Options, World};
use crate::support::{random, tables};
use apportion::config::Settings;
use apportion::session::Session;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type};
use std::collections::BTreeMap;

type Row = Vec<Option<String>>;

/// The text of a column's values, NULL as `None`.
pub(crate) fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    column
        .as_string::<i32>()
        .iter()
        .map(|value| value.map(str::to_owned))
        .collect()
}

fn amounts(batch: &RecordBatch, name: &str) -> Vec<Option<i128>> {
    let column = batch.column_by_name(name).unwrap();
    let column = column.as_primitive::<Decimal128Type>();
    (0..column.len())
        .map(|row| column.is_valid(row).then(|| column.value(row)))
        .collect()
}

/// The named arguments that ask the product for `options`.
fn arguments(options: &Options) -> String {
    let first = options.periods.first().unwrap();
    let last = options.periods.last().unwrap();
    let mut arguments = vec![
        format!("period => '{first}..{last}'"),
        format!("salt => '{}'", options.salt),
        format!("estimate => {}", options.estimate),
    ];
    if options.basis == Basis::Effective {
        arguments.push("basis => 'effective'".into());
    }
    if options.idle_spread {
        arguments.push("idle => 'spread'".into());
    }
    if options.missing_leave {
        arguments.push("missing => 'leave'".into());
    }
    if options.monthly_ledger {
        arguments.push("monthly => 'ledger'".into());
    }
    if let Some(currency) = &options.currency {
        arguments.push(format!("currency => '{currency}'"));
    }
    arguments.join(", ")
}

const COLUMNS: [&str; 14] = [
    "provider",
    "period",
    "charge_id",
    "charge_category",
    "customer_id",
    "feature",
    "model",
    "query_type",
    "session_id",
    "request_id",
    "method",
    "measure",
    "reason",
    "currency",
];

/// Adds up by everything that both sides know, and drops what sums to nothing.
fn rolled(rows: impl Iterator<Item = (Row, i128)>) -> BTreeMap<Row, i128> {
    let mut sums = BTreeMap::new();
    for (row, cost) in rows {
        *sums.entry(row).or_insert(0) += cost;
    }
    sums.retain(|_, cost| *cost != 0);
    sums
}

fn expected(world: &World, options: &Options) -> BTreeMap<Row, i128> {
    let own = |text: &str| Some(text.to_owned());
    let row = |row: Attributed| {
        let charge = row.charge_index.map(|index| &world.charges[index]);
        let key = vec![
            Some(row.provider),
            Some(row.period),
            charge
                .and_then(|charge| charge.charge_id.clone())
                .filter(|id| !id.is_empty()),
            row.charge_category,
            row.customer_id,
            row.feature,
            row.model,
            row.query_type,
            row.session_id,
            row.request_id,
            own(row.method),
            row.measure.and_then(own),
            row.reason.and_then(own),
            Some(row.currency),
        ];
        (key, row.cost)
    };
    rolled(attribution::attribute(world, options).into_iter().map(row))
}

async fn found(session: &Session, options: &Options) -> BTreeMap<Row, i128> {
    let sql = format!(
        "SELECT * FROM attributed_costs({}, by => 'feature,model,query_type,session_id,request_id')",
        arguments(options)
    );
    let batches = session
        .collect(&sql)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{error:?}\n{sql}"));
    let mut rows = vec![];
    for batch in &batches {
        let columns: Vec<_> = COLUMNS.iter().map(|name| texts(batch, name)).collect();
        for (at, cost) in amounts(batch, "cost").into_iter().enumerate() {
            rows.push((
                columns.iter().map(|column| column[at].clone()).collect(),
                cost.unwrap(),
            ));
        }
    }
    rolled(rows.into_iter())
}

/// The measures of an allocation row that both sides know.
const MEASURES: [&str; 12] = [
    "cost",
    "tagged_cost",
    "request_cost",
    "usage_cost",
    "estimated_cost",
    "list_cost",
    "unbilled_list_cost",
    "calls",
    "input_tokens",
    "output_tokens",
    "unbilled_calls",
    "unpriced_calls",
];

/// Rows of customers that neither called nor cost anything are the product's own.
fn allocated(rows: impl Iterator<Item = (Row, [i128; 12])>) -> BTreeMap<Row, i128> {
    let mut cells = BTreeMap::new();
    for (key, measures) in rows.filter(|(key, m)| key[1].is_none() || m[0] != 0 || m[7] != 0) {
        for (name, value) in MEASURES.iter().zip(measures) {
            let mut cell = key.clone();
            cell.push(Some((*name).to_owned()));
            cells.insert(cell, value);
        }
    }
    cells
}

fn expected_allocation(world: &World, options: &Options) -> BTreeMap<Row, i128> {
    allocated(
        allocation::allocation(world, options)
            .into_iter()
            .map(|row| {
                let key = vec![Some(row.period), row.customer_id, Some(row.currency)];
                let measures = [
                    row.cost,
                    row.tagged_cost,
                    row.request_cost,
                    row.usage_cost,
                    row.estimated_cost,
                    row.list_cost,
                    row.unbilled_list_cost,
                    row.calls,
                    row.input_tokens,
                    row.output_tokens,
                    row.unbilled_calls,
                    row.unpriced_calls,
                ];
                (key, measures)
            }),
    )
}

async fn found_allocation(session: &Session, options: &Options) -> BTreeMap<Row, i128> {
    let sql = format!("SELECT * FROM allocation({})", arguments(options));
    let batches = session
        .collect(&sql)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let mut rows = vec![];
    for batch in &batches {
        let keys = ["period", "customer_id", "currency"].map(|name| texts(batch, name));
        let measures = MEASURES.map(|name| {
            let column = cast(
                batch.column_by_name(name).unwrap(),
                &DataType::Decimal128(38, 12),
            );
            let column = column.unwrap();
            let scale = if name.ends_with("cost") {
                1
            } else {
                1_000_000_000_000
            };
            let column = column.as_primitive::<Decimal128Type>().clone();
            (0..column.len())
                .map(|row| {
                    if column.is_valid(row) {
                        column.value(row) / scale
                    } else {
                        0
                    }
                })
                .collect::<Vec<_>>()
        });
        for at in 0..batch.num_rows() {
            let key = keys.iter().map(|column| column[at].clone()).collect();
            rows.push((key, std::array::from_fn(|measure| measures[measure][at])));
        }
    }
    allocated(rows.into_iter())
}

fn difference(expected: &BTreeMap<Row, i128>, found: &BTreeMap<Row, i128>) -> Vec<String> {
    let shown = |row: &Row| {
        row.iter()
            .map(|cell| cell.as_deref().unwrap_or("·"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut lines = vec![];
    for (row, cost) in expected {
        if found.get(row) != Some(cost) {
            lines.push(format!(
                "{}: expected {cost}, found {:?}",
                shown(row),
                found.get(row)
            ));
        }
    }
    for (row, cost) in found {
        if !expected.contains_key(row) {
            lines.push(format!("{}: expected nothing, found {cost}", shown(row)));
        }
    }
    lines.sort();
    lines
}

/// Every name of a world starts with `w` and four digits.
fn world_of(line: &str) -> &str {
    let at = line.match_indices('w').map(|(at, _)| at);
    let mut names = at.filter_map(|at| line.get(at..at + 5));
    names
        .find(|name| name[1..].bytes().all(|b| b.is_ascii_digit()))
        .unwrap_or("?")
}

/// The rows of one world, for a reader who looks for the mistake.
fn rows_of(world: &World, name: &str) -> String {
    let mut text = String::new();
    let mut add = |row: String| {
        if row.contains(name) {
            text.push_str("\n\n");
            text.push_str(&row.replace(": None", "").replace("Some", ""));
        }
    };
    world.calls.iter().for_each(|row| add(format!("{row:?}")));
    world.charges.iter().for_each(|row| add(format!("{row:?}")));
    world.prices.iter().for_each(|row| add(format!("{row:?}")));
    world.aliases.iter().for_each(|row| add(format!("{row:?}")));
    text
}

pub(crate) fn session(threads: usize, batch_size: usize) -> impl Future<Output = Session> {
    let settings = Settings {
        threads: Some(threads),
        batch_size: Some(batch_size),
        ..Settings::default()
    };
    async move { Session::open(&settings).await.unwrap() }
}

/// Holds both sides against each other on `count` worlds of one seed.
async fn compare(seed: u64, count: u64, threads: usize, batch_size: usize) {
    let options = random::options(seed);
    let worlds: Vec<_> = (0..count)
        .map(|n| random::world(seed * 10_000 + n, &format!("w{n:04}")))
        .collect();
    let merged = random::merge(worlds);
    let session = session(threads, batch_size).await;
    tables::register(&session, &merged);
    let mut expected = expected(&merged, &options);
    let mut found = found(&session, &options).await;
    expected.extend(expected_allocation(&merged, &options));
    found.extend(found_allocation(&session, &options).await);
    assert!(!expected.is_empty(), "seed {seed} asks for nothing");
    let lines = difference(&expected, &found);
    assert!(
        lines.is_empty(),
        "seed {seed}, {options:?}: {} differences of {} rows\n{}",
        lines.len(),
        expected.len(),
        lines
            .iter()
            .take(40)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
            + &lines
                .first()
                .map_or_else(String::new, |line| rows_of(&merged, world_of(line)))
    );
}

#[tokio::test]
async fn attribution_agrees_with_the_reference() {
    for seed in seeds() {
        let (threads, batch_size, worlds) = SHAPES[usize::try_from(seed).unwrap() % SHAPES.len()];
        compare(seed, worlds, threads, batch_size).await;
    }
}

/// What the causes of the variance sum to is what was attributed and listed, in every world. List cost
/// is compared where a provider's prices are in one currency, and it bills in that.
#[tokio::test]
async fn the_causes_of_the_variance_sum_to_it() {
    for seed in seeds().take(3) {
        let worlds = (0..40).map(|n| random::world(seed * 10_000 + n, &format!("w{n:04}")));
        let session = session(2, 8192).await;
        tables::register(&session, &random::merge(worlds.collect()));
        let months = format!("'{}..{}'", random::MONTHS[0], random::MONTHS[3]);
        let asked = format!("period => {months}, salt => '{}'", random::SALT);
        let sql = format!(
            "WITH causes AS (
                 SELECT
                     period, provider, currency, sum(billed_cost) AS billed_cost,
                     sum(list_cost) AS list_cost
                 FROM cost_variance({asked}) GROUP BY period, provider, currency
             ),
             costs AS (
                 SELECT period, provider, currency, sum(cost) AS cost
                 FROM attributed_costs({asked}) GROUP BY period, provider, currency
             ),
             lists AS (
                 SELECT period, provider, min(price_currency) AS currency, sum(list_cost) AS list_cost
                 FROM usage_cells(period => {months})
                 WHERE period BETWEEN '{}' AND '{}' AND list_cost <> 0
                 GROUP BY period, provider HAVING count(DISTINCT price_currency) = 1
             )
             SELECT coalesce(causes.period, costs.period), coalesce(causes.provider, costs.provider)
             FROM causes
             FULL JOIN costs
                 ON causes.period = costs.period
                 AND causes.provider = costs.provider
                 AND causes.currency = costs.currency
             LEFT JOIN lists
                 ON costs.period = lists.period
                 AND costs.provider = lists.provider
                 AND costs.currency = lists.currency
             WHERE
                 coalesce(causes.billed_cost, 0) <> coalesce(costs.cost, 0)
                 OR causes.list_cost <> lists.list_cost",
            random::MONTHS[0],
            random::MONTHS[3],
        );
        let differing = session.collect(&sql).await.unwrap();
        let rows: usize = differing.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 0, "seed {seed}: {differing:?}");
    }
}

/// Partitions, rows a batch, and worlds: the answer depends on neither of the first two, and small
/// batches take long.
const SHAPES: [(usize, usize, u64); 4] = [(2, 8192, 150), (1, 16, 12), (3, 7, 8), (4, 512, 100)];

/// `APPORTION_SEEDS=1..200` looks further than a test run has time for.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    let text = std::env::var("APPORTION_SEEDS").unwrap_or_else(|_| "1..9".to_owned());
    let (first, end) = text.split_once("..").unwrap();
    first.parse().unwrap()..end.parse().unwrap()
}

//! The demo data through the program: what `data/README.md` promises is what the product answers.

use apportion::config::Settings;
use apportion::session::Session;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const OCTOBER: &str = "2026-10";
const MONTHS: [&str; 7] = [
    "2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09", OCTOBER,
];
const ALL_MONTHS: &str = "2026-04..2026-10";
const NULL: &str = "NULL";

type Rows = Vec<Vec<String>>;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// What the program writes to standard output, run where no `apportion.toml` is.
fn program(arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    program_in(folder.path(), arguments)
}

fn program_in(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_apportion"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The demo in a session, and what the range of all its months answers as tables: `accounts` is its
/// allocation, `costs` its attributed costs, `calls` its priced and `unbilled` its unbilled calls, and
/// `variances` the causes of its cost variance.
struct Demo {
    runtime: Runtime,
    session: Session,
}

static DEMO: LazyLock<Demo> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let session = runtime.block_on(async {
        let session = Session::open_demo(&Settings::default()).await.unwrap();
        for (name, function) in [
            ("accounts", "allocation"),
            ("costs", "attributed_costs"),
            ("calls", "priced_calls"),
            ("unbilled", "unbilled_calls"),
            ("variances", "cost_variance"),
        ] {
            let sql = format!("SELECT * FROM {function}(period => '{ALL_MONTHS}')");
            let batches = session.collect(&sql).await.unwrap();
            let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
            session.register_table(name, Arc::new(table)).unwrap();
        }
        session
    });
    Demo { runtime, session }
});

/// The rows of a statement over the demo, as text.
fn rows(sql: &str) -> Rows {
    let batches = DEMO.runtime.block_on(DEMO.session.collect(sql));
    let batches = batches.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let options = FormatOptions::new().with_null(NULL);
    let mut rows = vec![];
    for batch in &batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.value(row).to_string());
            rows.push(cells.collect());
        }
    }
    rows
}

/// Holds a statement's rows against a text, one row a line, values between ` | `.
fn answers(sql: &str, expected: &str) {
    let expected: Rows = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert_eq!(rows(sql), expected, "{sql}");
}

/// An amount of twelve decimals as a number of its last units.
fn units(amount: &str) -> i128 {
    let (whole, decimals) = amount.split_once('.').unwrap();
    assert_eq!(decimals.len(), 12, "{amount}");
    format!("{whole}{decimals}").parse().unwrap()
}

#[test]
fn the_files_are_what_the_program_writes() {
    let folder = TempDir::new().unwrap();
    program_in(folder.path(), &["demo", "written"]);
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let files = entries
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_file());
        let names = files.map(|entry| entry.file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "README.md").collect();
        names.sort();
        names
    };
    let written = folder.path().join("written");
    assert_eq!(names(&written), names(&data()));
    for name in names(&written) {
        let same = fs::read(written.join(&name)).unwrap() == fs::read(data().join(&name)).unwrap();
        assert!(same, "data/{name} is not what `apportion demo` writes");
    }
}

/// The commands of the README's `console` blocks, without the program's name, and what is shown
/// below each.
pub(crate) fn readme_examples() -> Vec<(Vec<String>, String)> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let blocks = readme.split("```console\n").skip(1);
    let texts = blocks.flat_map(|block| block.split("```").next().unwrap().split("$ apportion "));
    let examples = texts.filter(|text| !text.is_empty());
    examples.map(command_and_output).collect()
}

/// A command ends with its line, or with the line on which its quotation ends.
fn command_and_output(example: &str) -> (Vec<String>, String) {
    let (line, below) = example.split_once('\n').unwrap();
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let Some((before, _)) = line.split_once('"') else {
        return (words(line), below.to_owned());
    };
    let (statement, output) = example[before.len() + 1..].split_once("\"\n").unwrap();
    let command = [words(before), vec![statement.to_owned()]].concat();
    (command, output.to_owned())
}

#[test]
fn the_readme_shows_what_the_demo_answers() {
    let examples = readme_examples().into_iter();
    let examples: Vec<_> = examples
        .filter(|(command, _)| command[0] == "--demo")
        .collect();
    assert_eq!(examples.len(), 12);
    for (command, output) in examples {
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        assert_eq!(program(&words), output, "{command:?}");
    }
}

#[test]
fn october_on_the_command_line() {
    let text = program(&[
        "--demo",
        "--format",
        "csv",
        "run",
        "allocation",
        "--period",
        OCTOBER,
    ]);
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (customer, cost) = (column("customer_id"), column("cost"));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 101);
    assert!(lines.iter().all(|line| line.len() == header.len()));

    let total: i128 = lines.iter().map(|line| units(line[cost])).sum();
    assert_eq!(total, units("12000.000000000000"));
    let mut groups = BTreeMap::new();
    for line in lines.iter().filter(|line| !line[customer].is_empty()) {
        *groups.entry(line[cost]).or_insert(0) += 1;
    }
    let expected = [
        ("60.000000000000", 80),
        ("300.000000000000", 15),
        ("540.000000000000", 5),
    ];
    assert_eq!(groups, BTreeMap::from(expected));
    let last = lines.last().unwrap();
    assert_eq!((last[customer], last[cost]), ("", "0.000000000000"));
}

#[test]
fn october_in_sql() {
    answers(
        "SELECT band, count(*), sum(cost) FROM allocation(period => '2026-10')
         GROUP BY band ORDER BY band NULLS LAST",
        "alert  | 20 | 7200.000000000000
         target | 80 | 4800.000000000000
         NULL   |  1 |    0.000000000000",
    );
    answers(
        "SELECT cost, cost_pct_of_mrr, count(*) FROM allocation(period => '2026-10')
         GROUP BY cost, cost_pct_of_mrr ORDER BY cost",
        "  0.000000000000 | NULL       |  1
          60.000000000000 |  12.000000 | 80
         300.000000000000 |  60.000000 | 15
         540.000000000000 | 108.000000 |  5",
    );
}

#[test]
fn october_has_no_flaw() {
    answers(
        "SELECT
             sum(unbilled_calls), sum(unbilled_list_cost), sum(unpriced_calls), bool_and(complete),
             sum(tagged_cost + request_cost + usage_cost)
         FROM accounts WHERE period = '2026-10'",
        "0 | 0.000000000000 | 0 | true | 12000.000000000000",
    );
    answers(
        "SELECT count(*) FROM costs WHERE period = '2026-10' AND method = 'unattributed'",
        "0",
    );
}

/// The dear accounts are those of the table, whatever made them dear.
#[test]
fn the_dear_accounts_are_the_named_ones() {
    let readme = fs::read_to_string(data().join("README.md")).unwrap();
    let mut expected = vec![];
    let tables = readme
        .lines()
        .skip_while(|line| !line.starts_with("| cause "));
    for line in tables.skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.split('|').collect();
        for (cost, cell) in [
            ("300.000000000000", cells[2]),
            ("540.000000000000", cells[3]),
        ] {
            let named = cell.split('`').filter(|word| word.starts_with("cus_"));
            expected.extend(named.map(|name| vec![name.to_owned(), cost.to_owned()]));
        }
    }
    expected.sort();
    assert_eq!(expected.len(), 20);
    let sql = "SELECT customer_id, cost FROM allocation(period => '2026-10')
               WHERE cost > 60 ORDER BY customer_id";
    assert_eq!(rows(sql), expected);
}

/// Those of the table of causes, and the three that also have many sessions, and nobody else.
#[test]
fn patterns_are_found_where_they_were_planted() {
    let readme = fs::read_to_string(data().join("README.md")).unwrap();
    let mut expected = vec![];
    for (cause, pattern) in [
        ("many sessions", "high session frequency"),
        ("long contexts", "long context"),
        ("hardly any cache reads", "low cache hit rate"),
        ("mostly reasoning", "reasoning-heavy"),
    ] {
        let start = format!("| {cause} |");
        let line = readme
            .lines()
            .find(|line| line.starts_with(&start))
            .unwrap();
        let named = line.split('`').filter(|word| word.starts_with("cus_"));
        expected.extend(named.map(|name| vec![name.to_owned(), pattern.to_owned()]));
    }
    for also in ["cus_023", "cus_041", "cus_058"] {
        expected.push(vec![also.to_owned(), "high session frequency".to_owned()]);
    }
    expected.sort();
    let found = "SELECT customer_id, pattern FROM usage_patterns(period => '2026-10')
                 WHERE finding = 'found' ORDER BY customer_id, pattern";
    assert_eq!(rows(found), expected);
}

/// Dear for another cause, with twice the usual sessions and more.
#[test]
fn who_almost_qualifies_is_not_found() {
    answers(
        "SELECT customer_id, round(ratio, 2), finding FROM usage_patterns(period => '2026-10')
         WHERE pattern = 'high session frequency' AND ratio BETWEEN 2 AND 3 ORDER BY ratio DESC",
        "cus_026 | 2.73 | not found
         cus_053 | 2.47 | not found
         cus_094 | 2.19 | not found
         cus_019 | 2.13 | not found
         cus_049 | 2.07 | not found
         cus_079 | 2.06 | not found",
    );
}

/// 80 × 60, 15 × 300 and 5 × 540: Σ (2i − 101) × cost = −96,000 + 337,500 + 256,500.
#[test]
fn october_is_unevenly_distributed() {
    answers(
        "SELECT part, customers, cost_pct, pooled_pct_of_mrr, median_pct_of_mrr, gini
         FROM cost_distribution(period => '2026-10')
         WHERE part = 'all' OR part LIKE 'top%' ORDER BY customers DESC, part",
        "all      | 100 | 100.000000 |  24.000000 |  12.000000 | 0.415000
         top 20 % |  20 |  60.000000 |  72.000000 |  60.000000 | NULL
         top 10 % |  10 |  35.000000 |  84.000000 |  84.000000 | NULL
         top 5 %  |   5 |  22.500000 | 108.000000 | 108.000000 | NULL
         top 1 %  |   1 |   4.500000 | 108.000000 | 108.000000 | NULL",
    );
}

#[test]
fn the_twenty_dear_accounts_are_unprofitable() {
    answers(
        "SELECT count(*), sum(cost), sum(above_target), count(patterns), count(main_driver)
         FROM unprofitable_customers(period => '2026-10')",
        "20 | 7200.000000000000 | 5200.000000000000 | 20 | 20",
    );
}

/// cus_045 makes 406 calls: 100 at 6, 150 at 4 and 156 at 3 dollars.
#[test]
fn the_plans_that_are_thought_of_can_be_tried() {
    answers(
        "SELECT plan, pay_less, pay_the_same, pay_more, price FROM plan_outcomes(period => '2026-10')
         WHERE scope = 'plan' AND plan IS NOT NULL ORDER BY plan",
        "Business      | 10 | 0 |  8 | 11004.000000000000
         Enterprise    |  0 | 7 |  2 |  5900.000000000000
         Pay as you go |  5 | 0 |  2 |  3420.000000000000
         Studio        | 11 | 0 | 13 | 16476.000000000000
         Team          | 36 | 0 |  6 | 22708.000000000000",
    );
    answers(
        "SELECT units, price FROM plan_simulation(period => '2026-10') WHERE customer_id = 'cus_045'",
        "406.000000000000 | 1668.000000000000",
    );
}

#[test]
fn the_drivers_sum_to_the_cost_above_the_median() {
    answers(
        "SELECT count(*), count(DISTINCT customer_id), sum(CASE
             WHEN cost - median_cost = above_median
                 AND sessions + context + cache + reasoning + remainder = above_median
             THEN 0 ELSE 1 END)
         FROM cost_drivers(period => '2026-10')",
        "100 | 100 | 0",
    );
}

#[test]
fn reports_tie_to_the_allocation() {
    let of = |report: &str| {
        let total = format!("SELECT sum(cost) FROM {report}(period => '2026-10')");
        rows(&total)
    };
    for report in [
        "cost_by_feature",
        "cost_by_model",
        "cost_by_query_type",
        "cost_by_session",
    ] {
        assert_eq!(of(report), of("allocation"), "{report}");
    }
    answers(
        "SELECT sum(cost) FROM cost_distribution(period => '2026-10') WHERE part LIKE 'decile%'",
        "12000.000000000000",
    );
}

/// Every figure of the table of bills, and the month's calls beside it.
#[test]
fn each_month_comes_to_what_was_billed() {
    let readme = fs::read_to_string(data().join("README.md")).unwrap();
    let (mut costs, mut calls) = (vec![], vec![]);
    for month in MONTHS {
        let start = format!("| {month} | ");
        let line = readme
            .lines()
            .find(|line| line.starts_with(&start) && line.split('|').count() == 9)
            .unwrap();
        let figures: Vec<_> = line
            .split('|')
            .map(|cell| cell.trim().replace(',', ""))
            .collect();
        for (provider, cell) in ["anthropic", "google", "openai", "openrouter"]
            .iter()
            .zip(&figures[2..])
        {
            let amount = cell.strip_prefix("**EUR** ");
            let currency = if amount.is_some() { "EUR" } else { "USD" };
            let amount = amount.unwrap_or(cell);
            costs.push(
                [month, provider, currency, amount]
                    .map(str::to_owned)
                    .to_vec(),
            );
        }
        calls.push(vec![month.to_owned(), figures[7].clone()]);
    }
    let attributed = "SELECT period, provider, currency, sum(cost) FROM costs
                      GROUP BY period, provider, currency ORDER BY period, provider";
    assert_eq!(rows(attributed), costs);
    let counted = "SELECT period, sum(calls) FROM accounts GROUP BY period ORDER BY period";
    assert_eq!(rows(counted), calls);
}

#[test]
fn april_has_calls_without_a_price() {
    answers(
        "SELECT period, unpriced_reason, count(*), count(DISTINCT customer_id)
         FROM calls WHERE unpriced_reason IS NOT NULL GROUP BY period, unpriced_reason",
        "2026-04 | model | 72 | 10",
    );
    answers(
        "SELECT DISTINCT model LIKE 'ft:gpt-4.1-mini-%', list_cost
         FROM unpriced_calls(period => '2026-04')",
        "true | NULL",
    );
    // They are billed, so they bear their part.
    answers(
        "SELECT sum(unpriced_calls), sum(unbilled_calls), count(*) FILTER (WHERE unpriced_calls > 0)
         FROM accounts WHERE period = '2026-04'",
        "72 | 0 | 10",
    );
    answers(
        "SELECT DISTINCT method, measure FROM costs
         WHERE period = '2026-04' AND charge_model LIKE 'ft:%'",
        "usage | tokens",
    );
}

#[test]
fn may_has_calls_that_nobody_tagged() {
    answers(
        "SELECT period, provider, count(*) FROM calls
         WHERE customer_id IS NULL GROUP BY period, provider",
        "2026-05 | openai | 64",
    );
    answers(
        "SELECT provider, reason, sum(cost) FROM costs
         WHERE period = '2026-05' AND method = 'unattributed' GROUP BY provider, reason",
        "openai | no customer on the call | 6.222385192500",
    );
    answers(
        "SELECT cost, calls FROM accounts WHERE period = '2026-05' AND customer_id IS NULL",
        "6.222385192500 | 64",
    );
}

#[test]
fn june_lacks_a_day_and_september_a_bill() {
    answers(
        "SELECT period, provider, count(*), count(DISTINCT customer_id), sum(list_cost)
         FROM unbilled GROUP BY period, provider ORDER BY period",
        "2026-06 | openai  | 123 | 18 | 104.323939650000
         2026-09 | mistral |  48 |  6 |   4.867761000000",
    );
    answers(
        "SELECT provider, day, calls FROM missing_bills(period => '2026-06')",
        "openai | 2026-06-17 | 123",
    );
    answers(
        "SELECT period, sum(unbilled_calls), sum(unbilled_list_cost), count(*)
         FROM accounts WHERE NOT complete
         GROUP BY period ORDER BY period",
        "2026-06 | 123 | 104.323939650000 | 18
         2026-09 |  48 |   4.867761000000 |  6",
    );
}

#[test]
fn july_has_a_bill_in_another_currency() {
    answers(
        "SELECT billing_period, provider, count(*), sum(billed_cost) FROM billing
         WHERE currency = 'EUR' GROUP BY billing_period, provider",
        "2026-07 | google | 3 | 1006.210000000000",
    );
    answers(
        "SELECT currency, sum(cost) FROM accounts WHERE period = '2026-07'
         GROUP BY currency ORDER BY currency",
        "EUR | 1006.210000000000
         USD | 6690.309363772000",
    );
    // Neither part of such a customer's cost can be held against its revenue.
    answers(
        "SELECT count(*), count(cost_pct_of_mrr), count(band) FROM accounts
         WHERE period = '2026-07' AND customer_id IN (
             SELECT customer_id FROM costs WHERE currency = 'EUR' AND cost <> 0
         )",
        "162 | 0 | 0",
    );
    // 1006.21 × 1.16 = 1167.2036
    answers(
        "SELECT currency, sum(cost), count(*)
         FROM allocation(period => '2026-07', currency => 'USD') GROUP BY currency",
        "USD | 7857.512963772000 | 101",
    );
}

#[test]
fn august_takes_back_and_bills_a_stranger() {
    answers(
        "SELECT billing_period, charge_period_start, model, token_type, billed_cost FROM billing
         WHERE provider = 'openai' AND billed_cost < 0",
        "2026-08 | 2026-07-21T00:00:00 | gpt-5.6-terra | output | -1.870000000000",
    );
    // July's calls bear it, in August's bill.
    answers(
        "SELECT method, charge_model, token_type, sum(cost), max(cost) < 0
         FROM costs WHERE period = '2026-08' AND provider = 'openai' AND cost < 0
         GROUP BY method, charge_model, token_type",
        "usage | gpt-5.6-terra | output | -1.870000000000 | true",
    );
    answers(
        "SELECT provider, reason, sum(cost), count(*) FROM costs
         WHERE period = '2026-08' AND method = 'unattributed' GROUP BY provider, reason",
        "anthropic | unknown tag | 37.500000000000 | 1",
    );
    answers(
        "SELECT customer_tag, count(*) FROM billing WHERE billing_period = '2026-08'
         AND billed_cost = 37.50 GROUP BY customer_tag",
        "eval-harness | 1",
    );
}

/// Every unit billed and listed has one cause, in every month and for every provider.
#[test]
fn the_causes_of_the_variance_sum_to_it() {
    answers(
        &format!(
            "SELECT reconciled.period, reconciled.provider
             FROM reconciliation(period => '{ALL_MONTHS}') AS reconciled
             LEFT JOIN (
                 SELECT
                     period, provider, currency, sum(billed_cost) AS billed_cost,
                     sum(list_cost) AS list_cost, sum(variance) AS variance
                 FROM variances GROUP BY period, provider, currency
             ) AS causes
                 ON reconciled.period = causes.period
                 AND reconciled.provider = causes.provider
                 AND reconciled.currency = causes.currency
             WHERE coalesce(
                 reconciled.inference <> causes.billed_cost
                 OR reconciled.list_cost <> causes.list_cost
                 OR reconciled.variance <> causes.variance,
                 true
             )"
        ),
        // List prices are in dollars, so that reconciliation cannot compare a bill in euros.
        "2026-07 | google",
    );
    answers(
        "SELECT period, provider, cause, sum(variance) FROM variances
         WHERE cause NOT IN ('price', 'credits and taxes')
         GROUP BY period, provider, cause ORDER BY period, provider, cause",
        "2026-04 | openai    | unpriced calls |    2.406548880000
         2026-06 | openai    | unbilled calls | -104.323939650000
         2026-08 | anthropic | unknown tag    |   37.500000000000
         2026-08 | openai    | another month  |   -1.870000000000
         2026-09 | mistral   | unbilled calls |   -4.867761000000",
    );
}

/// A check finds what is planted, and nothing else.
#[test]
fn the_checks_find_the_flaws() {
    let arguments = ["--demo", "check", "--period", ALL_MONTHS, "--format", "csv"];
    let text = program(&arguments);
    let found: Vec<_> = text
        .lines()
        .skip(1)
        .filter(|line| !line.ends_with(",0"))
        .collect();
    let expected = [
        "calls_are_billed,warning,17",
        "calls_are_priced,warning,1",
        "costs_are_attributed,warning,2",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_climber_climbs() {
    answers(
        "SELECT period, cost, cost_pct_of_mrr FROM allocation(period => '2026-04..2026-10')
         WHERE customer_id = 'cus_034' ORDER BY period",
        "2026-04 |  90.000000000000 | 18.000000
         2026-05 | 112.500000000000 | 22.500000
         2026-06 | 140.000000000000 | 28.000000
         2026-07 | 167.500000000000 | 33.500000
         2026-08 | 195.000000000000 | 39.000000
         2026-09 | 225.000000000000 | 45.000000
         2026-10 | 300.000000000000 | 60.000000",
    );
}

/// It renews in December, and of those who renew soon nobody's cost grew more.
#[test]
fn the_climber_stands_at_the_top() {
    let trends = program(&[
        "--demo",
        "--quiet",
        "--format",
        "csv",
        "run",
        "cost_trend",
        "--period",
        ALL_MONTHS,
    ]);
    let first = trends.lines().nth(1).unwrap();
    assert!(
        first.starts_with("cus_034,")
            && first.contains(",▁▂▃▄▅▅█,18.000000,60.000000,alert,233.333333,"),
        "{first}"
    );
}

#[test]
fn batches_belong_to_the_month_of_their_completion() {
    answers(
        "SELECT period, count(*) FROM calls
         WHERE to_char(called_at, '%Y-%m') < period GROUP BY period ORDER BY period",
        "2026-04 | 12
         2026-05 | 12
         2026-06 | 13
         2026-07 | 22
         2026-08 |  7
         2026-09 |  3
         2026-10 | 18",
    );
}

#[test]
fn a_range_of_months_is_its_months() {
    let in_order = |table: &str| {
        rows(&format!(
            "SELECT * FROM {table} ORDER BY period, currency, customer_id NULLS LAST"
        ))
    };
    let together = in_order("accounts");
    let mut one_by_one = vec![];
    for month in MONTHS {
        one_by_one.extend(in_order(&format!("allocation(period => '{month}')")));
    }
    assert_eq!(together.len(), one_by_one.len());
    for (together, alone) in together.iter().zip(&one_by_one) {
        assert_eq!(together, alone);
    }
}

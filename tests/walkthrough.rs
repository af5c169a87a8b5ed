//! Two production traces become a ledger, a bill and an allocation, with plain SQL.
//!
//! The statements are in `tests/walkthrough/`, for readers. The traces are not part of the project:
//! `APPORTION_REAL_DATA` names the folder that holds them. What the program answers is held against
//! sums made here from the text of the CSV files.

use crate::demo::readme_examples;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const VARIABLE: &str = "APPORTION_REAL_DATA";
const TRACES: [(&str, &str, usize); 2] = [
    ("code", "azure_llm_code_2023.csv", 8_819),
    ("conv", "azure_llm_conv_2023.csv", 19_366),
];
/// The bill of `bill.sql`, in millionths of a dollar.
const BILL: [(&str, i128); 6] = [
    ("1", 171_569_753),
    ("2", 7_008_036),
    ("3", 30_540_000),
    ("4", -5_000_000),
    ("5", 25_000_000),
    ("6", 22_910_000),
];
/// Units of the last decimal in a millionth.
const MILLIONTH: i128 = 1_000_000;
const NOBODY: &str = "";

/// One line of a trace. The order is the one in which the calls are numbered.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    called_at: String,
    input_tokens: i128,
    output_tokens: i128,
    service: &'static str,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Usage {
    calls: i128,
    input_tokens: i128,
    output_tokens: i128,
}

impl Usage {
    fn add(&mut self, call: &Call) {
        self.calls += 1;
        self.input_tokens += call.input_tokens;
        self.output_tokens += call.output_tokens;
    }
}

/// The traces' folder; without one, says so where a captured test is heard too.
fn traces() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map(PathBuf::from);
    if folder.is_none() {
        let _ = writeln!(
            io::stderr(),
            "skipped: the walk-through over real traces needs {VARIABLE}, the folder that holds {} \
             and {}",
            TRACES[0].1,
            TRACES[1].1
        );
    }
    folder
}

/// The calls in the order of their numbers, read without the program.
fn calls(folder: &Path) -> Vec<Call> {
    let mut calls = vec![];
    for (service, file, count) in TRACES {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let before = calls.len();
        for line in text.lines().skip(1) {
            let values: Vec<_> = line.split(',').collect();
            calls.push(Call {
                called_at: values[0].to_owned(),
                input_tokens: values[1].parse().unwrap(),
                output_tokens: values[2].parse().unwrap(),
                service,
            });
        }
        assert_eq!(calls.len() - before, count, "{file}");
    }
    // All times have seven decimals, so their texts are in the order of time.
    calls.sort();
    calls
}

/// The rule of `ledger.sql`: of 148 calls the k-th customer makes 60/k, and one is nobody's.
fn customer(number: usize) -> &'static str {
    match number % 148 {
        0..60 => "atlas",
        60..90 => "birch",
        90..110 => "cedar",
        110..125 => "delta",
        125..137 => "ember",
        137..147 => "fjord",
        _ => NOBODY,
    }
}

/// The walk-through as a reader does it, in a folder of its own.
struct Walk {
    folder: TempDir,
}

impl Walk {
    fn start(traces: &Path) -> Self {
        let walk = Self {
            folder: TempDir::new().unwrap(),
        };
        let statements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walkthrough");
        fs::create_dir(walk.books()).unwrap();
        for name in [
            "ledger.sql",
            "bill.sql",
            "customers.sql",
            "prices.sql",
            "books/apportion.toml",
        ] {
            fs::copy(statements.join(name), walk.folder.path().join(name)).unwrap();
        }
        for (_, file, _) in TRACES {
            fs::copy(traces.join(file), walk.folder.path().join(file)).unwrap();
        }
        walk
    }

    fn books(&self) -> PathBuf {
        self.folder.path().join("books")
    }

    /// Runs a file of statements where the traces are.
    fn write(&self, name: &str) {
        program(self.folder.path(), &["sql", "-f", name]);
    }

    /// An answer over the books, as lines of cells.
    fn ask(&self, arguments: &[&str]) -> Vec<Vec<String>> {
        let text = program(&self.books(), &[&["--format", "csv"], arguments].concat());
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        text.lines().map(cells).collect()
    }
}

fn program(folder: &Path, arguments: &[&str]) -> String {
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

/// An amount of twelve decimals as a number of its last units.
fn units(amount: &str) -> i128 {
    let (whole, decimals) = amount.split_once('.').unwrap();
    assert_eq!(decimals.len(), 12, "{amount}");
    format!("{whole}{decimals}").parse().unwrap()
}

#[test]
fn every_cent_of_a_bill_over_real_traces_arrives() {
    let Some(traces) = traces() else { return };
    let calls = calls(&traces);
    let mut total = Usage::default();
    let mut by_customer: BTreeMap<&str, Usage> = BTreeMap::new();
    let mut by_service: BTreeMap<(&str, &str), Usage> = BTreeMap::new();
    for (number, call) in (1..).zip(&calls) {
        total.add(call);
        by_customer.entry(customer(number)).or_default().add(call);
        by_service
            .entry((call.service, customer(number)))
            .or_default()
            .add(call);
    }

    let walk = Walk::start(&traces);
    for name in ["ledger.sql", "bill.sql", "customers.sql", "prices.sql"] {
        walk.write(name);
    }
    allocation_is_complete(&walk, &total, &by_customer);
    charges_arrive(&walk, &by_service);
    nothing_is_left_over(&walk);
    the_readme_shows_it(&walk);
}

/// Every call and token of the files, at the right customer, and the whole bill.
fn allocation_is_complete(walk: &Walk, total: &Usage, by_customer: &BTreeMap<&str, Usage>) {
    let rows = walk.ask(&["run", "allocation", "--period", "2023-11"]);
    let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
    let whole = |row: &[String], name: &str| row[column(name)].parse::<i128>().unwrap();
    let mut found = BTreeMap::new();
    let (mut sum, mut cost) = (Usage::default(), 0);
    for row in &rows[1..] {
        let usage = Usage {
            calls: whole(row, "calls"),
            input_tokens: whole(row, "input_tokens"),
            output_tokens: whole(row, "output_tokens"),
        };
        sum.calls += usage.calls;
        sum.input_tokens += usage.input_tokens;
        sum.output_tokens += usage.output_tokens;
        cost += units(&row[column("cost")]);
        assert_eq!(row[column("complete")], "true");
        assert_eq!(row[column("unpriced_calls")], "0");
        found.insert(row[column("customer_id")].as_str(), usage);
    }
    assert_eq!(sum.calls, 8_819 + 19_366);
    assert_eq!(&sum, total);
    assert_eq!(&found, by_customer);
    let billed: i128 = BILL.iter().map(|(_, amount)| amount * MILLIONTH).sum();
    assert_eq!(cost, billed, "the allocation sums to the bill");
}

/// Each charge to its last unit, and each customer's part of those whose quota is exact.
fn charges_arrive(walk: &Walk, by_service: &BTreeMap<(&str, &str), Usage>) {
    let rows = walk.ask(&[
        "sql",
        "SELECT charge_id, customer_id, method, cost FROM attributed_costs(period => '2023-11')",
    ]);
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    let mut parts: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    for row in &rows[1..] {
        let [charge, customer, method, cost] = row.as_slice() else {
            panic!("{row:?}");
        };
        *sums.entry(charge).or_default() += units(cost);
        *parts.entry((charge, customer)).or_default() += units(cost);
        let expected = match (charge.as_str(), customer.as_str()) {
            ("5", "birch") => "tag",
            (_, NOBODY) => "unattributed",
            _ => "usage",
        };
        assert_eq!(method, expected, "{row:?}");
    }
    let billed = BILL.map(|(charge, amount)| (charge, amount * MILLIONTH));
    assert_eq!(sums, BTreeMap::from(billed), "every charge arrives");

    for (&(service, customer), usage) in by_service {
        if service == "code" {
            // Five percent below 10 and 30 dollars a million tokens.
            let input = usage.input_tokens * 9_500_000;
            let output = usage.output_tokens * 28_500_000;
            assert_eq!(parts[&("1", customer)], input, "{customer}");
            assert_eq!(parts[&("2", customer)], output, "{customer}");
        }
    }
    let purchases = parts.iter().filter(|((charge, _), _)| *charge == "5");
    assert_eq!(purchases.count(), 1, "a tagged charge is one customer's");
}

/// The reconciliation of the bill as a file with what its charges became.
fn nothing_is_left_over(walk: &Walk) {
    let rows = walk.ask(&[
        "sql",
        "SELECT inference, tagged_cost, difference FROM reconciliation(period => '2023-11')",
    ]);
    let billed: i128 = BILL.iter().map(|(_, amount)| amount * MILLIONTH).sum();
    let [_, row] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    let found: Vec<_> = row.iter().map(|cell| units(cell)).collect();
    assert_eq!(found, [billed, 25_000_000 * MILLIONTH, 0]);
}

fn the_readme_shows_it(walk: &Walk) {
    let examples = readme_examples().into_iter();
    let examples: Vec<_> = examples
        .filter(|(command, _)| command[0] != "--demo")
        .collect();
    assert_eq!(examples.len(), 3);
    for (command, output) in examples {
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        assert_eq!(program(&walk.books(), &words), output, "{command:?}");
    }
}

//! The demo data: a hundred customers, seven months of calls, and the bills for them.
//!
//! October 2026 is the worked example: $12,000.00 of inference, of which 80 customers cause $60.00
//! each, 15 cause $300.00 and 5 cause $540.00. The months before it have flaws, each planted once
//! and counted in `data/README.md`. The program treats this data like any other.
//!
//! * `customers` decides what each account costs and how it works, `work` what the product does;
//! * `calls` writes sessions until each account's budget is used up, by the list prices of `prices`
//!   and the rates of `contract`; `imperfections` adds the flaws;
//! * `bill` turns calls into charges; `tables` and `parquet` turn both into files.
//!
//! The same seed gives the same bytes, on every machine: integers only, no clock, no floats.

mod bill;
mod calendar;
mod calls;
mod contract;
mod customers;
mod imperfections;
mod money;
mod parquet;
mod plans;
mod prices;
mod random;
mod tables;
mod work;

use crate::error::{Error, Result};
use bill::Charge;
use calendar::Month;
use calls::{Call, Residue, Writer};
use customers::Customer;
use prices::Price;
use random::Random;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the demo data and an `apportion.toml` that names it, and returns the files' paths.
///
/// Files that hold the demo already are written again; anything else in their place is an error,
/// because `apportion.toml` may be somebody's work.
pub fn write(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = files()?;
    fs::create_dir_all(folder).map_err(|error| in_place(error, folder))?;
    for (name, bytes) in &files {
        let path = folder.join(name);
        if path.exists() && fs::read(&path).map_err(|error| in_place(error, &path))? != *bytes {
            return Err(Error::new(format!("`{name}` exists and is not the demo's"))
                .at(path.display().to_string())
                .hint("choose a folder that is empty or does not exist yet"));
        }
    }
    let mut paths = Vec::new();
    for (name, bytes) in &files {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| in_place(error, &path))?;
        paths.push(path);
    }
    Ok(paths)
}

fn in_place(error: std::io::Error, path: &Path) -> Error {
    Error::from(error).at(path.display().to_string())
}

/// The files of the demo by name.
fn files() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let demo = Demo::generate();
    Ok(vec![
        ("apportion.toml", include_bytes!("apportion.toml").to_vec()),
        (
            "ledger.parquet",
            parquet::bytes(&tables::ledger(&demo.ledger)?)?,
        ),
        (
            "billing.parquet",
            parquet::bytes(&tables::billing(&demo.bill)?)?,
        ),
        (
            "customers.parquet",
            parquet::bytes(&tables::customers(&demo.customers)?)?,
        ),
        (
            "prices.parquet",
            parquet::bytes(&tables::prices(&demo.book)?)?,
        ),
        ("aliases.parquet", parquet::bytes(&tables::aliases()?)?),
        ("fx_rates.parquet", parquet::bytes(&tables::fx_rates()?)?),
        ("plans.parquet", parquet::bytes(&tables::plans()?)?),
    ])
}

/// Everything as values, before it is files.
struct Demo {
    customers: Vec<Customer>,
    book: Vec<Price>,
    ledger: Vec<Call>,
    bill: Vec<Charge>,
}

impl Demo {
    fn generate() -> Self {
        let customers = customers::all();
        let book = prices::book();
        let mut sessions = 0;
        let mut ledger = Vec::new();
        let mut residues: Vec<Residue> = Vec::new();
        for month in Month::all() {
            for customer in &customers {
                let mut random = Random::stream(stream(customer, month));
                let budget = customer.budget_cents(month, &mut random);
                let writer = Writer {
                    customer,
                    month,
                    book: &book,
                    random,
                    next_session: &mut sessions,
                    calls: &mut ledger,
                };
                residues.push(writer.spend(budget));
            }
        }
        ledger.extend(imperfections::planted_calls(&mut sessions));
        ledger.sort_by_key(|call| call.called_at);
        number_in_order_of_time(&mut ledger);
        let bill = bill::all(&ledger, &residues, &book);
        Self {
            customers,
            book,
            ledger,
            bill,
        }
    }
}

/// The streams below a thousand are the planted calls'.
fn stream(customer: &Customer, month: Month) -> u64 {
    let number = customer.number * 1_000 + month.0;
    u64::try_from(number).expect("accounts and months are counted up from 1")
}

/// Sessions and requests are numbered as they come, like those of a real system.
fn number_in_order_of_time(ledger: &mut [Call]) {
    let mut sessions: BTreeMap<i64, i64> = BTreeMap::new();
    let mut last = 0;
    for (request, call) in (1_000_000..).zip(ledger) {
        call.session = call.session.map(|session| {
            *sessions.entry(session).or_insert_with(|| {
                last += 1;
                last
            })
        });
        if !call.response_cached {
            call.request_id = Some(format!("req_{request}"));
        }
    }
}

#[cfg(test)]
mod tests;

//! What the demo promises: the worked example, each flaw with its count, and the committed files.

use super::bill::Charge;
use super::calendar::{DAY, Month};
use super::calls::Call;
use super::customers::CLIMBER;
use super::imperfections as flaw;
use super::money::CENT;
use super::{Demo, contract, files, write};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

static DEMO: LazyLock<Demo> = LazyLock::new(Demo::generate);

fn billed(month: Month, provider: &str) -> i128 {
    charges(month, provider).map(|charge| charge.amount).sum()
}

fn charges(month: Month, provider: &str) -> impl Iterator<Item = &'static Charge> {
    DEMO.bill
        .iter()
        .filter(move |charge| charge.billed_in == month && charge.provider == provider)
}

fn calls(month: Month) -> impl Iterator<Item = &'static Call> {
    DEMO.ledger
        .iter()
        .filter(move |call| month.has(call.charged_at()))
}

/// What a customer's calls add to the bills of a month, by the contracts; Anthropic's own line has
/// the residue too.
fn caused(customer: i64, month: Month) -> i128 {
    let calls = calls(month).filter(|call| call.customer == Some(customer));
    calls
        .filter(|call| call.reached_provider())
        .filter_map(|call| Some(contract::billed(call.model, &call.list_cost(&DEMO.book)?)))
        .sum()
}

#[test]
fn october_is_billed_to_the_last_unit() {
    let providers = ["anthropic", "google", "openai", "openrouter"];
    let total: i128 = providers
        .iter()
        .map(|provider| billed(Month::OCTOBER, provider))
        .sum();
    assert_eq!(total, 1_200_000 * CENT);
    let lines = DEMO
        .bill
        .iter()
        .filter(|charge| charge.billed_in == Month::OCTOBER);
    assert_eq!(
        lines.map(|charge| charge.amount).sum::<i128>(),
        total,
        "no other provider"
    );
}

#[test]
fn october_has_no_flaw() {
    assert!(calls(Month::OCTOBER).all(|call| call.customer.is_some()));
    assert!(calls(Month::OCTOBER).all(|call| call.list_cost(&DEMO.book).is_some()));
    assert!(calls(Month::OCTOBER).all(|call| call.model.provider != "mistral"));
}

#[test]
fn the_climber_rises_from_18_to_45_percent() {
    let cents = [9_000, 11_250, 14_000, 16_750, 19_500, 22_500, 30_000];
    for (month, cents) in Month::all().zip(cents) {
        let short = cents * CENT - caused(CLIMBER, month);
        assert!(
            (0..CENT / 1_000).contains(&short),
            "{month:?}: the line closes {short} units"
        );
    }
}

#[test]
fn every_flaw_has_its_count() {
    let unpriced = |month| {
        calls(month)
            .filter(|call| call.reached_provider() && call.list_cost(&DEMO.book).is_none())
            .count()
    };
    let untagged = |month| calls(month).filter(|call| call.customer.is_none()).count();
    let trial = |month| {
        calls(month)
            .filter(|call| call.model.provider == "mistral")
            .count()
    };
    let per_month = |count: &dyn Fn(Month) -> usize| Month::all().map(count).collect::<Vec<_>>();
    assert_eq!(per_month(&unpriced), [72, 0, 0, 0, 0, 0, 0]);
    assert_eq!(per_month(&untagged), [0, 64, 0, 0, 0, 0, 0]);
    assert_eq!(per_month(&trial), [0, 0, 0, 0, 0, 48, 0]);

    let on_missing_day = calls(Month(6)).filter(|call| {
        call.model.provider == "openai"
            && call.reached_provider()
            && call.charged_at().div_euclid(DAY) == flaw::MISSING_DAY
    });
    assert_eq!(on_missing_day.count(), 123);
    let openai_days = |month: Month| {
        (month.first_day()..month.end_day())
            .filter(|day| charges(month, "openai").any(|line| line.period_start == *day * DAY))
            .count()
    };
    let days = |month: Month| usize::try_from(month.end_day() - month.first_day()).unwrap();
    let missing = |month| days(month) - openai_days(month);
    assert_eq!(per_month(&missing), [0, 0, 1, 0, 0, 0, 0]);

    let euro: Vec<&Charge> = DEMO
        .bill
        .iter()
        .filter(|charge| charge.currency == "EUR")
        .collect();
    assert_eq!(euro.len(), 3);
    assert!(
        euro.iter()
            .all(|line| line.billed_in == Month(7) && line.provider == "google")
    );

    let corrections: Vec<&Charge> = DEMO
        .bill
        .iter()
        .filter(|charge| charge.category == "Usage" && charge.amount < 0)
        .collect();
    assert_eq!(corrections.len(), 1);
    assert_eq!(corrections[0].billed_in, Month(8));
    assert_eq!(corrections[0].period_start, flaw::CORRECTED_DAY * DAY);
    assert_eq!(corrections[0].amount, -187 * CENT);

    let unknown = DEMO
        .bill
        .iter()
        .filter(|charge| charge.customer_tag.as_deref() == Some(flaw::UNKNOWN_TAG));
    assert_eq!(
        unknown.map(|charge| charge.amount).collect::<Vec<_>>(),
        [3_750 * CENT]
    );
}

#[test]
fn some_batches_are_charged_in_the_month_after_they_were_sent() {
    let late = |month: Month| {
        calls(month)
            .filter(|call| !month.has(call.called_at))
            .count()
    };
    assert_eq!(
        Month::all().map(late).collect::<Vec<_>>(),
        [12, 12, 13, 22, 7, 3, 18]
    );
}

#[test]
fn the_committed_files_are_what_the_seed_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let files = files().unwrap();
    for (name, bytes) in &files {
        let committed = fs::read(folder.join(name)).unwrap();
        assert!(
            committed == *bytes,
            "data/{name} differs: write it anew with `apportion demo`"
        );
    }
    let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(
        size < 3_000_000,
        "the demo is small enough to carry: {size} bytes"
    );
}

#[test]
fn somebody_elses_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("apportion.toml");
    fs::write(&theirs, "[ledger]\n").unwrap();
    let error = write(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`apportion.toml` exists and is not the demo's"
    );
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "[ledger]\n");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else was written"
    );
}

#[test]
fn the_demo_can_be_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let first = write(folder.path()).unwrap();
    assert_eq!(write(folder.path()).unwrap(), first);
}

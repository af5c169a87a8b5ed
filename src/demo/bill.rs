//! The bills, one shape per provider.
//!
//! OpenAI bills by day, project, model, tier and token type; Google by month, with a credit and a
//! tax line; Anthropic by month, model and the customer tag that travelled with the calls;
//! OpenRouter by request. Each amount is a fixed multiple of what its calls cost at list, which is
//! why a split in proportion to list cost is exact.

use super::calendar::{DAY, Month};
use super::calls::{Call, Residue};
use super::contract;
use super::customers;
use super::imperfections as flaw;
use super::money::{CENT, ListCost};
use super::prices::{self, Price};
use super::work::{FINE_TUNE, OPUS, TERRA};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One row of the bill.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    /// OpenRouter numbers requests, not charges.
    pub(super) id: Option<String>,
    pub(super) provider: &'static str,
    pub(super) sub_account: Option<&'static str>,
    pub(super) model: Option<&'static str>,
    pub(super) service_tier: Option<&'static str>,
    pub(super) token_type: Option<&'static str>,
    pub(super) request_id: Option<String>,
    pub(super) customer_tag: Option<String>,
    pub(super) category: &'static str,
    pub(super) period_start: i64,
    pub(super) period_end: i64,
    pub(super) billed_in: Month,
    pub(super) amount: i128,
    pub(super) currency: &'static str,
    pub(super) tokens: Option<i64>,
}

impl Charge {
    /// A usage charge over a calendar month that states nothing but its provider.
    fn monthly(provider: &'static str, month: Month, amount: i128) -> Self {
        Self {
            id: None,
            provider,
            sub_account: None,
            model: None,
            service_tier: None,
            token_type: None,
            request_id: None,
            customer_tag: None,
            category: "Usage",
            period_start: month.first_day() * DAY,
            period_end: month.end_day() * DAY,
            billed_in: month,
            amount,
            currency: "USD",
            tokens: None,
        }
    }

    fn on_day(self, day: i64) -> Self {
        Self {
            period_start: day * DAY,
            period_end: (day + 1) * DAY,
            ..self
        }
    }
}

/// All bills, in the order in which they arrived.
pub(super) fn all(ledger: &[Call], residues: &[Residue], book: &[Price]) -> Vec<Charge> {
    let mut charges: Vec<Charge> = Vec::new();
    for month in Month::all() {
        let calls: Vec<&Call> = ledger
            .iter()
            .filter(|call| call.reached_provider() && month.has(call.charged_at()))
            .collect();
        let first = charges.len();
        charges.extend(anthropic(month, &calls, residues, book));
        charges.extend(google(month, &calls, book));
        let mut openai = openai(month, &calls, book);
        if month == flaw::CORRECTION_MONTH {
            openai.extend(late_correction(&charges));
        }
        charges.extend(openai);
        for (number, charge) in (1..).zip(&mut charges[first..]) {
            charge.id = Some(format!("{}-{}-{number:05}", charge.provider, month.label()));
        }
        charges.extend(openrouter(month, &calls, book));
    }
    charges
}

/// What a call costs at list, or by contract where there is no list.
fn list_cost(call: &Call, book: &[Price]) -> ListCost {
    call.list_cost(book).unwrap_or_else(|| {
        assert!(
            *call.model == FINE_TUNE,
            "the price book knows all other models"
        );
        ListCost::of(&call.tokens, &prices::fine_tune())
    })
}

fn of_provider<'a>(
    calls: &'a [&'a Call],
    provider: &'static str,
) -> impl Iterator<Item = &'a Call> {
    calls
        .iter()
        .copied()
        .filter(move |call| call.model.provider == provider)
}

fn openai(month: Month, calls: &[&Call], book: &[Price]) -> Vec<Charge> {
    let mut lines: BTreeMap<_, (i128, i64)> = BTreeMap::new();
    for call in of_provider(calls, "openai") {
        let day = call.charged_at().div_euclid(DAY);
        let list = list_cost(call, book);
        for (token_type, cost, tokens) in [
            ("input", list.input, call.tokens.uncached()),
            ("cache_read", list.cache_read, call.tokens.cache_read),
            ("output", list.output, call.tokens.output),
        ] {
            let model = call.model.billed_as;
            let line = lines.entry((day, call.sub_account, model, call.service_tier, token_type));
            let (amount, count) = line.or_default();
            *amount += contract::OPENAI.of(cost);
            *count += tokens;
        }
    }
    let charge = |((day, sub_account, model, service_tier, token_type), (amount, tokens))| Charge {
        sub_account,
        model: Some(model),
        service_tier,
        token_type: Some(token_type),
        tokens: Some(tokens),
        ..Charge::monthly("openai", month, amount).on_day(day)
    };
    lines
        .into_iter()
        .filter(|((day, ..), (amount, _))| *day != flaw::MISSING_DAY && *amount != 0)
        .map(charge)
        .collect()
}

/// A quarter of one output charge, in whole cents, taken back a month later.
fn late_correction(charges: &[Charge]) -> Option<Charge> {
    let wrong = charges.iter().find(|charge| {
        charge.period_start == flaw::CORRECTED_DAY * DAY
            && charge.model == Some(TERRA.billed_as)
            && charge.token_type == Some("output")
    })?;
    Some(Charge {
        billed_in: flaw::CORRECTION_MONTH,
        amount: -(wrong.amount / 4 / CENT * CENT),
        tokens: None,
        ..wrong.clone()
    })
}

fn google(month: Month, calls: &[&Call], book: &[Price]) -> Vec<Charge> {
    let list: i128 = of_provider(calls, "google")
        .map(|call| list_cost(call, book).whole())
        .sum();
    let tokens: i64 = of_provider(calls, "google")
        .map(|call| call.tokens.total())
        .sum();
    let charge = |category, amount, tokens| {
        let usual = Charge {
            category,
            tokens,
            ..Charge::monthly("google", month, amount)
        };
        if month == flaw::EURO_MONTH {
            in_euro(usual)
        } else {
            usual
        }
    };
    vec![
        charge("Usage", list, Some(tokens)),
        charge("Credit", contract::GOOGLE_CREDIT.of(list), None),
        charge("Tax", contract::GOOGLE_TAX.of(list), None),
    ]
}

/// Invoices in euro are in whole cents.
fn in_euro(charge: Charge) -> Charge {
    let amount = charge.amount * flaw::EURO_PER_DOLLAR / 1_000_000;
    Charge {
        amount: amount / CENT * CENT,
        currency: "EUR",
        ..charge
    }
}

fn anthropic(month: Month, calls: &[&Call], residues: &[Residue], book: &[Price]) -> Vec<Charge> {
    let mut lines: BTreeMap<_, (i128, i64)> = BTreeMap::new();
    for call in of_provider(calls, "anthropic") {
        let (amount, tokens) = lines.entry((call.customer, call.model.name)).or_default();
        *amount += list_cost(call, book).whole();
        *tokens += call.tokens.total();
    }
    for residue in residues.iter().filter(|residue| residue.month == month) {
        let (amount, _) = lines
            .entry((Some(residue.customer), OPUS.name))
            .or_default();
        *amount += residue.amount;
    }
    let mut charges: Vec<Charge> = lines
        .into_iter()
        .map(|((customer, model), (amount, tokens))| Charge {
            model: Some(model),
            customer_tag: customer.map(customer_tag),
            tokens: Some(tokens),
            ..Charge::monthly("anthropic", month, amount)
        })
        .collect();
    if month == flaw::UNKNOWN_TAG_MONTH {
        charges.push(Charge {
            model: Some(OPUS.name),
            customer_tag: Some(flaw::UNKNOWN_TAG.to_owned()),
            ..Charge::monthly("anthropic", month, flaw::UNKNOWN_TAG_AMOUNT)
        });
    }
    charges
}

/// Every third account is private: its id travels as `customer_hash(id)`, without a salt.
fn customer_tag(number: i64) -> String {
    let id = customers::id(number);
    if number % 3 != 1 {
        return id;
    }
    Sha256::digest(id.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn openrouter(month: Month, calls: &[&Call], book: &[Price]) -> Vec<Charge> {
    of_provider(calls, "openrouter")
        .map(|call| Charge {
            model: Some(call.model.name),
            request_id: call.request_id.clone(),
            tokens: Some(call.tokens.total()),
            ..Charge::monthly(
                "openrouter",
                month,
                contract::OPENROUTER.of(list_cost(call, book).whole()),
            )
            .on_day(call.charged_at().div_euclid(DAY))
        })
        .collect()
}

//! The rule: a charge is split over the calls that it covers, in proportion to their weight.

use std::collections::BTreeMap;

use num_rational::BigRational;

use super::calendar::DAY;
use super::covering::{Scene, Tag};
use super::model::{Basis, Options, World};
use super::normal::{NormalCall, NormalCharge};
use super::split::{
    NOWHERE, NullLast, Path, exact, hamilton, null_last, round_half_even, split_below,
};
use super::weights::{Weighing, covered_tokens, weigh};

/// One part of one charge (or an unbilled call's estimate), at the finest grain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributed {
    pub(crate) period: String,
    pub(crate) provider: String,
    /// The charge's first row in the bill; NULL for an estimate.
    pub(crate) charge_index: Option<usize>,
    pub(crate) charge_category: Option<String>,
    pub(crate) customer_id: Option<String>,
    /// From here on what the call says, not the charge.
    pub(crate) feature: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) query_type: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) request_id: Option<String>,
    /// `tag`, `request`, `usage`, `estimate` or `unattributed`.
    pub(crate) method: &'static str,
    /// What the charge was weighed by, where weights decided the parties.
    pub(crate) measure: Option<&'static str>,
    /// Why nobody bears it.
    pub(crate) reason: Option<&'static str>,
    pub(crate) currency: String,
    pub(crate) cost: i128,
}

impl Attributed {
    fn path(&self) -> Path {
        [
            self.feature.clone(),
            self.model.clone(),
            self.query_type.clone(),
            self.session_id.clone(),
            self.request_id.clone(),
        ]
    }
}

/// A column to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "a test names the columns that it compares")]
pub(crate) enum Dim {
    Period,
    Provider,
    Charge,
    Category,
    Customer,
    Feature,
    Model,
    QueryType,
    Session,
    Request,
    Method,
    Measure,
    Reason,
    Currency,
}

/// "Every report ties to every other": a coarser grain is the sum of the finest. The keys have the
/// order of `grain`.
pub(crate) fn roll_up(rows: &[Attributed], grain: &[Dim]) -> BTreeMap<Vec<Option<String>>, i128> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let value = |dim: &Dim| match dim {
            Dim::Period => Some(row.period.clone()),
            Dim::Provider => Some(row.provider.clone()),
            Dim::Charge => row.charge_index.map(|index| index.to_string()),
            Dim::Category => row.charge_category.clone(),
            Dim::Customer => row.customer_id.clone(),
            Dim::Feature => row.feature.clone(),
            Dim::Model => row.model.clone(),
            Dim::QueryType => row.query_type.clone(),
            Dim::Session => row.session_id.clone(),
            Dim::Request => row.request_id.clone(),
            Dim::Method => Some(row.method.to_owned()),
            Dim::Measure => row.measure.map(str::to_owned),
            Dim::Reason => row.reason.map(str::to_owned),
            Dim::Currency => Some(row.currency.clone()),
        };
        *sums.entry(grain.iter().map(value).collect()).or_default() += row.cost;
    }
    sums
}

/// Every selected charge of scope inference, split; then, on request, what no charge covers. Usage
/// and Purchase come first, because the other categories are weighed by what those put on each party.
pub(crate) fn attribute(world: &World, options: &Options) -> Vec<Attributed> {
    attribute_scene(&Scene::new(world, options))
}

pub(crate) fn attribute_scene(scene: &Scene) -> Vec<Attributed> {
    let selected = scene.selected();
    let (first, then): (Vec<usize>, Vec<usize>) = selected
        .into_iter()
        .partition(|&at| scene.charges[at].is_usage_or_purchase());

    let base: Vec<(usize, Vec<Attributed>)> = first
        .into_iter()
        .map(|at| (at, split_charge(scene, at, &[])))
        .collect();
    let by_charges: Vec<Attributed> = then
        .into_iter()
        .flat_map(|at| split_charge(scene, at, &base))
        .collect();

    let mut rows: Vec<Attributed> = base.into_iter().flat_map(|(_, rows)| rows).collect();
    rows.extend(by_charges);
    if scene.options.estimate {
        rows.extend(estimates(scene));
    }
    rows.retain(|row| row.cost != 0);
    rows
}

/// Which way a charge goes, the first that applies: a known tag takes it whole, with or without
/// calls · a request splits it among its calls · an unknown tag or idle commitment leaves it
/// unattributed · Usage and Purchase go by the use of the covered calls · the other categories by
/// what the charges put on each party, else by use.
fn split_charge(scene: &Scene, at: usize, base: &[(usize, Vec<Attributed>)]) -> Vec<Attributed> {
    let charge = &scene.charges[at];
    let idle = charge.unused && !scene.options.idle_spread && is_effective(scene.options);
    let rows = match (scene.tag(at), &charge.request_id) {
        (Tag::Known(customer), _) => to_customer(scene, at, customer),
        (Tag::None | Tag::Unknown, Some(_)) => by_request(scene, at),
        (Tag::Unknown, None) => vec![unattributed(charge, "unknown tag")],
        (Tag::None, None) if idle => vec![unattributed(charge, "idle")],
        (Tag::None, None) if charge.is_usage_or_purchase() => by_usage(scene, at),
        (Tag::None, None) => by_charges(scene, charge, base).unwrap_or_else(|| by_usage(scene, at)),
    };
    let sum: i128 = rows.iter().map(|row| row.cost).sum();
    assert_eq!(sum, charge.amount, "the parts of a charge sum to it");
    rows
}

fn is_effective(options: &Options) -> bool {
    options.basis == Basis::Effective
}

/// "A customer_tag that equals a known id gives the whole charge to that customer; calls only split
/// it below the customer."
fn to_customer(scene: &Scene, at: usize, customer: &str) -> Vec<Attributed> {
    let charge = &scene.charges[at];
    let covered = scene.remaining(at);
    let weights = weigh(scene, charge, &covered).map_or_else(Vec::new, |weighing| {
        below(scene, &covered, &weighing.weights)
    });
    let party = Party {
        customer_id: Some(customer.to_owned()),
        method: "tag",
        ..NOBODY
    };
    party_rows(charge, &party, charge.amount, &weights)
}

/// "A request id decides alone; on several ledger rows it is split among them", and one that no
/// ledger row has is unattributed.
fn by_request(scene: &Scene, at: usize) -> Vec<Attributed> {
    let charge = &scene.charges[at];
    let covered = scene.remaining(at);
    if covered.is_empty() {
        return vec![unattributed(charge, "unknown request")];
    }
    match weigh(scene, charge, &covered) {
        None => vec![unattributed(charge, "no weight")],
        Some(weighing) => over_parties(scene, charge, "request", &covered, &weighing, None),
    }
}

/// "A charge is split over the calls that it covers, in proportion to their weight." Without covered
/// calls, or without any weight, it is unattributed. With `missing => 'leave'` the tokens that the
/// charge states beyond those of the covered calls are one more party.
fn by_usage(scene: &Scene, at: usize) -> Vec<Attributed> {
    let charge = &scene.charges[at];
    let covered = scene.remaining(at);
    if covered.is_empty() {
        return vec![unattributed(charge, "no calls covered")];
    }
    let Some(weighing) = weigh(scene, charge, &covered) else {
        return vec![unattributed(charge, "no weight")];
    };
    if keeps_list_cost(scene, charge, &weighing) {
        return by_ledger(scene, charge, &covered, &weighing);
    }
    let missing = missing_weight(scene, charge, &covered, &weighing);
    over_parties(scene, charge, "usage", &covered, &weighing, missing)
}

/// "`'leave'`: the part 1 − coverage is unattributed": beside weights that sum to W, the missing
/// tokens weigh W × (stated − covered) ÷ covered.
fn missing_weight(
    scene: &Scene,
    charge: &NormalCharge,
    covered: &[usize],
    weighing: &Weighing,
) -> Option<BigRational> {
    let stated = charge
        .stated_tokens
        .as_ref()
        .filter(|_| scene.options.missing_leave)?;
    let tokens = exact(covered_tokens(scene, charge, covered));
    let sum: BigRational = weighing.weights.iter().sum();
    (*stated > tokens && tokens > exact(0)).then(|| sum * (stated - &tokens) / &tokens)
}

/// A charge over its parties: each customer, the calls of no customer as one, and what is not in the
/// ledger, in this order; and each customer's part below the customer.
fn over_parties(
    scene: &Scene,
    charge: &NormalCharge,
    method: &'static str,
    covered: &[usize],
    weighing: &Weighing,
    missing: Option<BigRational>,
) -> Vec<Attributed> {
    let parties = calls_by_party(scene, covered, &weighing.weights);
    let mut sums: Vec<BigRational> = parties.values().map(|calls| sum_of(calls)).collect();
    sums.extend(missing);
    let shares = hamilton(charge.amount, &sums);

    let mut rows = Vec::new();
    for (((_, customer_id), calls), part) in parties.iter().zip(&shares) {
        let party = party_of(customer_id.clone(), method, weighing.measure);
        rows.extend(party_rows(charge, &party, *part, calls));
    }
    if shares.len() > parties.len() {
        let party = Party {
            measure: Some(weighing.measure),
            reason: Some("not in the ledger"),
            ..NOBODY
        };
        rows.extend(party_rows(charge, &party, shares[parties.len()], &[]));
    }
    rows
}

/// "Usage charges longer than a day, where the ledger is the authority": positive ones, weighed by
/// list cost.
fn keeps_list_cost(scene: &Scene, charge: &NormalCharge, weighing: &Weighing) -> bool {
    scene.options.monthly_ledger
        && charge.is_usage()
        && charge.amount > 0
        && charge.end - charge.start > DAY
        && weighing.measure == "list_cost"
}

/// "`'ledger'` keeps the ledger's list cost and writes the variance as an unattributed row": each
/// party bears the list cost of its priced calls, rounded once, half to even; unpriced calls bear
/// nothing, at any grain.
fn by_ledger(
    scene: &Scene,
    charge: &NormalCharge,
    covered: &[usize],
    weighing: &Weighing,
) -> Vec<Attributed> {
    let mut rows = Vec::new();
    for ((_, customer_id), calls) in calls_by_party(scene, covered, &weighing.list_costs) {
        let part = round_half_even(&sum_of(&calls));
        let party = party_of(customer_id, "usage", weighing.measure);
        rows.extend(party_rows(charge, &party, part, &calls));
    }
    let kept: i128 = rows.iter().map(|row| row.cost).sum();
    let variance = Party {
        measure: Some(weighing.measure),
        reason: Some("variance"),
        ..NOBODY
    };
    rows.extend(party_rows(charge, &variance, charge.amount - kept, &[]));
    rows
}

/// "Credits, taxes and adjustments that name no customer or request are weighed by what Usage and
/// Purchase charges of the same provider, billing period and stated dimensions put on each party (the
/// unattributed party included)"; nothing where that is zero or negative. The unattributed party's
/// part goes first over its reasons, in byte order.
fn by_charges(
    scene: &Scene,
    charge: &NormalCharge,
    base: &[(usize, Vec<Attributed>)],
) -> Option<Vec<Attributed>> {
    let rows: Vec<&Attributed> = base
        .iter()
        .filter(|(at, _)| {
            let other = &scene.charges[*at];
            other.provider == charge.provider
                && other.period == charge.period
                && other.currency == charge.currency
                && other.states_all_of(charge)
        })
        .flat_map(|(_, rows)| rows)
        .collect();
    if rows.iter().map(|row| row.cost).sum::<i128>() <= 0 {
        return None;
    }

    let mut parties: BTreeMap<NullLast, Vec<&Attributed>> = BTreeMap::new();
    for row in rows {
        parties
            .entry(null_last(row.customer_id.as_ref()))
            .or_default()
            .push(row);
    }
    let sums: Vec<BigRational> = parties.values().map(|rows| positive_sum(rows)).collect();
    let shares = hamilton(charge.amount, &sums);

    let mut split = Vec::new();
    for (((_, customer_id), rows), part) in parties.into_iter().zip(shares) {
        if customer_id.is_some() {
            let party = party_of(customer_id, "usage", "charges");
            split.extend(party_rows(charge, &party, part, &base_below(&rows)));
        } else if part != 0 {
            split.extend(over_reasons(charge, part, &rows));
        }
    }
    Some(split)
}

fn over_reasons(charge: &NormalCharge, part: i128, base: &[&Attributed]) -> Vec<Attributed> {
    let mut reasons: BTreeMap<&'static str, Vec<&Attributed>> = BTreeMap::new();
    for &row in base {
        let reason = row.reason.expect("a row without customer has a reason");
        reasons.entry(reason).or_default().push(row);
    }
    let sums: Vec<BigRational> = reasons.values().map(|rows| positive_sum(rows)).collect();
    let shares = hamilton(part, &sums);

    let mut split = Vec::new();
    for ((reason, rows), part) in reasons.into_iter().zip(shares) {
        let party = Party {
            measure: Some("charges"),
            reason: Some(reason),
            ..NOBODY
        };
        split.extend(party_rows(charge, &party, part, &base_below(&rows)));
    }
    split
}

/// A party's amount as a weight: below zero it counts as zero.
fn positive_sum(rows: &[&Attributed]) -> BigRational {
    exact(rows.iter().map(|row| row.cost).sum::<i128>().max(0))
}

fn base_below(rows: &[&Attributed]) -> Vec<(Path, BigRational)> {
    rows.iter()
        .map(|row| (row.path(), exact(row.cost)))
        .collect()
}

/// "`estimate => true` adds the list cost of unbilled calls as method `estimate`", in the currency of
/// the price, also where the call has no customer.
fn estimates(scene: &Scene) -> Vec<Attributed> {
    let mut rows = Vec::new();
    for at in unbilled_calls(scene) {
        let Ok(list) = &scene.costs[at] else { continue };
        let call = &scene.calls[at];
        let [feature, model, query_type, session_id, request_id] = path(call);
        rows.push(Attributed {
            period: scene
                .month_asked(call)
                .expect("an unbilled call is of an asked month"),
            provider: call.provider.clone(),
            charge_index: None,
            charge_category: None,
            customer_id: call.customer_id.clone(),
            feature,
            model,
            query_type,
            session_id,
            request_id,
            method: "estimate",
            measure: None,
            reason: None,
            currency: list.currency.clone().expect("a cost has a currency"),
            cost: list.whole,
        });
    }
    rows
}

/// "Calls that no charge covers are unbilled": calls of the asked months, not answered from the
/// product's cache and no errors without tokens, that no Usage or Purchase charge of any billing
/// period covers. Amounts and the more specific charge do not matter.
pub(crate) fn unbilled(world: &World, options: &Options) -> Vec<usize> {
    unbilled_calls(&Scene::new(world, options))
}

pub(crate) fn unbilled_calls(scene: &Scene) -> Vec<usize> {
    let mut billed = vec![false; scene.calls.len()];
    for (at, charge) in scene.charges.iter().enumerate() {
        if scene.bears_on_unbilled(charge) {
            for &call in scene.covered(at) {
                billed[call] = true;
            }
        }
    }
    let is_unbilled = |at: usize| {
        let call = &scene.calls[at];
        !billed[at]
            && !call.response_cached
            && !call.weightless
            && scene.month_asked(call).is_some()
    };
    (0..scene.calls.len())
        .filter(|&at| is_unbilled(at))
        .collect()
}

/// "Calls without a price are unpriced (with the reason)": those of the asked months.
pub(crate) fn unpriced(world: &World, options: &Options) -> Vec<(usize, &'static str)> {
    let scene = Scene::new(world, options);
    let reason = |at: usize| scene.costs[at].as_ref().err().copied();
    (0..scene.calls.len())
        .filter(|&at| scene.month_asked(&scene.calls[at]).is_some())
        .filter_map(|at| reason(at).map(|reason| (at, reason)))
        .collect()
}

/// Who bears a part, and how that is known.
struct Party {
    customer_id: Option<String>,
    method: &'static str,
    measure: Option<&'static str>,
    reason: Option<&'static str>,
}

const NOBODY: Party = Party {
    customer_id: None,
    method: "unattributed",
    measure: None,
    reason: None,
};

/// "Calls without a customer are one party", unattributed because there is no customer on the call.
fn party_of(customer_id: Option<String>, method: &'static str, measure: &'static str) -> Party {
    let measure = Some(measure);
    match customer_id {
        Some(_) => Party {
            customer_id,
            method,
            measure,
            reason: None,
        },
        None => Party {
            measure,
            reason: Some("no customer on the call"),
            ..NOBODY
        },
    }
}

/// A charge that nobody bears.
fn unattributed(charge: &NormalCharge, reason: &'static str) -> Attributed {
    row(
        charge,
        &Party {
            reason: Some(reason),
            ..NOBODY
        },
        NOWHERE,
        charge.amount,
    )
}

/// A party's part, split below the customer by the weights of its calls.
fn party_rows(
    charge: &NormalCharge,
    party: &Party,
    part: i128,
    weights: &[(Path, BigRational)],
) -> Vec<Attributed> {
    split_below(part, weights)
        .into_iter()
        .map(|(path, part)| row(charge, party, path, part))
        .collect()
}

fn row(charge: &NormalCharge, party: &Party, path: Path, cost: i128) -> Attributed {
    let [feature, model, query_type, session_id, request_id] = path;
    Attributed {
        period: charge.period.clone(),
        provider: charge.provider.clone(),
        charge_index: Some(charge.index),
        charge_category: Some(charge.category.clone()),
        customer_id: party.customer_id.clone(),
        feature,
        model,
        query_type,
        session_id,
        request_id,
        method: party.method,
        measure: party.measure,
        reason: party.reason,
        currency: charge.currency.clone(),
        cost,
    }
}

fn path(call: &NormalCall) -> Path {
    [
        call.feature.clone(),
        call.model.clone(),
        call.query_type.clone(),
        call.session_id.clone(),
        call.request_id.clone(),
    ]
}

fn below(scene: &Scene, calls: &[usize], weights: &[BigRational]) -> Vec<(Path, BigRational)> {
    calls
        .iter()
        .map(|&at| path(&scene.calls[at]))
        .zip(weights.iter().cloned())
        .collect()
}

/// The weights of the covered calls by customer, NULL last.
fn calls_by_party(
    scene: &Scene,
    covered: &[usize],
    weights: &[BigRational],
) -> BTreeMap<NullLast, Vec<(Path, BigRational)>> {
    let mut parties: BTreeMap<NullLast, Vec<(Path, BigRational)>> = BTreeMap::new();
    for (&at, weight) in covered.iter().zip(weights) {
        let call = &scene.calls[at];
        let party = parties
            .entry(null_last(call.customer_id.as_ref()))
            .or_default();
        party.push((path(call), weight.clone()));
    }
    parties
}

fn sum_of(calls: &[(Path, BigRational)]) -> BigRational {
    calls.iter().map(|(_, weight)| weight).sum()
}

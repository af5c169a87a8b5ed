//! By what a charge's calls are weighed.

use num_rational::BigRational;

use super::covering::Scene;
use super::normal::{NormalCall, NormalCharge, rate};
use super::pricing::Parts;
use super::split::exact;

/// A way to weigh by list cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// The part of the charge's token type.
    Part,
    AllInput,
    Whole,
}

/// The weights of the calls that a charge covers, and what they are.
#[derive(Clone, Debug)]
pub(crate) struct Weighing {
    pub(crate) measure: &'static str,
    /// The weight of each covered call.
    pub(crate) weights: Vec<BigRational>,
    /// The list cost of each covered call that is priced at this level, in the charge's currency;
    /// zero for the others. Empty unless the measure is a list cost.
    pub(crate) list_costs: Vec<BigRational>,
}

/// "The first of these whose sum over the covered calls is not zero: list cost, or its part for the
/// charge's token type (if that part is zero: all input for input-side types, then the whole list
/// cost) · tokens · calls." None if none works.
pub(crate) fn weigh(scene: &Scene, charge: &NormalCharge, covered: &[usize]) -> Option<Weighing> {
    let levels: &[(Level, &'static str)] = match charge.token_type.as_deref() {
        None => &[(Level::Whole, "list_cost")],
        Some(
            "input" | "all_input" | "cache_read" | "cache_write" | "cache_write_5m"
            | "cache_write_1h",
        ) => &[
            (Level::Part, "list_cost"),
            (Level::AllInput, "all_input_cost"),
            (Level::Whole, "whole_list_cost"),
        ],
        Some(_) => &[
            (Level::Part, "list_cost"),
            (Level::Whole, "whole_list_cost"),
        ],
    };
    levels
        .iter()
        .find_map(|&(level, measure)| by_list_cost(scene, charge, covered, level, measure))
        .or_else(|| {
            by(scene, covered, "tokens", |call| {
                tokens(call, Level::Whole, None)
            })
        })
        .or_else(|| by(scene, covered, "calls", |call| i128::from(!call.weightless)))
}

/// Weights by list cost at a level; "an unpriced call weighs its tokens × the priced calls' average
/// list cost per token", where the tokens are those of the level.
fn by_list_cost(
    scene: &Scene,
    charge: &NormalCharge,
    covered: &[usize],
    level: Level,
    measure: &'static str,
) -> Option<Weighing> {
    let token_type = charge.token_type.as_deref();
    let tokens_of = |at: usize| exact(tokens(&scene.calls[at], level, token_type));
    let costs: Vec<Cost> = covered
        .iter()
        .map(|&at| cost(scene, charge, at, level))
        .collect();

    let mut cost_of_priced = exact(0);
    let mut tokens_of_priced = exact(0);
    for (&at, cost) in covered.iter().zip(&costs) {
        if let Cost::Known(cost) = cost {
            cost_of_priced += cost;
            tokens_of_priced += tokens_of(at);
        }
    }
    if cost_of_priced == exact(0) {
        return None;
    }
    let cost_per_token = if tokens_of_priced == exact(0) {
        exact(0)
    } else {
        cost_of_priced / tokens_of_priced
    };

    let weights = covered.iter().zip(&costs).map(|(&at, cost)| match cost {
        Cost::Known(cost) => cost.clone(),
        Cost::NoRate | Cost::Unpriced => tokens_of(at) * &cost_per_token,
    });
    let list_costs = costs.iter().map(|cost| match cost {
        Cost::Known(cost) => cost.clone(),
        Cost::NoRate | Cost::Unpriced => exact(0),
    });
    Some(Weighing {
        measure,
        weights: weights.collect(),
        list_costs: list_costs.collect(),
    })
}

fn by(
    scene: &Scene,
    covered: &[usize],
    measure: &'static str,
    weight: impl Fn(&NormalCall) -> i128,
) -> Option<Weighing> {
    let weights: Vec<BigRational> = covered
        .iter()
        .map(|&at| exact(weight(&scene.calls[at])))
        .collect();
    weights
        .iter()
        .any(|weight| *weight != exact(0))
        .then(|| Weighing {
            measure,
            weights,
            list_costs: Vec::new(),
        })
}

/// A call's list cost at a level, seen from a charge.
enum Cost {
    /// In the currency of the charge.
    Known(BigRational),
    /// There is a price, in a currency that no rate of the billing period leads from.
    NoRate,
    Unpriced,
}

/// "A price in another currency counts as no price" where no rate exists; else the cost is
/// multiplied by the exact rate. A cost that the ledger brought along has no parts, so it prices the
/// whole only.
fn cost(scene: &Scene, charge: &NormalCharge, call: usize, level: Level) -> Cost {
    if scene.calls[call].weightless {
        return Cost::Known(exact(0));
    }
    let Ok(list) = &scene.costs[call] else {
        return Cost::Unpriced;
    };
    let cost = match (level, &list.parts) {
        (Level::Whole, _) => list.whole,
        (Level::AllInput, Some(parts)) => parts.all_input(),
        (Level::Part, Some(parts)) => part(parts, charge.token_type.as_deref()),
        (Level::AllInput | Level::Part, None) => return Cost::Unpriced,
    };
    let currency = list.currency.as_ref().expect("a cost has a currency");
    match rate(scene.fx_rates, &charge.period, currency, &charge.currency) {
        Some(rate) => Cost::Known(exact(cost) * rate),
        None => Cost::NoRate,
    }
}

/// The cost of a token type: "`input` uncached, `all_input`, `cache_read`, `cache_write` all writes,
/// `cache_write_5m`, `cache_write_1h`, `output` reasoning included".
fn part(parts: &Parts, token_type: Option<&str>) -> i128 {
    match token_type {
        Some("input") => parts.input,
        Some("all_input") => parts.all_input(),
        Some("cache_read") => parts.cache_read,
        Some("cache_write") => parts.cache_write_5m + parts.cache_write_1h,
        Some("cache_write_5m") => parts.cache_write_5m,
        Some("cache_write_1h") => parts.cache_write_1h,
        Some("output") => parts.output,
        _ => 0,
    }
}

/// A call's tokens at a level, none below zero: those of the token type, all input, or input and
/// output. A call that weighs nothing has none.
fn tokens(call: &NormalCall, level: Level, token_type: Option<&str>) -> i128 {
    if call.weightless {
        return 0;
    }
    match (level, token_type) {
        (Level::Whole, _) => call.input.max(0) + call.output.max(0),
        (Level::AllInput, _) | (Level::Part, Some("all_input")) => call.input.max(0),
        (Level::Part, Some("input")) => (call.input - call.cache_read - call.cache_write).max(0),
        (Level::Part, Some("cache_read")) => call.cache_read.max(0),
        (Level::Part, Some("cache_write")) => call.cache_write.max(0),
        (Level::Part, Some("cache_write_5m")) => (call.cache_write - call.cache_write_1h).max(0),
        (Level::Part, Some("cache_write_1h")) => call.cache_write_1h.max(0),
        (Level::Part, Some("output")) => call.output.max(0),
        (Level::Part, _) => 0,
    }
}

/// The tokens that coverage compares with what the charge states: those of its token type, else
/// input and output.
pub(crate) fn covered_tokens(scene: &Scene, charge: &NormalCharge, covered: &[usize]) -> i128 {
    let token_type = charge.token_type.as_deref();
    let level = if token_type.is_some() {
        Level::Part
    } else {
        Level::Whole
    };
    covered
        .iter()
        .map(|&at| tokens(&scene.calls[at], level, token_type))
        .sum()
}

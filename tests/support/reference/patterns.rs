//! How customers use the product beside their peers, and what it would have cost otherwise.
//!
//! Figures are rounded at eighteen decimals and ratios at twelve, as the product says of itself;
//! every amount that a driver scales is rounded once. All of it is added up call by call.

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::month_of;
use super::model::{Call, Price, World};
use super::normal::{NormalCall, normal_call, normal_prices};
use super::pricing::{is_invalid, row_in_force};
use super::split::{exact, round_half_even};
use num_rational::BigRational;

pub(crate) const FIGURES: [&str; 6] = [
    "sessions",
    "context",
    "cache_hit_rate",
    "reasoning_token_share",
    "reasoning_call_share",
    "output_tokens",
];

pub(crate) const PATTERNS: [&str; 4] = [
    "high session frequency",
    "long context",
    "low cache hit rate",
    "reasoning-heavy",
];

/// Which drivers a scenario moves: sessions, context, cache, reasoning.
pub(crate) const SCENARIOS: [(&str, [bool; 4]); 8] = [
    ("as it is", [false, false, false, false]),
    ("sessions", [true, false, false, false]),
    ("context", [false, true, false, false]),
    ("cache", [false, false, true, false]),
    ("reasoning", [false, false, false, true]),
    ("to context", [true, true, false, false]),
    ("to cache", [true, true, true, false]),
    ("to reasoning", [true, true, true, true]),
];

const FINE: i128 = 1_000_000_000_000_000_000;
const RATIO: i128 = 1_000_000_000_000;

/// One figure of a customer: its own in 10^-18, the median of its peers in 10^-19, the ratio in 10^-12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) own: Option<i128>,
    pub(crate) median: Option<i128>,
    pub(crate) ratio: Option<i128>,
    pub(crate) population: Option<&'static str>,
    pub(crate) peers: Option<usize>,
}

/// A customer's calls of a month, and its figures in the order of [`FIGURES`].
pub(crate) struct Use {
    calls: Vec<(Call, NormalCall)>,
    pub(crate) figures: Vec<Figure>,
}

/// Every customer that called, by period and id.
pub(crate) fn uses(
    world: &World,
    periods: &[String],
    min_customers: usize,
) -> BTreeMap<(String, String), Use> {
    let mut uses: BTreeMap<(String, String), Use> = BTreeMap::new();
    for call in &world.calls {
        let normal = normal_call(&world.aliases, call);
        let period = month_of(normal.charged_at);
        let Some(customer) = normal.customer_id.clone() else {
            continue;
        };
        if periods.contains(&period) {
            let one = uses.entry((period, customer)).or_insert(Use {
                calls: vec![],
                figures: vec![],
            });
            one.calls.push((call.clone(), normal));
        }
    }
    let own: BTreeMap<_, _> = uses
        .iter()
        .map(|(key, one)| (key.clone(), own_figures(&one.calls)))
        .collect();
    let terms = |customer: &str| {
        let known = world
            .customers
            .iter()
            .find(|row| row.customer_id == customer);
        known.map_or((None, None), |row| (row.plan.clone(), row.tier.clone()))
    };
    for ((period, customer), one) in &mut uses {
        let (plan, tier) = terms(customer);
        for at in 0..FIGURES.len() {
            let mine = own[&(period.clone(), customer.clone())][at];
            let among = |belongs: &dyn Fn(&str) -> bool| {
                let peers = own.iter().filter(|((p, c), _)| p == period && belongs(c));
                let mut values: Vec<_> = peers.filter_map(|(_, figures)| figures[at]).collect();
                values.sort_unstable();
                values
            };
            let of_plan = among(&|other| plan.is_some() && terms(other).0 == plan);
            let of_tier = among(&|other| tier.is_some() && terms(other).1 == tier);
            let (population, values) = if of_plan.len() >= min_customers {
                ("plan", of_plan)
            } else if of_tier.len() >= min_customers {
                ("tier", of_tier)
            } else {
                ("all", among(&|_| true))
            };
            let median = mine.map(|_| {
                let last = values.len() - 1;
                (values[last / 2] + values[last.div_ceil(2)]) * 5
            });
            one.figures.push(Figure {
                own: mine,
                median,
                ratio: mine
                    .zip(median)
                    .filter(|(_, m)| *m != 0)
                    .map(|(own, median)| {
                        rounded(&(exact(own) * exact(10 * RATIO) / exact(median)))
                    }),
                population: mine.map(|_| population),
                peers: mine.map(|_| values.len()),
            });
        }
    }
    uses
}

fn rounded(number: &BigRational) -> i128 {
    round_half_even(number)
}

fn own_figures(calls: &[(Call, NormalCall)]) -> Vec<Option<i128>> {
    let valid = || calls.iter().filter(|(_, call)| !is_invalid(call));
    let sum = |tokens: &dyn Fn(&NormalCall) -> i128| -> i128 {
        valid().map(|(_, call)| tokens(call)).sum()
    };
    let share = |part: i128, whole: i128| {
        (whole != 0).then(|| rounded(&(exact(part) * exact(FINE) / exact(whole))))
    };
    let ids = calls.iter().filter_map(|(_, call)| call.session_id.clone());
    let sessions = i128::try_from(ids.collect::<BTreeSet<_>>().len()).unwrap();
    let input = sum(&|call| call.input);
    let output = sum(&|call| call.output);
    let in_sessions = sum(&|call| {
        if call.session_id.is_some() {
            call.input
        } else {
            0
        }
    });
    let hits = sum(&|call| {
        if call.response_cached {
            call.input
        } else {
            call.cache_read
        }
    });
    let reads_are_told =
        valid().any(|(raw, call)| !call.response_cached && raw.cache_read_tokens.is_some());
    let reasoning_is_told = valid().any(|(raw, _)| raw.reasoning_tokens.is_some());
    let types_are_told = calls.iter().any(|(_, call)| call.query_type.is_some());
    vec![
        (sessions > 0).then_some(sessions * FINE),
        share(in_sessions, sessions),
        share(hits, input).filter(|_| reads_are_told),
        share(sum(&|call| call.reasoning), output).filter(|_| reasoning_is_told),
        share(reasoning_calls(calls), count(calls)).filter(|_| types_are_told),
        Some(output * FINE),
    ]
}

fn count(calls: &[(Call, NormalCall)]) -> i128 {
    i128::try_from(calls.len()).unwrap()
}

fn is_reasoning(call: &NormalCall) -> bool {
    call.query_type.as_deref() == Some("reasoning")
}

fn reasoning_calls(calls: &[(Call, NormalCall)]) -> i128 {
    i128::try_from(calls.iter().filter(|(_, call)| is_reasoning(call)).count()).unwrap()
}

/// `found`, `not found` or `not measured`, in the order of [`PATTERNS`], with the default thresholds.
pub(crate) fn findings(used: &Use) -> [&'static str; 4] {
    let [sessions, context, cache, tokens, calls, output] = &used.figures[..] else {
        panic!("a customer has six figures");
    };
    let told = |is_found: Option<bool>| match is_found {
        None => "not measured",
        Some(true) => "found",
        Some(false) => "not found",
    };
    let often = |figure: &Figure| {
        let ratio = |_| figure.ratio.is_some_and(|ratio| ratio >= 3 * RATIO);
        figure.own.map(ratio)
    };
    let low = |own: i128| own < FINE / 10 && 10 * own < cache.median.unwrap();
    let heavy = |share: i128| {
        10 * share >= 3 * FINE
            && output.median.unwrap() > 0
            && 10 * output.own.unwrap() > output.median.unwrap()
    };
    [
        told(often(sessions)),
        told(often(context)),
        told(cache.own.map(low)),
        told(tokens.own.or(calls.own).map(heavy)),
    ]
}

/// The cost of a customer's calls by what it scales with.
#[derive(Clone, Copy, Default)]
struct Kinds {
    uncached: i128,
    uncached_if_read: i128,
    read: i128,
    read_if_uncached: i128,
    write: i128,
    answer: i128,
    reasoning: i128,
    other: i128,
}

/// The list cost of each scenario, in the order of [`SCENARIOS`]: nothing for a customer without a call
/// that has a price, and `None` inside where prices are in several currencies.
pub(crate) fn scenario_costs(world: &World, used: &Use) -> Option<[Option<i128>; 8]> {
    let prices = normal_prices(world);
    let costs = SCENARIOS.map(|(_, moves)| scenario_cost(&prices, used, moves));
    costs[0].is_some().then(|| costs.map(Option::flatten))
}

#[allow(
    clippy::option_option,
    reason = "no cost at all is not a cost in several currencies"
)]
fn scenario_cost(prices: &[Price], used: &Use, moves: [bool; 4]) -> Option<Option<i128>> {
    let [moves_sessions, moves_context, moves_cache, moves_reasoning] = moves;
    let [sessions, context, cache, tokens, calls, _] = &used.figures[..] else {
        panic!("a customer has six figures");
    };
    // Median ÷ own, where there is something to scale.
    let scale = |figure: &Figure| {
        let own = figure.own.filter(|own| *own > 0)?;
        Some(exact(figure.median.unwrap()) / exact(10 * own))
    };
    let sum = |tokens: &dyn Fn(&NormalCall) -> i128| -> i128 {
        let valid = used.calls.iter().filter(|(_, call)| !is_invalid(call));
        valid.map(|(_, call)| tokens(call)).sum()
    };
    let provided = |call: &NormalCall, tokens: i128| if call.response_cached { 0 } else { tokens };
    let uncached = sum(&|call| provided(call, call.input - call.cache_read - call.cache_write));
    let read = sum(&|call| provided(call, call.cache_read));
    let missing = cache.own.map_or(exact(0), |own| {
        exact(sum(&|call| call.input)) * (exact(cache.median.unwrap()) - exact(10 * own))
            / exact(10 * FINE)
    });
    let share = |median: &Figure| median.median.map(|median| exact(median) / exact(10 * FINE));
    // Answers (or other calls) × share ÷ (1 − share), over the reasoning that there is.
    let factor = |others: i128, reasoning: i128, share: Option<BigRational>| {
        let share = share?;
        let all = exact(reasoning) * (exact(1) - &share);
        (all > exact(0)).then(|| exact(others) * share / all)
    };
    let reasoning = sum(&|call| call.reasoning);
    let of_tokens = factor(
        sum(&|call| call.output) - reasoning,
        reasoning,
        share(tokens),
    );
    let of_calls = if tokens.own.is_none() {
        let reasoning = reasoning_calls(&used.calls);
        factor(count(&used.calls) - reasoning, reasoning, share(calls))
    } else {
        None
    };

    let length = scale(context).filter(|_| moves_context);
    let kinds = kinds(prices, used, length.as_ref());
    if kinds.is_empty() {
        return None;
    }
    let mut currencies = BTreeSet::new();
    let mut total = 0;
    for ((is_reasoning, currency), cost) in kinds {
        currencies.insert(currency);
        let times = |amount: i128, factor: &BigRational| rounded(&(exact(amount) * factor));
        let mut input = cost.uncached + cost.read + cost.write;
        if moves_cache && missing > exact(0) && uncached > 0 {
            let part = missing.clone().min(exact(uncached)) / exact(uncached);
            input += times(cost.uncached_if_read - cost.uncached, &part);
        } else if moves_cache && missing < exact(0) && read > 0 {
            let part = (-missing.clone()).min(exact(read)) / exact(read);
            input += times(cost.read_if_uncached - cost.read, &part);
        }
        if let Some(length) = &length {
            input = times(input, length);
        }
        let reasoning = match &of_tokens {
            Some(factor) if moves_reasoning => times(cost.reasoning, factor),
            _ => cost.reasoning,
        };
        let cost = input + cost.answer + reasoning + cost.other;
        total += match &of_calls {
            Some(factor) if moves_reasoning && is_reasoning => times(cost, factor),
            _ => cost,
        };
    }
    if let Some(scale) = scale(sessions).filter(|_| moves_sessions) {
        total = rounded(&(exact(total) * scale));
    }
    Some((currencies.len() == 1).then_some(total))
}

/// By whether the calls are of the type reasoning, and by currency; each call at the price of its
/// length, times `length` where that is moved.
fn kinds(
    prices: &[Price],
    used: &Use,
    length: Option<&BigRational>,
) -> BTreeMap<(bool, String), Kinds> {
    let mut kinds: BTreeMap<(bool, String), Kinds> = BTreeMap::new();
    for (_, call) in &used.calls {
        if call.response_cached || call.weightless || is_invalid(call) {
            continue;
        }
        let stated = call.list_cost.filter(|cost| *cost >= 0);
        let (row, currency) = match (row_in_force(prices, call), stated) {
            (Ok(row), _) => (Some(row), row.currency.clone()),
            (Err(_), Some(_)) => (None, "USD".to_owned()),
            (Err(_), None) => continue,
        };
        let scaled = length.map(|length| NormalCall {
            input: whole_tokens(call.input, length),
            ..call.clone()
        });
        let at_length = scaled
            .as_ref()
            .and_then(|call| row_in_force(prices, call).ok());
        let row = row.map(|row| at_length.unwrap_or(row));
        let currency = row.map_or(currency, |row| row.currency.clone());
        let sum = kinds.entry((is_reasoning(call), currency)).or_default();
        let Some(row) = row else {
            sum.other += stated.unwrap_or(0);
            continue;
        };
        let cost = |tokens: i128, price: i64| tokens * i128::from(price);
        let uncached = call.input - call.cache_read - call.cache_write;
        let write = row.cache_write_per_mtok.unwrap_or(row.input_per_mtok);
        let read = row.cache_read_per_mtok.unwrap_or(row.input_per_mtok);
        sum.uncached += cost(uncached, row.input_per_mtok);
        sum.uncached_if_read += cost(uncached, read);
        sum.read += cost(call.cache_read, read);
        sum.read_if_uncached += cost(call.cache_read, row.input_per_mtok);
        sum.write += cost(call.cache_write - call.cache_write_1h, write)
            + cost(
                call.cache_write_1h,
                row.cache_write_1h_per_mtok.unwrap_or(write),
            );
        sum.answer += cost(call.output - call.reasoning, row.output_per_mtok);
        sum.reasoning += cost(
            call.reasoning,
            row.reasoning_per_mtok.unwrap_or(row.output_per_mtok),
        );
        sum.other += row.per_request.unwrap_or(0);
    }
    kinds
}

/// Rounded at six decimals, and up from there.
fn whole_tokens(tokens: i128, length: &BigRational) -> i128 {
    let millionths = rounded(&(exact(tokens) * length * exact(1_000_000)));
    -(-millionths).div_euclid(1_000_000)
}

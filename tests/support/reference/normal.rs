//! Rows made comparable: empty text is NULL, aliases are applied, equal charges are one charge,
//! amounts are on the asked basis and in the asked currency, long charges are spread by day.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use num_rational::BigRational;

use super::calendar::{DAY, month, month_of};
use super::model::{Alias, Basis, Call, Charge, FxRate, Options, Price, ProviderUsage, World};
use super::split::{exact, hamilton, round_half_even};

/// A call of the ledger as the rule sees it.
#[derive(Clone, Debug)]
pub(crate) struct NormalCall {
    pub(crate) request_id: Option<String>,
    pub(crate) called_at: i64,
    /// The instant that decides charge periods and the calendar month.
    pub(crate) charged_at: i64,
    pub(crate) customer_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) provider: String,
    pub(crate) model: Option<String>,
    pub(crate) sub_account: Option<String>,
    /// As the ledger states it; only this tells whether a provider's calls carry a tier.
    pub(crate) stated_tier: Option<String>,
    pub(crate) feature: Option<String>,
    pub(crate) query_type: Option<String>,
    pub(crate) input: i128,
    pub(crate) cache_read: i128,
    pub(crate) cache_write: i128,
    pub(crate) cache_write_1h: i128,
    pub(crate) output: i128,
    pub(crate) reasoning: i128,
    /// Answered from the product's own cache.
    pub(crate) response_cached: bool,
    /// An error that reports no tokens.
    pub(crate) weightless: bool,
    pub(crate) list_cost: Option<i128>,
}

impl NormalCall {
    /// "service_tier NULL = standard".
    pub(crate) fn tier(&self) -> &str {
        self.stated_tier.as_deref().unwrap_or("standard")
    }
}

/// A charge as the rule sees it: one row or several equal ones, or one month of a spread charge.
#[derive(Clone, Debug)]
pub(crate) struct NormalCharge {
    /// The first row of the bill that is part of this charge.
    pub(crate) index: usize,
    pub(crate) provider: String,
    pub(crate) sub_account: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) service_tier: Option<String>,
    pub(crate) token_type: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) customer_tag: Option<String>,
    pub(crate) in_scope: bool,
    pub(crate) category: String,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) period: String,
    pub(crate) amount: i128,
    pub(crate) currency: String,
    /// The tokens that the charge itself says were consumed, where its unit says tokens; else those
    /// that the provider reports for what the charge states.
    pub(crate) stated_tokens: Option<BigRational>,
    /// Commitment that nothing used.
    pub(crate) unused: bool,
}

impl NormalCharge {
    pub(crate) fn is_usage(&self) -> bool {
        self.category == "Usage"
    }

    pub(crate) fn is_usage_or_purchase(&self) -> bool {
        self.category == "Usage" || self.category == "Purchase"
    }

    /// The stated values of sub account, model, tier and token type, tested or not.
    pub(crate) fn stated(&self) -> [&Option<String>; 4] {
        [
            &self.sub_account,
            &self.model,
            &self.service_tier,
            &self.token_type,
        ]
    }

    /// Whether this charge states, with the same values, all that `other` states; it may state more.
    pub(crate) fn states_all_of(&self, other: &NormalCharge) -> bool {
        self.stated()
            .iter()
            .zip(other.stated())
            .all(|(mine, theirs)| theirs.is_none() || *mine == theirs)
    }
}

/// "An empty string is NULL."
pub(crate) fn text(value: Option<&String>) -> Option<String> {
    value.filter(|value| !value.is_empty()).cloned()
}

pub(crate) fn is_glob(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether a glob (`*` any run, `?` one character) or a plain name matches a name.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            name.char_indices()
                .any(|(at, _)| matches(rest, &name[at..]))
                || matches(rest, "")
        }
        Some(wanted) => {
            let mut tail = name.chars();
            tail.next()
                .is_some_and(|found| wanted == '?' || wanted == found)
                && matches(rest.as_str(), tail.as_str())
        }
    }
}

/// "Aliases are applied before any comparison": of the aliases of a kind in force at an instant, an
/// exact name comes before a glob, a longer glob before a shorter, then byte order, then the latest.
/// One step, never a chain.
fn alias(aliases: &[Alias], kind: &str, name: &str, at: i64) -> Option<String> {
    aliases
        .iter()
        .filter(|alias| alias.kind == kind)
        .filter(|alias| alias.effective_from.is_none_or(|from| from <= at))
        .filter(|alias| matches(&alias.name, name))
        .min_by_key(|alias| {
            (
                is_glob(&alias.name),
                Reverse(alias.name.chars().count()),
                &alias.name,
                Reverse(alias.effective_from),
                &alias.canonical,
            )
        })
        .map(|alias| match alias.canonical.as_str() {
            "*" => taken(&alias.name, name),
            canonical => canonical.to_owned(),
        })
}

/// "A canonical name `*` is what the `*` of the alias's name stands for."
fn taken(glob: &str, name: &str) -> String {
    let before = glob.chars().take_while(|letter| *letter != '*').count();
    let after = glob.chars().count() - before - 1;
    let length = name.chars().count() - before - after;
    name.chars().skip(before).take(length).collect()
}

/// "`default` is another name of the standard tier."
fn tier(name: Option<&String>) -> Option<String> {
    text(name).map(|name| match name.as_str() {
        "default" => "standard".to_owned(),
        _ => name,
    })
}

fn canonical(aliases: &[Alias], kind: &str, name: &str, at: i64) -> String {
    alias(aliases, kind, name, at).unwrap_or_else(|| name.to_owned())
}

fn canonical_text(aliases: &[Alias], kind: &str, name: Option<&String>, at: i64) -> Option<String> {
    text(name).map(|name| canonical(aliases, kind, &name, at))
}

/// A ledger row with NULL tokens as zero and its names made canonical at the time of the call; "the
/// time of a call is completed_at where present"; an error whose input and output are nothing is
/// weightless.
pub(crate) fn normal_call(aliases: &[Alias], call: &Call) -> NormalCall {
    let at = call.called_at;
    let tokens = |count: Option<i64>| i128::from(count.unwrap_or(0));
    let input = tokens(call.input_tokens);
    let output = tokens(call.output_tokens);
    NormalCall {
        request_id: text(call.request_id.as_ref()),
        called_at: at,
        charged_at: call.completed_at.unwrap_or(at),
        customer_id: canonical_text(aliases, "customer", call.customer_id.as_ref(), at),
        session_id: text(call.session_id.as_ref()),
        provider: canonical(aliases, "provider", &call.provider, at),
        model: canonical_text(aliases, "model", call.model.as_ref(), at),
        sub_account: canonical_text(aliases, "sub_account", call.sub_account.as_ref(), at),
        stated_tier: tier(call.service_tier.as_ref()),
        feature: text(call.feature.as_ref()),
        query_type: text(call.query_type.as_ref()),
        input,
        cache_read: tokens(call.cache_read_tokens),
        cache_write: tokens(call.cache_write_tokens),
        cache_write_1h: tokens(call.cache_write_1h_tokens),
        output,
        reasoning: tokens(call.reasoning_tokens),
        response_cached: call.response_cached == Some(true),
        weightless: call.status.as_deref() == Some("error") && input + output == 0,
        list_cost: call.list_cost,
    }
}

pub(crate) fn normal_calls(world: &World) -> Vec<NormalCall> {
    world
        .calls
        .iter()
        .map(|call| normal_call(&world.aliases, call))
        .collect()
}

/// The price book with canonical names at the row's own start; a glob is no name and stays.
pub(crate) fn normal_prices(world: &World) -> Vec<Price> {
    let prices = world.prices.iter().map(|price| {
        let at = price.effective_from;
        let model = if is_glob(&price.model) {
            price.model.clone()
        } else {
            canonical(&world.aliases, "model", &price.model, at)
        };
        Price {
            provider: canonical(&world.aliases, "provider", &price.provider, at),
            model,
            service_tier: tier(price.service_tier.as_ref()).filter(|tier| tier != "standard"),
            source: text(price.source.as_ref()),
            ..price.clone()
        }
    });
    prices.collect()
}

/// The rate from one currency to another in a period; a currency is worth itself.
pub(crate) fn rate(rates: &[FxRate], period: &str, from: &str, to: &str) -> Option<BigRational> {
    if from == to {
        return Some(exact(1));
    }
    rates
        .iter()
        .find(|rate| rate.period == period && rate.from_currency == from && rate.to_currency == to)
        .map(|found| BigRational::new(found.rate.into(), 1_000_000_000_000_i128.into()))
}

/// A row of the bill with empty text as NULL, canonical names at the start of its period, scope
/// NULL as inference, and the customer of its sub account where it has no tag.
fn normal_row(aliases: &[Alias], charge: &Charge) -> Charge {
    let at = charge.charge_period_start;
    let sub_account = canonical_text(aliases, "sub_account", charge.sub_account.as_ref(), at);
    let owner = sub_account
        .as_ref()
        .and_then(|account| alias(aliases, "sub_account_customer", account, at));
    Charge {
        charge_id: text(charge.charge_id.as_ref()),
        provider: canonical(aliases, "provider", &charge.provider, at),
        model: canonical_text(aliases, "model", charge.model.as_ref(), at),
        service_tier: tier(charge.service_tier.as_ref()),
        token_type: text(charge.token_type.as_ref()),
        request_id: text(charge.request_id.as_ref()),
        customer_tag: canonical_text(aliases, "customer", charge.customer_tag.as_ref(), at)
            .or(owner),
        scope: text(charge.scope.as_ref()).or_else(|| Some("inference".to_owned())),
        consumed_unit: text(charge.consumed_unit.as_ref()),
        invoice_id: text(charge.invoice_id.as_ref()),
        commitment_discount_status: text(charge.commitment_discount_status.as_ref()),
        sub_account,
        ..charge.clone()
    }
}

/// Whether two rows differ in nothing but amounts and quantities.
fn same_charge(one: &Charge, other: &Charge) -> bool {
    let bare = |charge: &Charge| Charge {
        billed_cost: 0,
        effective_cost: None,
        consumed_quantity: None,
        ..charge.clone()
    };
    one.provider == other.provider && bare(one) == bare(other)
}

/// "Rows equal in every dimension, period, category and currency are summed first." A row without
/// an effective cost adds its billed cost to the effective sum of the others, so that no money is
/// lost on either basis; quantities that are NULL add nothing.
fn summed(world: &World) -> Vec<(usize, Charge)> {
    let mut sums: Vec<(usize, Charge)> = Vec::new();
    for (index, charge) in world.charges.iter().enumerate() {
        let row = normal_row(&world.aliases, charge);
        let Some((_, sum)) = sums.iter_mut().find(|(_, sum)| same_charge(sum, &row)) else {
            sums.push((index, row));
            continue;
        };
        if sum.effective_cost.is_some() || row.effective_cost.is_some() {
            let effective = |charge: &Charge| charge.effective_cost.unwrap_or(charge.billed_cost);
            sum.effective_cost = Some(effective(sum) + effective(&row));
        }
        sum.billed_cost += row.billed_cost;
        sum.consumed_quantity = match (sum.consumed_quantity, row.consumed_quantity) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
    }
    sums
}

/// The tokens in a consumed quantity; an unknown unit, or none, says nothing about tokens.
fn stated_tokens(charge: &Charge) -> Option<BigRational> {
    let factor = match charge.consumed_unit.as_ref()?.to_lowercase().as_str() {
        "token" | "tokens" => 1_i128,
        "1k tokens" | "1000 tokens" | "1000_tokens" => 1_000,
        "1m tokens" | "1000000 tokens" => 1_000_000,
        _ => return None,
    };
    let quantity = charge.consumed_quantity?;
    Some(BigRational::new(
        (quantity * factor).into(),
        1_000_000_000_000_i128.into(),
    ))
}

/// Every charge of the bill, of whatever period and scope: equal rows summed, the amount on the
/// asked basis, converted once where a rate is known, and then spread by day where it is longer
/// than its billing period and has no effective cost.
pub(crate) fn normal_charges(world: &World, options: &Options) -> Vec<NormalCharge> {
    let mut charges = Vec::new();
    for (index, row) in summed(world) {
        let (amount, currency) = converted(world, options, &row);
        let charge = NormalCharge {
            index,
            stated_tokens: stated_tokens(&row),
            in_scope: row.scope.as_deref() == Some("inference"),
            unused: row.commitment_discount_status.as_deref() == Some("Unused"),
            provider: row.provider,
            sub_account: row.sub_account,
            model: row.model,
            service_tier: row.service_tier,
            token_type: row.token_type,
            request_id: row.request_id,
            customer_tag: row.customer_tag,
            category: row.charge_category,
            start: row.charge_period_start,
            end: row.charge_period_end,
            period: row.billing_period,
            amount,
            currency,
        };
        let (month_start, month_end) = month(&charge.period);
        let long = charge.end - charge.start > month_end - month_start;
        if options.basis == Basis::Effective && row.effective_cost.is_none() && long {
            charges.extend(spread(&charge));
        } else {
            charges.push(charge);
        }
    }
    for charge in &mut charges {
        if charge.stated_tokens.is_none() {
            charge.stated_tokens = reported_tokens(world, charge);
        }
    }
    charges
}

/// "tokens that the charge (or `provider_usage`) states": the sum of the report's rows that agree
/// with every dimension the charge states and lie within its period. The report knows no customers,
/// no requests, and of the token types only all input and output; credits and taxes consume nothing.
fn reported_tokens(world: &World, charge: &NormalCharge) -> Option<BigRational> {
    if !charge.is_usage_or_purchase()
        || charge.request_id.is_some()
        || charge.customer_tag.is_some()
    {
        return None;
    }
    let mut sum = None;
    for row in &world.provider_usage {
        let named = |kind, name: &Option<String>| {
            canonical_text(&world.aliases, kind, name.as_ref(), row.period_start)
        };
        let agrees = |stated: &Option<String>, reported: Option<String>| {
            stated.is_none() || *stated == reported
        };
        let agreeing = charge.provider
            == canonical(&world.aliases, "provider", &row.provider, row.period_start)
            && agrees(&charge.sub_account, named("sub_account", &row.sub_account))
            && agrees(&charge.model, named("model", &row.model))
            && agrees(&charge.service_tier, tier(row.service_tier.as_ref()))
            && charge.start <= row.period_start
            && row.period_end <= charge.end;
        if let Some(tokens) = tokens_of_type(row, charge.token_type.as_deref())
            && agreeing
        {
            sum = Some(sum.unwrap_or(exact(0)) + exact(tokens));
        }
    }
    sum
}

fn tokens_of_type(row: &ProviderUsage, token_type: Option<&str>) -> Option<i64> {
    match (token_type, row.input_tokens, row.output_tokens) {
        (None, Some(input), Some(output)) => Some(input + output),
        (None, input, output) => input.or(output),
        (Some("all_input"), input, _) => input,
        (Some("output"), _, output) => output,
        _ => None,
    }
}

/// "Under effective the amount is the effective cost, else the billed cost"; "each charge is
/// converted once, before its split, half to even"; without a rate it keeps its currency.
fn converted(world: &World, options: &Options, row: &Charge) -> (i128, String) {
    let amount = match options.basis {
        Basis::Billed => row.billed_cost,
        Basis::Effective => row.effective_cost.unwrap_or(row.billed_cost),
    };
    let wanted = options.currency.as_ref().unwrap_or(&row.currency);
    match rate(&world.fx_rates, &row.billing_period, &row.currency, wanted) {
        Some(rate) => (round_half_even(&(exact(amount) * rate)), wanted.clone()),
        None => (amount, row.currency.clone()),
    }
}

/// "Spread evenly by day, exactly": largest remainder over the days in their order, each with the
/// microseconds that it shares with the charge; the days of a month are one charge of that month.
fn spread(charge: &NormalCharge) -> Vec<NormalCharge> {
    let mut days: Vec<(i64, i64)> = Vec::new();
    let mut midnight = charge.start.div_euclid(DAY) * DAY;
    while midnight < charge.end {
        let overlap = charge.end.min(midnight + DAY) - charge.start.max(midnight);
        days.push((midnight, overlap));
        midnight += DAY;
    }
    let weights: Vec<BigRational> = days.iter().map(|&(_, overlap)| exact(overlap)).collect();

    let mut months: BTreeMap<String, i128> = BTreeMap::new();
    for ((midnight, _), part) in days.into_iter().zip(hamilton(charge.amount, &weights)) {
        *months.entry(month_of(midnight)).or_default() += part;
    }
    let pieces = months.into_iter().map(|(period, amount)| {
        let (month_start, month_end) = month(&period);
        NormalCharge {
            start: charge.start.max(month_start),
            end: charge.end.min(month_end),
            period,
            amount,
            // The quantity is that of the whole payment, and of no month.
            stated_tokens: None,
            ..charge.clone()
        }
    });
    pieces.collect()
}

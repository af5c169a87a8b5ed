//! The price book: which row prices a call, and what each kind of token costs.

use std::cmp::Reverse;

use super::calendar::{DAY, time_of_day};
use super::model::{Call, Price, World};
use super::normal::{NormalCall, is_glob, matches, normal_call, normal_calls, normal_prices};

/// What a call costs at list price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListCost {
    pub(crate) whole: i128,
    /// The cost by kind of token; a cost that the ledger brought along has none.
    pub(crate) parts: Option<Parts>,
    /// NULL only for a call that costs nothing whatever its price, and that the book does not know.
    pub(crate) currency: Option<String>,
}

/// The cost of each kind of token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) input: i128,
    pub(crate) cache_read: i128,
    pub(crate) cache_write_5m: i128,
    pub(crate) cache_write_1h: i128,
    pub(crate) output: i128,
    pub(crate) per_request: i128,
}

impl Parts {
    pub(crate) fn all_input(&self) -> i128 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }

    fn whole(&self) -> i128 {
        self.all_input() + self.output + self.per_request
    }
}

/// What a call costs at list price, in the currency of its price, or why it has none.
pub(crate) fn list_cost(world: &World, call: &Call) -> Result<i128, &'static str> {
    let call = normal_call(&world.aliases, call);
    price(&normal_prices(world), &call).map(|cost| cost.whole)
}

/// [`list_cost`] of every call of the ledger, with its currency.
pub(crate) fn list_costs(world: &World) -> Vec<Result<ListCost, &'static str>> {
    let prices = normal_prices(world);
    normal_calls(world)
        .iter()
        .map(|call| price(&prices, call))
        .collect()
}

/// "The price book, else the ledger's own list cost, else unpriced with the reason." A response from
/// the product's cache and an error without tokens cost nothing; invalid usage has no price at all.
pub(crate) fn price(prices: &[Price], call: &NormalCall) -> Result<ListCost, &'static str> {
    let row = row_in_force(prices, call);
    let own = call.list_cost.filter(|cost| *cost >= 0);
    if call.response_cached || call.weightless {
        let currency = match (&row, own) {
            (Ok(row), _) if !is_invalid(call) => Some(row.currency.clone()),
            (_, Some(_)) => Some("USD".to_owned()),
            (_, None) => None,
        };
        return Ok(ListCost {
            whole: 0,
            parts: Some(Parts::default()),
            currency,
        });
    }
    if is_invalid(call) {
        return Err("invalid usage");
    }
    match (row, own) {
        (Ok(row), _) => {
            let parts = parts(row, call);
            let currency = Some(row.currency.clone());
            Ok(ListCost {
                whole: parts.whole(),
                parts: Some(parts),
                currency,
            })
        }
        (Err(_), Some(cost)) => Ok(ListCost {
            whole: cost,
            parts: None,
            currency: Some("USD".to_owned()),
        }),
        (Err(reason), None) => Err(reason),
    }
}

/// "Negative tokens, or a subset above its total, make a call unpriced."
pub(crate) fn is_invalid(call: &NormalCall) -> bool {
    let counts = [
        call.input,
        call.cache_read,
        call.cache_write,
        call.cache_write_1h,
        call.output,
        call.reasoning,
    ];
    counts.iter().any(|count| *count < 0)
        || call.cache_read + call.cache_write > call.input
        || call.cache_write_1h > call.cache_write
        || call.reasoning > call.output
}

/// The row of the book that prices a call, step by step as the `prices` paragraph lists them: rows of
/// the provider and model (`model`), in force at the call and at its time of day (`date`), of the
/// most specific name, of the call's tier or without tier (`tier`), of the highest threshold that the
/// input exceeds (`threshold`), the latest, one with hours before one without, the lowest source, the lowest prices.
pub(crate) fn row_in_force<'a>(
    prices: &'a [Price],
    call: &NormalCall,
) -> Result<&'a Price, &'static str> {
    let model = call.model.as_ref().ok_or("model")?;
    let named: Vec<&Price> = prices
        .iter()
        .filter(|row| row.provider == call.provider && matches(&row.model, model))
        .collect();
    if named.is_empty() {
        return Err("model");
    }

    let in_force: Vec<&Price> = named
        .into_iter()
        .filter(|row| row.effective_from <= call.called_at)
        .filter(|row| row.effective_to.is_none_or(|to| call.called_at < to))
        .filter(|row| holds_at(row, time_of_day(call.called_at)))
        .collect();
    let best_name = in_force
        .iter()
        .map(|row| {
            (
                is_glob(&row.model),
                Reverse(row.model.chars().count()),
                &row.model,
            )
        })
        .min()
        .ok_or("date")?
        .2;
    let of_best_name: Vec<&Price> = in_force
        .iter()
        .copied()
        .filter(|row| row.model == *best_name)
        .collect();

    let of_tier = |tier: Option<&str>| -> Vec<&Price> {
        of_best_name
            .iter()
            .copied()
            .filter(|row| row.service_tier.as_deref() == tier)
            .collect()
    };
    let own_tier = Some(call.tier()).filter(|tier| *tier != "standard");
    let mut of_usable_tier = of_tier(own_tier);
    if of_usable_tier.is_empty() {
        of_usable_tier = of_tier(None);
    }
    if of_usable_tier.is_empty() {
        return Err("tier");
    }

    of_usable_tier
        .into_iter()
        .filter(|row| threshold(row).is_none_or(|least| i128::from(least) < call.input))
        .min_by_key(|row| {
            (
                Reverse(threshold(row)),
                Reverse(row.effective_from),
                row.utc_from.is_none() && row.utc_to.is_none(),
                &row.source,
                rates(row),
                &row.currency,
            )
        })
        .ok_or("threshold")
}

/// Every price of a row, with its fallbacks: the last thing that can tell two rows apart.
fn rates(row: &Price) -> ([i64; 6], i128) {
    let (input, output) = (row.input_per_mtok, row.output_per_mtok);
    let write = row.cache_write_per_mtok.unwrap_or(input);
    let per_token = [
        input,
        row.cache_read_per_mtok.unwrap_or(input),
        write,
        row.cache_write_1h_per_mtok.unwrap_or(write),
        output,
        row.reasoning_per_mtok.unwrap_or(output),
    ];
    (per_token, row.per_request.unwrap_or(0))
}

/// A threshold of nothing is none.
fn threshold(row: &Price) -> Option<i64> {
    row.min_input_tokens.filter(|least| *least > 0)
}

/// "Time of day from utc_from up to utc_to, which may wrap midnight"; a missing end is midnight.
fn holds_at(row: &Price, time: i64) -> bool {
    let from = row.utc_from.unwrap_or(0);
    let to = row.utc_to.unwrap_or(DAY);
    if from <= to {
        from <= time && time < to
    } else {
        from <= time || time < to
    }
}

/// Tokens × price for each kind of token. "A missing cache or reasoning price falls back to the input
/// or output price of the same row"; one-hour writes fall back to the write price first.
fn parts(row: &Price, call: &NormalCall) -> Parts {
    let input = row.input_per_mtok;
    let output = row.output_per_mtok;
    let cache_read = row.cache_read_per_mtok.unwrap_or(input);
    let cache_write = row.cache_write_per_mtok.unwrap_or(input);
    let cache_write_1h = row.cache_write_1h_per_mtok.unwrap_or(cache_write);
    let reasoning = row.reasoning_per_mtok.unwrap_or(output);

    let cost = |tokens: i128, price: i64| tokens * i128::from(price);
    Parts {
        input: cost(call.input - call.cache_read - call.cache_write, input),
        cache_read: cost(call.cache_read, cache_read),
        cache_write_5m: cost(call.cache_write - call.cache_write_1h, cache_write),
        cache_write_1h: cost(call.cache_write_1h, cache_write_1h),
        output: cost(call.output - call.reasoning, output) + cost(call.reasoning, reasoning),
        per_request: row.per_request.unwrap_or(0),
    }
}

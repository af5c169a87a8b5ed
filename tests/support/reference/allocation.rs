//! What each customer cost, in each period and currency.

use std::collections::{BTreeMap, BTreeSet};

use super::attribution::{attribute_scene, unbilled_calls};
use super::covering::Scene;
use super::model::{Options, World};
use super::normal::{NormalCharge, rate};
use super::split::{exact, round_half_even};

/// One row of the allocation table, without what `customers` adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllocationRow {
    pub(crate) period: String,
    /// NULL for what no customer bears.
    pub(crate) customer_id: Option<String>,
    pub(crate) currency: String,
    pub(crate) cost: i128,
    pub(crate) tagged_cost: i128,
    pub(crate) request_cost: i128,
    /// For the row of nobody the sum of its unattributed parts.
    pub(crate) usage_cost: i128,
    pub(crate) estimated_cost: i128,
    pub(crate) calls: i128,
    pub(crate) input_tokens: i128,
    pub(crate) output_tokens: i128,
    pub(crate) list_cost: i128,
    pub(crate) unbilled_calls: i128,
    pub(crate) unbilled_list_cost: i128,
    pub(crate) unpriced_calls: i128,
}

type Key = (String, Option<String>, String);

/// Costs by period, customer and currency; "calls and tokens are those of the calendar month", on
/// the row of the call's currency. A row exists for every key with cost or calls, and for nobody in
/// every period and currency that the bill has.
pub(crate) fn allocation(world: &World, options: &Options) -> Vec<AllocationRow> {
    let scene = Scene::new(world, options);
    let mut rows: BTreeMap<Key, AllocationRow> = BTreeMap::new();
    for at in scene.selected() {
        let charge = &scene.charges[at];
        row_of(
            &mut rows,
            (charge.period.clone(), None, charge.currency.clone()),
        );
    }

    for part in attribute_scene(&scene) {
        let row = row_of(&mut rows, (part.period, part.customer_id, part.currency));
        row.cost += part.cost;
        match part.method {
            "tag" => row.tagged_cost += part.cost,
            "request" => row.request_cost += part.cost,
            "estimate" => row.estimated_cost += part.cost,
            _ => row.usage_cost += part.cost,
        }
    }

    // List costs are added up in the currency of their prices, and converted as one amount.
    let mut listed: BTreeMap<(Key, String), [i128; 2]> = BTreeMap::new();
    let unbilled: BTreeSet<usize> = unbilled_calls(&scene).into_iter().collect();
    for (at, call) in scene.calls.iter().enumerate() {
        let Some(month) = scene.month_asked(call) else {
            continue;
        };
        let currency = currency_of(&scene, at, &month);
        row_of(&mut rows, (month.clone(), None, currency.clone()));
        let key = (month, call.customer_id.clone(), currency);
        if let Ok(list) = &scene.costs[at] {
            let from = list.currency.clone().unwrap_or_else(|| key.2.clone());
            let [all, of_unbilled] = listed.entry((key.clone(), from)).or_default();
            *all += list.whole;
            *of_unbilled += if unbilled.contains(&at) {
                list.whole
            } else {
                0
            };
        }
        let row = row_of(&mut rows, key);
        row.calls += 1;
        row.input_tokens += call.input;
        row.output_tokens += call.output;
        row.unpriced_calls += i128::from(scene.costs[at].is_err());
        if unbilled.contains(&at) {
            row.unbilled_calls += 1;
        }
    }
    for ((key, from), [all, of_unbilled]) in listed {
        let Some(rate) = rate(scene.fx_rates, &key.0, &from, &key.2) else {
            continue;
        };
        let row = row_of(&mut rows, key);
        row.list_cost += round_half_even(&(exact(all) * &rate));
        row.unbilled_list_cost += round_half_even(&(exact(of_unbilled) * &rate));
    }
    rows.into_values().collect()
}

fn row_of(rows: &mut BTreeMap<Key, AllocationRow>, key: Key) -> &mut AllocationRow {
    let (period, customer_id, currency) = key.clone();
    rows.entry(key).or_insert(AllocationRow {
        period,
        customer_id,
        currency,
        ..AllocationRow::default()
    })
}

/// The currency of the row on which a call is counted: the least of the Usage and Purchase charges of
/// its month and provider; else that of its price; else the least of all charges of the month; else
/// dollars.
fn currency_of(scene: &Scene, call: usize, month: &str) -> String {
    let least = |counts: &dyn Fn(&NormalCharge) -> bool| {
        let charges = scene.selected().into_iter().map(|at| &scene.charges[at]);
        charges
            .filter(|charge| charge.period == month && counts(charge))
            .map(|charge| charge.currency.clone())
            .min()
    };
    let provider = &scene.calls[call].provider;
    least(&|charge| charge.provider == *provider && charge.is_usage_or_purchase())
        .or_else(|| {
            scene.costs[call]
                .as_ref()
                .ok()
                .and_then(|list| list.currency.clone())
        })
        .or_else(|| least(&|_| true))
        .unwrap_or_else(|| "USD".to_owned())
}

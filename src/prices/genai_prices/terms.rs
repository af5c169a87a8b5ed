//! Which of a model's prices hold when.

use super::super::json::Json;
use super::super::tariff::{self, Tariff};
use super::super::{BEGINNING, Condition, History, Terms, moment};
use super::SOURCE;
use super::model::Model;
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// When a price holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Always,
    From(i64),
    Daily(i64, i64),
}

impl When {
    pub(super) fn read(constraint: Option<&Json>) -> Result<Self> {
        let Some(constraint) = constraint else {
            return Ok(Self::Always);
        };
        let unknown = || {
            Error::new("a price holds under a condition that Apportion does not know")
                .hint("known are a `start_date`, and a `start_time` with an `end_time`")
        };
        if let Some(key) = constraint.entries().iter().find(|(key, value)| {
            *value != Json::Null
                && !["start_date", "start_time", "end_time"].contains(&key.as_str())
        }) {
            return Err(Error::new(format!(
                "`{}` is no condition that Apportion knows",
                key.0
            )));
        }
        let text = |name| constraint.get(name).and_then(Json::text);
        match (text("start_date"), text("start_time"), text("end_time")) {
            (Some(date), None, None) => Ok(Self::From(moment::instant(date).ok_or_else(unknown)?)),
            (None, Some(from), Some(to)) => Ok(Self::Daily(
                moment::time_of_day(from).ok_or_else(unknown)?,
                moment::time_of_day(to).ok_or_else(unknown)?,
            )),
            _ => Err(unknown()),
        }
    }
}

impl Model {
    /// The terms from each date on which something changes.
    pub(super) fn history(&self, with_tiers: bool) -> Result<History> {
        let tiers: &[_] = if with_tiers { &self.tiers } else { &[] };
        let dates = self.prices.iter().map(|(when, _)| *when);
        let dates = dates.chain(tiers.iter().map(|(_, when, _)| *when));
        let mut starts: BTreeSet<i64> = dates
            .filter_map(|when| match when {
                When::From(start) => Some(start),
                _ => None,
            })
            .collect();
        starts.insert(BEGINNING);
        starts
            .into_iter()
            .map(|start| Ok((start, self.terms(start, tiers)?)))
            .collect()
    }

    fn terms(&self, at: i64, tiers: &[(String, When, Tariff)]) -> Result<Terms> {
        let holds = |when: When| match when {
            When::From(start) => start <= at,
            When::Always | When::Daily(..) => true,
        };
        // The last that holds counts: what stands above it is covered, times of day below it lie
        // over it.
        let mut base = self.prices.first().map(|(_, tariff)| tariff);
        let mut windows = vec![];
        for (when, tariff) in self.prices.iter().filter(|(when, _)| holds(*when)) {
            if let When::Daily(from, to) = when {
                windows.push(((*from, *to), tariff));
            } else {
                base = Some(tariff);
                windows.clear();
            }
        }
        if overlap(&windows) {
            return Err(
                Error::new("two prices hold at the same time of day").at(format!("`{}`", self.id))
            );
        }
        // For each kind of token the first variant that prices it.
        let mut own: BTreeMap<Option<&str>, Vec<&Tariff>> = BTreeMap::from([(None, vec![])]);
        for (tier, _, tariff) in tiers.iter().filter(|(_, when, _)| holds(*when)) {
            own.entry(Some(tier)).or_default().push(tariff);
        }

        let base = base.ok_or_else(|| Error::new("a model has no prices"))?;
        let standard = windows
            .iter()
            .map(|(window, tariff)| (Some(*window), *tariff));
        let standard: Vec<_> = std::iter::once((None, base)).chain(standard).collect();
        let mut terms = Terms::new();
        for (tier, own) in own {
            // A threshold decides before a time of day does, so both have the same ones.
            let tariffs = standard.iter().map(|(_, tariff)| *tariff);
            let mut thresholds = BTreeSet::from([0]);
            thresholds.extend(
                tariffs
                    .chain(own.iter().copied())
                    .flat_map(Tariff::thresholds),
            );
            for (window, tariff) in &standard {
                let condition = Condition {
                    service_tier: tier.map(str::to_owned),
                    min_input_tokens: None,
                    window: *window,
                };
                let tariffs: Vec<&Tariff> = own.iter().copied().chain([*tariff]).collect();
                terms.extend(tariff::rows(&condition, &tariffs, &thresholds, SOURCE)?);
            }
        }
        Ok(terms)
    }
}

fn overlap(windows: &[((i64, i64), &Tariff)]) -> bool {
    // A window over midnight is two.
    let mut spans: Vec<(i64, i64)> = vec![];
    for ((from, to), _) in windows {
        if from < to {
            spans.push((*from, *to));
        } else {
            spans.extend([(*from, i64::MAX), (0, *to)]);
        }
    }
    spans.sort_unstable();
    spans.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

//! An entry of the list: which names it answers to, and what it says of prices.

use super::super::json::Json;
use super::super::rule::Rule;
use super::super::tariff::Tariff;
use super::super::{Listing, Name, What};
use super::reader::Reader;
use super::terms::When;
use crate::error::{Error, Result};

pub(super) struct Model {
    pub(super) id: String,
    pub(super) rule: Rule,
    pub(super) prices: Vec<(When, Tariff)>,
    pub(super) tiers: Vec<(String, When, Tariff)>,
    /// Why it has no price of text.
    pub(super) skipped: Option<&'static str>,
}

impl Model {
    /// A rule that no glob can say is taken to fit the model's own name.
    pub(super) fn answers_to(&self, name: &str) -> bool {
        let own = || self.id.eq_ignore_ascii_case(name);
        self.rule.fits(name).unwrap_or_else(own)
    }

    pub(super) fn read(json: &Json, name: &Name, listing: &mut Listing) -> Result<Self> {
        let rule = json
            .get("match")
            .ok_or_else(|| Error::new("a model has no `match`"))?;
        let mut reader = Reader::new(name, listing);
        let prices = match json.get("prices") {
            Some(Json::List(entries)) => entries
                .iter()
                .map(|entry| {
                    let when = When::read(entry.get("constraint"))?;
                    Ok((when, reader.tariff(entry.get("prices"), true)?))
                })
                .collect::<Result<_>>()?,
            prices => vec![(When::Always, reader.tariff(prices, true)?)],
        };
        let mut tiers = vec![];
        for variant in json
            .get("price_variants")
            .map(Json::items)
            .unwrap_or_default()
        {
            let context = variant.get("when").map(Json::entries).unwrap_or_default();
            let Some(tier) = tier(context) else {
                reader.note(
                    What::Skipped,
                    &format!("price variant {}", spelled(context)),
                );
                continue;
            };
            let tariff = reader.tariff(variant.get("prices"), false)?;
            let when = When::read(variant.get("constraint"))?;
            if tier == "default" {
                if !tariff.is_empty() {
                    reader.note(
                        What::Skipped,
                        "prices of service tier default that are not the standard ones",
                    );
                }
            } else if let When::Daily(..) = when {
                reader.note(What::Skipped, &format!("a daily price of tier {tier}"));
            } else {
                tiers.push((tier.to_owned(), when, tariff));
            }
        }
        let skipped = reader.skipped;
        if let Some(reason) = skipped {
            listing.notes.insert(name.note(What::Skipped, reason));
        }
        Ok(Self {
            id: name.model.clone(),
            rule: Rule::read(rule)?,
            prices,
            tiers,
            skipped,
        })
    }
}

/// The service tier that a request's context asks for.
fn tier(context: &[(String, Json)]) -> Option<&str> {
    let [(key, value)] = context else {
        return None;
    };
    match (key.as_str(), value.text()?) {
        ("processing", "batch") => Some("batch"),
        ("service_tier", tier) => Some(tier),
        ("speed", "fast") => Some("fast"),
        _ => None,
    }
}

fn spelled(context: &[(String, Json)]) -> String {
    let pairs = context
        .iter()
        .map(|(key, value)| format!("{key} {}", value.text().unwrap_or("?")));
    pairs.collect::<Vec<_>>().join(", ")
}

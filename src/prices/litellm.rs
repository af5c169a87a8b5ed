//! `LiteLLM`'s `model_prices_and_context_window` JSON: one object a model, one key a price.
//!
//! A key is a kind of token and what it holds for: `input_cost_per_token_above_200k_tokens_priority`.
//! Prices have no dates. The key of a model starts with its provider's name, or does not.

use super::json::Json;
use super::number::Unit;
use super::spelling;
use super::tariff::{self, Kind, Tariff};
use super::{Authority, BEGINNING, Condition, History, Listing, Name, Note, Terms, What};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

const SOURCE: &str = "litellm";

/// The longer of two names that start alike comes first.
const KINDS: [(&str, Kind); 6] = [
    ("input_cost_per_token", Kind::Input),
    ("cache_read_input_token_cost", Kind::CacheRead),
    ("cache_creation_input_token_cost", Kind::CacheWrite),
    ("output_cost_per_token", Kind::Output),
    ("output_cost_per_reasoning_token", Kind::Reasoning),
    ("input_cost_per_request", Kind::Request),
];
const CACHE_HIT: &str = "input_cost_per_token_cache_hit";
const TIERS: [(&str, &str); 6] = [
    ("_batches", "batch"),
    ("_flex", "flex"),
    ("_priority", "priority"),
    ("_ultrafast", "ultrafast"),
    ("_balanced", "balanced"),
    ("_decisions", "decisions"),
];
/// Words in the names of prices that are not for text tokens at a time in force.
const OTHER: [&str; 17] = [
    "audio",
    "character",
    "citation",
    "dbu",
    "explicit",
    "image",
    "multiplier",
    "off_peak",
    "page",
    "pixel",
    "query",
    "second",
    "session",
    "video",
    "search",
    "vector",
    "_per_day",
];

/// What one price is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Price(Kind, i64, Option<&'static str>),
    /// `LiteLLM`'s other name for cache reads.
    CacheHit,
    Skipped,
}

/// One model's prices: the standard ones, and each tier's own.
#[derive(Debug, Default)]
struct Prices {
    standard: Tariff,
    tiers: BTreeMap<&'static str, Tariff>,
    skipped: BTreeSet<String>,
    rounded: Vec<String>,
}

pub(super) fn read(text: &str) -> Result<Listing> {
    let json = Json::parse(text)?;
    let mut listing = Listing {
        source: SOURCE.to_owned(),
        authority: Authority::List,
        models: BTreeMap::new(),
        notes: BTreeSet::new(),
    };
    // Keys with the provider before the model come first: of two entries of one name they are the
    // more explicit.
    let mut entries: Vec<_> = json.entries().iter().collect();
    entries.sort_by_key(|(key, _)| (std::cmp::Reverse(key.matches('/').count()), key.as_str()));
    for (key, entry) in entries {
        model(key, entry, &mut listing).map_err(|error| error.at(format!("`{key}`")))?;
    }
    if listing.models.is_empty() {
        return Err(Error::new("no model with prices per token is in the file"));
    }
    Ok(listing)
}

fn model(key: &str, entry: &Json, listing: &mut Listing) -> Result<()> {
    if !matches!(entry, Json::Object(_)) {
        return Err(Error::new(format!("a model is {}", entry.kind())));
    }
    let name = name(key, entry);
    let mode = entry.get("mode").and_then(Json::text);
    let prices = match mode {
        None | Some("chat" | "completion" | "responses" | "embedding" | "rerank") => prices(entry)?,
        Some(mode) => return skip(listing, &name, &format!("mode {mode}")),
    };
    let has_no_output = matches!(mode, Some("embedding" | "rerank"));
    if !prices.standard.has(Kind::Input) {
        return skip(listing, &name, "no price per input token");
    }
    if !prices.standard.has(Kind::Output) && !has_no_output {
        return skip(listing, &name, "no price per output token");
    }
    let terms = terms(&prices)?;
    if let Some(known) = listing.models.get(&name) {
        if known.get(&BEGINNING) != Some(&terms) {
            listing.notes.insert(name.note(
                What::Skipped,
                format!("`{key}` is a second entry of this name, with other prices"),
            ));
        }
        return Ok(());
    }
    let note = |what| move |detail: &String| (what, detail.clone());
    let notes = prices.rounded.iter().map(note(What::Rounded));
    let notes = notes.chain(prices.skipped.iter().map(note(What::Skipped)));
    let notes: Vec<Note> = notes
        .map(|(what, detail)| name.note(what, detail))
        .collect();
    listing.notes.extend(notes);
    listing
        .models
        .insert(name, History::from([(BEGINNING, terms)]));
    Ok(())
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "ends a model as its other ends do"
)]
fn skip(listing: &mut Listing, name: &Name, reason: &str) -> Result<()> {
    listing.notes.insert(name.note(What::Skipped, reason));
    Ok(())
}

/// `bedrock/us.anthropic.claude` and `us.anthropic.claude` of bedrock are one model.
fn name(key: &str, entry: &Json) -> Name {
    let listed = entry.get("litellm_provider").and_then(Json::text);
    let provider = spelling::provider(listed.unwrap_or_default());
    let model = match key.split_once('/') {
        Some((first, rest)) if Some(first) == listed || spelling::provider(first) == provider => {
            rest
        }
        _ => key,
    };
    Name::new(&provider, model)
}

fn prices(entry: &Json) -> Result<Prices> {
    let mut prices = Prices::default();
    let mut cache_hit = None;
    for (key, value) in entry.entries() {
        if key == "tiered_pricing" || !is_price(key, value) {
            continue;
        }
        match Key::parse(key)? {
            Key::CacheHit => cache_hit = Some((key, value)),
            Key::Price(kind, above, tier) => prices.set(key, kind, above, tier, value)?,
            Key::Skipped => prices.skip(key),
        }
    }
    if let Some((key, value)) = cache_hit
        && !prices.standard.has(Kind::CacheRead)
    {
        prices.set(key, Kind::CacheRead, 0, None, value)?;
    }
    if let Some(ranges) = entry.get("tiered_pricing") {
        for range in ranges.items() {
            prices.set_range(range)?;
        }
    }
    Ok(prices)
}

impl Prices {
    fn set(
        &mut self,
        key: &str,
        kind: Kind,
        above: i64,
        tier: Option<&'static str>,
        value: &Json,
    ) -> Result<()> {
        let unit = kind.unit(Unit::Token, Unit::Request);
        let read = unit
            .read_json(value)
            .map_err(|error| error.hint(format!("look at `{key}`")))?;
        if let Some(text) = &read.rounded_from {
            let rounded = super::number::shown(read.units, unit.scale());
            self.rounded
                .push(format!("{key}: {text} a token is {rounded} a million"));
        }
        let tariff = match tier {
            Some(tier) => self.tiers.entry(tier).or_default(),
            None => &mut self.standard,
        };
        tariff.set(kind, above, &read);
        Ok(())
    }

    /// A range prices the whole of a call whose input is above its lower end.
    fn set_range(&mut self, range: &Json) -> Result<()> {
        let ends = range.get("range").map(Json::items).unwrap_or_default();
        let lower = ends.first().and_then(Json::whole);
        let Some(lower) = lower.filter(|lower| *lower >= 0) else {
            return Err(Error::new("a range of `tiered_pricing` has no lower end"));
        };
        for (key, value) in range.entries() {
            if !is_price(key, value) {
                continue;
            }
            match Key::parse(key)? {
                Key::Price(kind, 0, tier) => self.set(key, kind, lower, tier, value)?,
                Key::CacheHit => self.set(key, Kind::CacheRead, lower, None, value)?,
                Key::Price(..) | Key::Skipped => self.skip(key),
            }
        }
        Ok(())
    }

    fn skip(&mut self, key: &str) {
        self.skipped
            .insert(format!("{key}: the book has no column for it"));
    }
}

/// Whether an entry's key is about a price.
fn is_price(key: &str, value: &Json) -> bool {
    *value != Json::Null && (key.contains("cost") || key.contains("pric"))
}

impl Key {
    fn parse(key: &str) -> Result<Self> {
        if key == CACHE_HIT {
            return Ok(Self::CacheHit);
        }
        let known = KINDS
            .iter()
            .find_map(|(name, kind)| Some((key.strip_prefix(name)?, *kind)));
        let Some((suffix, kind)) = known else {
            return if OTHER.iter().any(|word| key.contains(word)) {
                Ok(Self::Skipped)
            } else {
                Err(unknown(key))
            };
        };
        Self::parse_suffix(suffix, kind).ok_or_else(|| unknown(key))
    }

    fn parse_suffix(suffix: &str, kind: Kind) -> Option<Self> {
        let (mut rest, mut kind, mut above, mut tier) = (suffix, kind, 0, None);
        let mut is_known = true;
        while !rest.is_empty() {
            if let Some((name, next)) = TIERS
                .iter()
                .find_map(|(name, tier)| Some((*tier, rest.strip_prefix(name)?)))
            {
                (tier, rest) = (Some(name), next);
                continue;
            }
            let limit = rest.strip_prefix("_above_")?;
            let end = limit.find(|letter: char| !letter.is_ascii_digit())?;
            let number: i64 = limit[..end].parse().ok()?;
            rest = &limit[end..];
            if let Some(next) = rest.strip_prefix("k_tokens") {
                (above, rest) = (number.checked_mul(1_000)?, next);
            } else {
                // A cache entry's time to live, and no length of the input.
                rest = rest.strip_prefix("hr")?;
                match (kind, number) {
                    (Kind::CacheWrite, 1) => kind = Kind::CacheWrite1h,
                    _ => is_known = false,
                }
            }
        }
        Some(if is_known {
            Self::Price(kind, above, tier)
        } else {
            Self::Skipped
        })
    }
}

fn unknown(key: &str) -> Error {
    Error::new(format!("`{key}` is no price that Apportion knows"))
        .hint("remove the entry, or the key, if its price is not for text tokens")
}

fn terms(prices: &Prices) -> Result<Terms> {
    let mut terms = Terms::new();
    let every_call = BTreeSet::from([0]);
    let mut add = |tier: Option<&str>, tariffs: &[&Tariff]| -> Result<()> {
        let condition = Condition {
            service_tier: tier.map(str::to_owned),
            ..<_>::default()
        };
        let mut thresholds = every_call.clone();
        thresholds.extend(tariffs.iter().flat_map(|tariff| tariff.thresholds()));
        let rows = tariff::rows(&condition, tariffs, &thresholds, SOURCE)?;
        terms.extend(rows);
        Ok(())
    };
    add(None, &[&prices.standard])?;
    for (tier, own) in &prices.tiers {
        let mut standard = prices.standard.clone();
        if own.has(Kind::Output) {
            // Reasoning is output: it costs what the tier's output does.
            standard.remove(Kind::Reasoning);
        }
        add(Some(*tier), &[own, &standard])?;
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_its_price_is_for() {
        for (key, expected) in [
            ("input_cost_per_token", Key::Price(Kind::Input, 0, None)),
            (
                "output_cost_per_token_above_272k_tokens_flex",
                Key::Price(Kind::Output, 272_000, Some("flex")),
            ),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                Key::Price(Kind::CacheWrite1h, 200_000, None),
            ),
            ("cache_creation_input_token_cost_above_12hr", Key::Skipped),
            ("input_cost_per_audio_token_batches", Key::Skipped),
            (CACHE_HIT, Key::CacheHit),
        ] {
            assert_eq!(Key::parse(key).unwrap(), expected, "{key}");
        }
        for key in ["input_cost_per_token_tomorrow", "output_cost_per_thought"] {
            assert!(Key::parse(key).is_err(), "{key}");
        }
    }

    fn one(entry: &str) -> Result<Listing> {
        read(&format!("{{\"azure/gpt-x\": {entry}}}"))
    }

    #[test]
    fn a_model_has_rows_by_tier_and_threshold() {
        let listing = one(r#"{"litellm_provider": "azure", "mode": "chat",
            "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06,
            "input_cost_per_token_above_200k_tokens": 3e-06,
            "input_cost_per_token_batches": 5e-07, "input_cost_per_image": 1}"#)
        .unwrap();
        let terms = &listing.models[&Name::new("azure", "gpt-x")][&BEGINNING];
        let found: Vec<_> = terms
            .iter()
            .map(|(condition, rates)| {
                (
                    condition.service_tier.as_deref(),
                    condition.min_input_tokens,
                    rates.input.units(),
                    rates.output.units(),
                )
            })
            .collect();
        let expected = [
            (None, None, 1_000_000, 2_000_000),
            (None, Some(200_000), 3_000_000, 2_000_000),
            (Some("batch"), None, 500_000, 2_000_000),
            (Some("batch"), Some(200_000), 500_000, 2_000_000),
        ];
        assert_eq!(found, expected);
        assert_eq!(listing.notes.len(), 1);
    }

    #[test]
    fn ranges_price_the_whole_call() {
        let listing = one(r#"{"litellm_provider": "azure", "mode": "chat", "tiered_pricing": [
            {"range": [0, 32e3], "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
            {"range": [32000.0, 128e3], "input_cost_per_token": 2e-06, "output_cost_per_token": 3e-06}]}"#)
        .unwrap();
        let terms = &listing.models[&Name::new("azure", "gpt-x")][&BEGINNING];
        let thresholds: Vec<_> = terms.keys().map(|c| c.min_input_tokens).collect();
        assert_eq!(thresholds, [None, Some(32_000)]);
    }

    #[test]
    fn what_is_wrong_names_its_entry() {
        for (entry, expected) in [
            (r#"{"input_cost_per_token": -1e-6}"#, "negative"),
            (r#"{"input_cost_per_token": "cheap"}"#, "a text"),
            (
                r#"{"input_cost_per_token_soon": 1}"#,
                "no price that Apportion knows",
            ),
            (
                r#"{"tiered_pricing": [{"range": [0, 9], "input_cost_per_token_soon": 1}]}"#,
                "no price that Apportion knows",
            ),
            ("7", "a number"),
        ] {
            let error = one(entry).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.place(), Some("`azure/gpt-x`"));
        }
    }
}

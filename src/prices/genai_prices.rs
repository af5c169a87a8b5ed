//! The v2 JSON of the genai-prices package: a list of providers, each with models in order.
//!
//! A model has rules for the names that it answers to, and the first model whose rule fits a name
//! has it. Names that stand in the file are looked up so, here and once; other rules become globs.
//! Prices have conditions, a start date or a time of day, of which the last that holds counts.

use super::json::Json;
use super::number::{self, Unit};
use super::rule::{Rule, spellings};
use super::tariff::{self, Kind, Tariff};
use super::{Authority, BEGINNING, Condition, History, Listing, Name, Terms, What};
use super::{moment, spelling};
use crate::error::{Error, Result};
use apportion_udfs::pricing::names::is_glob;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

const SOURCE: &str = "genai-prices";

const KINDS: [(&str, Kind); 7] = [
    ("input_mtok", Kind::Input),
    ("cache_read_mtok", Kind::CacheRead),
    ("cache_write_mtok", Kind::CacheWrite),
    ("cache_write_1h_mtok", Kind::CacheWrite1h),
    ("output_mtok", Kind::Output),
    ("output_reasoning_mtok", Kind::Reasoning),
    ("requests_kcount", Kind::Request),
];
/// Words in the names of prices that are not for text tokens.
const OTHER: [&str; 12] = [
    "audio",
    "character",
    "chars",
    "citation",
    "document",
    "hours",
    "image",
    "messages",
    "pages",
    "searches",
    "video",
    "seconds",
];

struct Model {
    id: String,
    rule: Rule,
    prices: Vec<(When, Tariff)>,
    tiers: Vec<(String, When, Tariff)>,
    /// Why it has no price of text.
    skipped: Option<&'static str>,
}

/// When a price holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    From(i64),
    Daily(i64, i64),
}

pub(super) fn read(text: &str) -> Result<Listing> {
    let json = Json::parse(text)?;
    let Json::List(providers) = &json else {
        return Err(Error::new("the file is no list of providers"));
    };
    let mut listing = Listing {
        source: SOURCE.to_owned(),
        authority: Authority::List,
        models: BTreeMap::new(),
        notes: BTreeSet::new(),
    };
    let mut known: BTreeMap<&str, Vec<Model>> = BTreeMap::new();
    for provider in providers {
        let id = field(provider, "id")?;
        let mut models = vec![];
        for model in provider.get("models").map(Json::items).unwrap_or_default() {
            let name = Name::new(&spelling::provider(id), field(model, "id")?);
            let place = |error: Error| error.at(format!("`{}` of `{id}`", name.model));
            models.push(Model::read(model, &name, &mut listing).map_err(place)?);
        }
        if known.insert(id, models).is_some() {
            return Err(Error::new(format!("the provider `{id}` stands twice")));
        }
    }
    for provider in providers {
        let id = field(provider, "id")?;
        let others = provider.get("fallback_model_providers");
        let others = others.map(Json::items).unwrap_or_default();
        let others: Vec<&Model> = others
            .iter()
            .filter_map(|other| known.get(other.text()?))
            .flatten()
            .collect();
        list(id, &known[id], &others, &mut listing).map_err(|error| error.at(format!("`{id}`")))?;
    }
    if listing.models.is_empty() {
        return Err(Error::new("no model with prices per token is in the file"));
    }
    Ok(listing)
}

fn field<'a>(json: &'a Json, name: &str) -> Result<&'a str> {
    let field = json.get(name).and_then(Json::text);
    field.ok_or_else(|| Error::new(format!("an entry has no `{name}`")))
}

/// Gives a provider's names their models: its own first, then those of providers that it resells,
/// at their standard prices.
fn list(id: &str, own: &[Model], others: &[&Model], listing: &mut Listing) -> Result<()> {
    let provider = spelling::provider(id);
    let mut exact = BTreeSet::new();
    let mut globs: Vec<(String, &Model, bool)> = vec![];
    let all = own.iter().map(|model| (model, true));
    let all: Vec<_> = all
        .chain(others.iter().map(|model| (*model, false)))
        .collect();
    for (model, is_own) in &all {
        exact.extend(spellings(&model.id));
        let mut names = vec![];
        let is_told = model.rule.names(&mut names);
        for name in names {
            if is_glob(name) {
                globs.extend(spellings(name).map(|glob| (glob, *model, *is_own)));
            } else {
                exact.extend(spellings(name));
            }
        }
        if !is_told && *is_own {
            let name = Name::new(&provider, &model.id);
            let detail =
                "a rule for its names that is no glob: names that only it fits stay unknown";
            listing.notes.insert(name.note(What::Skipped, detail));
        }
    }
    let mut histories: BTreeMap<(*const Model, bool), History> = BTreeMap::new();
    let mut add = |model: &Model, is_own: bool, name: String| -> Result<()> {
        if model.skipped.is_some() {
            return Ok(());
        }
        let key = (std::ptr::from_ref(model), is_own);
        let history = match histories.entry(key) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(model.history(is_own)?).clone(),
        };
        let name = Name::new(&provider, &name);
        listing.models.entry(name).or_insert(history);
        Ok(())
    };
    for name in exact {
        let fitting = all.iter().find(|(model, _)| model.answers_to(&name));
        if let Some((model, is_own)) = fitting {
            add(model, *is_own, name)?;
        }
    }
    for (glob, model, is_own) in globs {
        add(model, is_own, glob)?;
    }
    Ok(())
}

/// Reads the prices of one model.
struct Reader<'a> {
    name: &'a Name,
    listing: &'a mut Listing,
    skipped: Option<&'static str>,
}

impl Reader<'_> {
    fn note(&mut self, what: What, detail: &str) {
        self.listing.notes.insert(self.name.note(what, detail));
    }

    /// A model's own prices must be whole; a variant's lie over them.
    fn tariff(&mut self, prices: Option<&Json>, is_whole: bool) -> Result<Tariff> {
        let mut tariff = Tariff::default();
        let mut other_output = false;
        for (key, value) in prices.map(Json::entries).unwrap_or_default() {
            if *value == Json::Null {
                continue;
            }
            let known = KINDS.iter().find(|(name, _)| name == key);
            if let Some((_, kind)) = known {
                self.set(&mut tariff, key, *kind, value)?;
            } else if OTHER.iter().any(|word| key.contains(word)) {
                other_output |= key.starts_with("output_");
                self.note(
                    What::Skipped,
                    &format!("{key}: the book has no column for it"),
                );
            } else {
                return Err(Error::new(format!(
                    "`{key}` is no price that Apportion knows"
                )));
            }
        }
        if is_whole && !tariff.has(Kind::Input) {
            self.skipped = Some("no price per input token");
        } else if is_whole && !tariff.has(Kind::Output) && other_output {
            self.skipped = Some("no price per output token");
        }
        Ok(tariff)
    }

    fn set(&mut self, tariff: &mut Tariff, key: &str, kind: Kind, value: &Json) -> Result<()> {
        let unit = kind.unit(Unit::MillionTokens, Unit::ThousandRequests);
        let mut set = |above: i64, value: &Json| -> Result<()> {
            let read = unit
                .read_json(value)
                .map_err(|error| error.hint(format!("look at `{key}`")))?;
            if let Some(text) = &read.rounded_from {
                let rounded = number::shown(read.units, unit.scale());
                self.listing.notes.insert(
                    self.name
                        .note(What::Rounded, format!("{key}: {text} is {rounded}")),
                );
            }
            tariff.set(kind, above, &read);
            Ok(())
        };
        let Json::Object(_) = value else {
            return set(0, value);
        };
        let base = value
            .get("base")
            .ok_or_else(|| Error::new(format!("`{key}` has no `base`")))?;
        set(0, base)?;
        for tier in value.get("tiers").map(Json::items).unwrap_or_default() {
            let start = tier.get("start").and_then(Json::whole);
            let start = start.filter(|start| *start >= 0);
            let (Some(start), Some(price)) = (start, tier.get("price")) else {
                return Err(Error::new(format!(
                    "a tier of `{key}` has no `start` or no `price`"
                )));
            };
            set(start, price)?;
        }
        Ok(())
    }
}

impl Model {
    /// A rule that no glob can say is taken to fit the model's own name.
    fn answers_to(&self, name: &str) -> bool {
        let own = || self.id.eq_ignore_ascii_case(name);
        self.rule.fits(name).unwrap_or_else(own)
    }

    fn read(json: &Json, name: &Name, listing: &mut Listing) -> Result<Self> {
        let rule = json
            .get("match")
            .ok_or_else(|| Error::new("a model has no `match`"))?;
        let mut reader = Reader {
            name,
            listing,
            skipped: None,
        };
        let prices = match json.get("prices") {
            Some(Json::List(entries)) => entries
                .iter()
                .map(|entry| {
                    let when = when(entry.get("constraint"))?;
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
            let when = when(variant.get("constraint"))?;
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

    /// The terms from each date on which something changes.
    fn history(&self, with_tiers: bool) -> Result<History> {
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

fn when(constraint: Option<&Json>) -> Result<When> {
    let Some(constraint) = constraint else {
        return Ok(When::Always);
    };
    let unknown = || {
        Error::new("a price holds under a condition that Apportion does not know")
            .hint("known are a `start_date`, and a `start_time` with an `end_time`")
    };
    if let Some(key) = constraint.entries().iter().find(|(key, value)| {
        *value != Json::Null && !["start_date", "start_time", "end_time"].contains(&key.as_str())
    }) {
        return Err(Error::new(format!(
            "`{}` is no condition that Apportion knows",
            key.0
        )));
    }
    let text = |name| constraint.get(name).and_then(Json::text);
    match (text("start_date"), text("start_time"), text("end_time")) {
        (Some(date), None, None) => Ok(When::From(moment::instant(date).ok_or_else(unknown)?)),
        (None, Some(from), Some(to)) => Ok(When::Daily(
            moment::time_of_day(from).ok_or_else(unknown)?,
            moment::time_of_day(to).ok_or_else(unknown)?,
        )),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(model: &str) -> Result<Listing> {
        read(&format!(
            r#"[{{"id": "aws", "models": [{model}]}}, {{"id": "shop", "fallback_model_providers": ["aws"], "models": []}}]"#
        ))
    }

    fn terms<'a>(listing: &'a Listing, model: &str, date: &str) -> &'a Terms {
        let start = moment::instant(date).unwrap();
        &listing.models[&Name::new("bedrock", model)][&start]
    }

    #[test]
    fn the_last_price_that_holds_counts() {
        let listing = one(r#"{"id": "m", "match": {"equals": "m"}, "prices": [
            {"prices": {"input_mtok": 1, "output_mtok": 2}},
            {"constraint": {"start_date": "2026-02-01"}, "prices": {"input_mtok": 3, "output_mtok": 4}},
            {"constraint": {"start_time": "16:30:00Z", "end_time": "00:30:00Z"}, "prices": {"input_mtok": 0.5, "output_mtok": 1}}],
            "price_variants": [{"when": {"processing": "batch"}, "prices": {"input_mtok": 0.25}}]}"#)
        .unwrap();
        let rates = &terms(&listing, "m", "2026-02-01");
        let found: Vec<_> = rates
            .iter()
            .map(|(condition, rates)| {
                (
                    condition.service_tier.is_some(),
                    condition.window.is_some(),
                    rates.input.units(),
                    rates.output.units(),
                )
            })
            .collect();
        let expected = [
            (false, false, 3_000_000, 4_000_000),
            (false, true, 500_000, 1_000_000),
            (true, false, 250_000, 4_000_000),
            (true, true, 250_000, 1_000_000),
        ];
        assert_eq!(found, expected);
        let first = &terms(&listing, "m", "1970-01-01")[&Condition::default()];
        assert_eq!(first.input.units(), 1_000_000);
    }

    #[test]
    fn the_first_model_that_fits_a_name_has_it() {
        let prices = r#""prices": {"input_mtok": 1, "output_mtok": 1}"#;
        let listing = one(&format!(
            r#"{{"id": "m-1", "match": {{"or": [{{"equals": "M-old"}}, {{"regex": "^m-1-\\d{{2}}$"}}]}}, {prices}}},
               {{"id": "m-old", "match": {{"starts_with": "m"}}, "prices": {{"input_mtok": 9, "output_mtok": 9}}}}"#
        ))
        .unwrap();
        let input = |provider, model| {
            let history = &listing.models[&Name::new(provider, model)];
            history[&BEGINNING][&Condition::default()].input.units()
        };
        assert_eq!(input("bedrock", "m-old"), 1_000_000);
        assert_eq!(input("bedrock", "m-1-??"), 1_000_000);
        assert_eq!(input("bedrock", "m*"), 9_000_000);
        assert_eq!(input("bedrock", "m-1"), 9_000_000);
        assert_eq!(input("bedrock", "M-old"), 1_000_000);
        assert_eq!(input("shop", "m-old"), 1_000_000);
    }

    #[test]
    fn thresholds_and_other_kinds_of_token() {
        let listing = one(r#"{"id": "m", "match": {"equals": "m"}, "prices": {
            "input_mtok": {"base": 1.0000005, "tiers": [{"start": 200000, "price": 2}]},
            "output_mtok": 3, "requests_kcount": 5, "input_audio_mtok": 7}}"#)
        .unwrap();
        let rates = &terms(&listing, "m", "1970-01-01");
        let inputs: Vec<_> = rates.values().map(|rates| rates.input.units()).collect();
        assert_eq!(inputs, [1_000_000, 2_000_000]);
        let request = rates.values().next().unwrap().per_request.unwrap();
        assert_eq!(request.units(), 5_000_000_000);
        let notes: Vec<_> = listing.notes.iter().map(|note| note.what).collect();
        assert_eq!(notes, [What::Rounded, What::Skipped]);
    }

    #[test]
    fn what_is_wrong_names_its_entry() {
        for (prices, expected) in [
            (r#"{"input_mtok": -1}"#, "negative"),
            (r#"{"input_mtok": "1"}"#, "a text"),
            (r#"{"input_mtok": 1, "wisdom_mtok": 1}"#, "`wisdom_mtok`"),
            (
                r#"[{"constraint": {"weekday": "monday"}, "prices": {"input_mtok": 1}}]"#,
                "`weekday`",
            ),
        ] {
            let model = format!(r#"{{"id": "m", "match": {{"equals": "m"}}, "prices": {prices}}}"#);
            let error = one(&model).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.place(), Some("`m` of `aws`"));
        }
    }
}

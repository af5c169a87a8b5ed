//! The v2 JSON of the genai-prices package: a list of providers, each with models in order.
//!
//! A model has rules for the names that it answers to, and the first model whose rule fits a name
//! has it. Names that stand in the file are looked up so, here and once; other rules become globs.
//! Prices have conditions, a start date or a time of day, of which the last that holds counts.
//!
//! [`model`] reads an entry, by a [`reader`] of its prices; [`terms`] says which of them hold when.

mod model;
mod reader;
mod terms;

use super::json::Json;
use super::rule::spellings;
use super::{Authority, History, Listing, Name, What, spelling};
use crate::error::{Error, Result};
use apportion_udfs::pricing::names::is_glob;
use model::Model;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

const SOURCE: &str = "genai-prices";

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

#[cfg(test)]
mod tests {
    use super::super::{BEGINNING, Condition, Terms, moment};
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

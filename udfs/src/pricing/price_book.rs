//! [`PriceBook`]: which row of the `prices` relation prices a call, and why none does.
//!
//! Rows in force at the call come first; then the most specific model name; then the call's service
//! tier, else a row without one, never another tier's; then the highest input threshold that the
//! call passes; then the latest row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::alias::{AliasKind, AliasLookup, Aliases};
use super::names::{Names, is_glob};
use super::nearest::nearest;
use super::price::Price;
use super::{Unpriced, service_tier};

/// What decides about the row, besides provider and model.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    pub at: i64,
    pub service_tier: Option<&'a str>,
    pub input_tokens: i64,
}

/// Prices by provider and model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceBook {
    providers: HashMap<String, Names<Vec<Price>>>,
}

impl PriceBook {
    /// Rows by (provider, model or glob). Their names become canonical as those of ledgers and
    /// bills do.
    pub fn new(rows: impl IntoIterator<Item = (String, String, Price)>, aliases: &Aliases) -> Self {
        let mut providers: BTreeMap<String, BTreeMap<String, Vec<Price>>> = BTreeMap::new();
        for (provider, model, mut price) in rows {
            let canonical =
                |kind, name: String| match aliases.alias(kind, &name, price.effective_from) {
                    Some(alias) if !is_glob(&name) => alias.to_owned(),
                    _ => name,
                };
            let provider = canonical(AliasKind::Provider, provider);
            let model = canonical(AliasKind::Model, model);
            price.service_tier = service_tier(price.service_tier.as_deref()).map(str::to_owned);
            price.min_input_tokens = price.min_input_tokens.filter(|minimum| *minimum > 0);
            providers
                .entry(provider)
                .or_default()
                .entry(model)
                .or_default()
                .push(price);
        }
        let sorted = providers.into_iter().map(|(provider, mut models)| {
            for prices in models.values_mut() {
                prices.sort_by(|a, b| a.preference().cmp(&b.preference()));
            }
            (provider, Names::from(models))
        });
        Self {
            providers: sorted.collect(),
        }
    }

    /// Up to three names of the book that resemble a model's, the provider's own first; another
    /// provider's with its name before it.
    pub fn nearest(&self, provider: &str, model: &str) -> Vec<String> {
        let own = self.providers.get(provider).into_iter();
        let own = nearest(model, own.flat_map(Names::names));
        let mut others: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (other, models) in self
            .providers
            .iter()
            .filter(|(other, _)| *other != provider)
        {
            for name in models.names() {
                others.entry(name).or_default().insert(other);
            }
        }
        let alike = nearest(model, others.keys().copied()).into_iter();
        let foreign = alike.flat_map(|name| {
            others[name]
                .iter()
                .map(move |other| format!("{other}/{name}"))
        });
        own.into_iter()
            .map(str::to_owned)
            .chain(foreign)
            .take(3)
            .collect()
    }

    /// For many calls: each pair of names is looked up once.
    pub fn lookup<'a>(&'a self, aliases: &'a Aliases) -> PriceLookup<'a> {
        PriceLookup {
            book: self,
            provider_aliases: aliases.lookup(AliasKind::Provider),
            model_aliases: aliases.lookup(AliasKind::Model),
            memo: HashMap::new(),
            found: vec![],
            recent: vec![None; RECENT],
        }
    }
}

/// Remembers which rows a provider and a model may be priced by.
#[derive(Debug)]
pub struct PriceLookup<'a> {
    book: &'a PriceBook,
    provider_aliases: AliasLookup<'a, 'a>,
    model_aliases: AliasLookup<'a, 'a>,
    /// Where in `found` a canonical pair's rows are.
    memo: HashMap<(&'a str, &'a str), usize>,
    /// Rows by name, the most specific name first.
    found: Vec<Vec<&'a Vec<Price>>>,
    /// Pairs as they are written, whose aliases do not change with time; one a place.
    recent: Vec<Option<(&'a str, &'a str, usize)>>,
}

/// Ledgers name few models, so that most calls find theirs here. A place has ten bits.
const RECENT: usize = 1 << 10;

/// A pair's place among the recent ones; names of the same place take turns.
fn place(provider: &str, model: &str) -> usize {
    let words = [model, provider].into_iter().flat_map(|name| {
        name.as_bytes().chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        })
    });
    let mixed = words.fold(0, |mixed: u64, word| {
        (mixed.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    usize::try_from(mixed >> 54).unwrap_or_default()
}

impl<'a> PriceLookup<'a> {
    pub fn find(
        &mut self,
        provider: &'a str,
        model: &'a str,
        moment: Moment<'_>,
    ) -> Result<&'a Price, Unpriced> {
        let candidates = self.candidates(provider, model, moment.at);
        if candidates.is_empty() {
            return Err(Unpriced::Model);
        }
        let in_force = candidates
            .iter()
            .find(|prices| prices.iter().any(|p| p.in_force(moment.at)));
        choose(in_force.ok_or(Unpriced::Date)?, moment)
    }

    fn candidates(&mut self, provider: &'a str, model: &'a str, at: i64) -> &[&'a Vec<Price>] {
        let place = place(provider, model);
        match self.recent[place] {
            Some((known, named, index)) if known == provider && named == model => {
                &self.found[index]
            }
            _ => {
                let steady = self.provider_aliases.is_steady(provider)
                    && self.model_aliases.is_steady(model);
                let index = self.looked_up(provider, model, at);
                if steady {
                    self.recent[place] = Some((provider, model, index));
                }
                &self.found[index]
            }
        }
    }

    fn looked_up(&mut self, provider: &'a str, model: &'a str, at: i64) -> usize {
        let provider = self.provider_aliases.canonical(provider, at);
        let model = self.model_aliases.canonical(model, at);
        *self.memo.entry((provider, model)).or_insert_with(|| {
            let models = self.book.providers.get(provider).into_iter();
            let rows = models.flat_map(|models| models.matches(model)).collect();
            self.found.push(rows);
            self.found.len() - 1
        })
    }
}

/// The best of one name's rows, which stand in order of preference.
fn choose<'a>(prices: &'a [Price], moment: Moment<'_>) -> Result<&'a Price, Unpriced> {
    let of_tier = |tier| {
        let matching = move |p: &&Price| p.is_of_tier(tier) && p.in_force(moment.at);
        prices.iter().filter(matching).peekable()
    };
    let mut rows = of_tier(service_tier(moment.service_tier));
    if rows.peek().is_none() {
        rows = of_tier(None);
    }
    rows.peek().ok_or(Unpriced::Tier)?;
    rows.find(|price| price.passes_threshold(moment.input_tokens))
        .ok_or(Unpriced::Threshold)
}

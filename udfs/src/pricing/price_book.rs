//! [`PriceBook`]: which row of the `prices` relation prices a call, and why none does.
//!
//! Rows in force at the call come first; then the most specific model name; then the call's service
//! tier, else a row without one, never another tier's; then the highest input threshold that the
//! call passes; then the latest row.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::alias::{AliasKind, AliasLookup, Aliases};
use super::names::{Names, is_glob};
use super::nearest::nearest;
use super::offer::Offer;
use super::price::Price;
use super::service_tier;
use super::span::Span;

/// Prices by provider and model. The order of the relation's rows has no part in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceBook {
    rows: Vec<Price>,
    /// Where a model's rows are.
    providers: HashMap<String, Names<Range<usize>>>,
}

/// The number of a row of the book, or below zero why a call has none.
pub type PriceId = i32;

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
        let mut book = Self::default();
        for (provider, models) in providers {
            let ranges = models.into_iter().map(|(model, mut prices)| {
                prices.sort_by(|a, b| a.preference().cmp(&b.preference()));
                let first = book.rows.len();
                book.rows.append(&mut prices);
                (model, first..book.rows.len())
            });
            let ranges: BTreeMap<_, _> = ranges.collect();
            book.providers.insert(provider, Names::from(ranges));
        }
        for (number, price) in book.rows.iter_mut().enumerate() {
            price.id = PriceId::try_from(number).unwrap_or(PriceId::MAX);
        }
        book
    }

    /// The row of this number.
    pub fn row(&self, id: i64) -> Option<&Price> {
        self.rows.get(usize::try_from(id).ok()?)
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

    /// The instants next to `at` at which any price may change.
    pub fn changes(&self, at: i64) -> impl Iterator<Item = i64> {
        self.rows.iter().flat_map(move |price| price.changes(at))
    }

    /// For many calls: names are matched with the aliases once.
    pub fn lookup<'a>(&'a self, aliases: &'a Aliases) -> PriceLookup<'a> {
        PriceLookup {
            book: self,
            provider_aliases: aliases.lookup(AliasKind::Provider),
            model_aliases: aliases.lookup(AliasKind::Model),
        }
    }
}

/// Finds offers in the book.
#[derive(Debug)]
pub struct PriceLookup<'a> {
    book: &'a PriceBook,
    provider_aliases: AliasLookup<'a, 'a>,
    model_aliases: AliasLookup<'a, 'a>,
}

impl<'a> PriceLookup<'a> {
    /// What was charged at `at`, and around it.
    pub fn offer(
        &mut self,
        provider: &'a str,
        model: &'a str,
        service_tier: Option<&str>,
        at: i64,
    ) -> Offer<'a> {
        let known = self
            .book
            .providers
            .get(self.provider_aliases.canonical(provider, at));
        let model_name = self.model_aliases.canonical(model, at);
        let names = known
            .into_iter()
            .flat_map(|models| models.matches(model_name))
            .map(|range| &self.book.rows[range.clone()]);
        let changes = self.provider_aliases.changes(provider);
        let changes = changes.chain(self.model_aliases.changes(model));
        Offer::new(names, service_tier, at, Span::around(at, changes))
    }
}

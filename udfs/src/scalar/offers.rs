//! [`Offers`]: what is charged for the calls of a batch; equal names are looked up once for as long as
//! nothing changes.

use crate::columnar::arguments::Column;
use crate::columnar::codes::Codes;
use crate::columnar::text::Text;
use crate::pricing::Unpriced;
use crate::pricing::offer::Offer;
use crate::pricing::price_book::PriceLookup;
use crate::pricing::span::Span;
use crate::reference::Reference;

/// The columns that decide about the offer, besides the time.
pub(super) struct Names {
    pub(super) provider: Column<Text>,
    pub(super) model: Column<Text>,
    pub(super) service_tier: Column<Text>,
}

impl Names {
    /// A number for each combination.
    pub(super) fn codes(&self, rows: usize) -> Codes {
        Codes::of(&[&self.provider, &self.model, &self.service_tier], rows)
    }

    /// What is charged for a row's call at this time.
    pub(super) fn offer<'a>(
        &'a self,
        row: usize,
        at: i64,
        lookup: &mut PriceLookup<'a>,
    ) -> Offer<'a> {
        match self.provider.get(row).zip(self.model.get(row)) {
            Some((provider, model)) => {
                let tier = self.service_tier.get(row);
                lookup.offer(provider, model, tier, at)
            }
            None => Offer::none(Span::ALWAYS, Unpriced::Model),
        }
    }

    /// Why a call is unpriced that says no time.
    pub(super) fn without_a_time(&self, row: usize) -> Unpriced {
        match self.provider.get(row).zip(self.model.get(row)) {
            Some(_) => Unpriced::Date,
            None => Unpriced::Model,
        }
    }
}

/// An offer for each combination of names.
pub(super) struct Offers<'a> {
    names: &'a Names,
    codes: Codes,
    lookup: PriceLookup<'a>,
    found: Vec<Offer<'a>>,
}

impl<'a> Offers<'a> {
    pub(super) fn new(names: &'a Names, rows: usize, reference: &'a Reference) -> Self {
        let codes = names.codes(rows);
        Self {
            names,
            found: vec![Offer::none(Span::NEVER, Unpriced::Date); codes.distinct()],
            codes,
            lookup: reference.price_book.lookup(&reference.aliases),
        }
    }

    /// What is charged for a row's call at this time.
    pub(super) fn at(&mut self, row: usize, at: i64) -> &Offer<'a> {
        let code = self.codes.get(row);
        if !self.found[code].span.holds(at) {
            self.found[code] = self.names.offer(row, at, &mut self.lookup);
        }
        &self.found[code]
    }
}

//! [`Offers`]: what is charged for the calls of a batch; equal names are looked up once for as long as
//! nothing changes.

use crate::columnar::arguments::Column;
use crate::columnar::codes::Codes;
use crate::columnar::text::Text;
use crate::pricing::Unpriced;
use crate::pricing::offer::Offer;
use crate::pricing::price::Price;
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
        let columns = [&names.provider, &names.model, &names.service_tier];
        let codes = Codes::of(&columns, rows);
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

    /// For each combination what prices all of its calls between two instants; nothing where that
    /// depends on the call.
    pub(super) fn settled(
        &mut self,
        first: i64,
        last: i64,
    ) -> Vec<Option<Result<&'a Price, Unpriced>>> {
        let rows = self.codes.first_rows().to_vec();
        let settled = rows.into_iter().map(|row| {
            let offer = self.at(row, first);
            offer.only().filter(|_| offer.span.holds(last))
        });
        settled.collect()
    }

    pub(super) fn code(&self, row: usize) -> usize {
        self.codes.get(row)
    }
}

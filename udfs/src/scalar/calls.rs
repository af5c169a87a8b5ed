//! The arguments that `call_cost` and `call_cost_parts` share, read call by call.

use std::array;

use datafusion::arrow::array::{Array, PrimitiveArray};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result};

use super::offers::{Names, Offers};
use crate::columnar::arguments::{Arguments, Column};
use crate::columnar::codes::Codes;
use crate::columnar::kind::Kind;
use crate::columnar::manual::Parameter;
use crate::pricing::Unpriced;
use crate::pricing::offer::{Charged, Offer};
use crate::pricing::price::Price;
use crate::pricing::price_book::{PriceId, PriceLookup};
use crate::pricing::span::Span;
use crate::pricing::usage::{ReportedTokens, Usage};
use crate::reference::Reference;

/// Token counts, in the order of the ledger's columns.
pub(super) const TOKENS: [Parameter; 6] = [
    Parameter::required(
        "input_tokens",
        Kind::Integer,
        "All input, cache reads and writes included.",
    ),
    Parameter::required(
        "output_tokens",
        Kind::Integer,
        "All output, reasoning included.",
    ),
    Parameter::optional(
        "cache_read_tokens",
        Kind::Integer,
        "Input read from the provider's cache.",
    ),
    Parameter::optional(
        "cache_write_tokens",
        Kind::Integer,
        "Input written to the provider's cache.",
    ),
    Parameter::optional(
        "cache_write_1h_tokens",
        Kind::Integer,
        "Cache writes that live an hour.",
    ),
    Parameter::optional(
        "reasoning_tokens",
        Kind::Integer,
        "Output that is reasoning.",
    ),
];

/// The parameters, in the order of the ledger's columns.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::required(
        "provider",
        Kind::Text,
        "Who was called, by its canonical name or an alias.",
    ),
    Parameter::required("model", Kind::Text, "The model that answered."),
    Parameter::required(
        "called_at",
        Kind::Timestamp,
        "When; it decides which price is in force.",
    ),
    TOKENS[0],
    TOKENS[1],
    TOKENS[2],
    TOKENS[3],
    TOKENS[4],
    TOKENS[5],
    Parameter::optional(
        "service_tier",
        Kind::Text,
        "batch, flex or priority; NULL is standard.",
    ),
];

/// The token counts of calls, with zero for what was not measured.
pub(super) struct Tokens([Column<ScalarBuffer<i64>>; 6]);

impl Tokens {
    /// The first of them stands at this position.
    pub(super) fn new(arguments: &Arguments<'_>, first: usize) -> Result<Self> {
        let counts =
            |token: usize| Ok::<_, DataFusionError>(arguments.integer(first + token)?.map(counts));
        Ok(Self([
            counts(0)?,
            counts(1)?,
            counts(2)?,
            counts(3)?,
            counts(4)?,
            counts(5)?,
        ]))
    }

    fn input(&self, row: usize) -> i64 {
        self.0[0].get(row)
    }

    /// Whether all rows' counts make sense together; without a look at each, where they do.
    pub(super) fn are_valid(&self, rows: usize) -> bool {
        // Constants of so many rows stay close to the processor.
        const PART: usize = 1 << 10;
        let repeated = self.0.each_ref().map(|counts| counts.repeated(PART));
        (0..rows).step_by(PART).all(|from| {
            let rows = from..rows.min(from + PART);
            let part = |token: usize| self.0[token].part(rows.clone(), &repeated[token]);
            signs(array::from_fn(part)) >= 0
        })
    }

    pub(super) fn usage(&self, row: usize) -> Result<Usage, Unpriced> {
        let [
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            reasoning,
        ] = self.0.each_ref().map(|counts| counts.get(row));
        Usage::new(ReportedTokens {
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            reasoning,
        })
    }
}

/// Has a sign where a row's count has one, or one of the differences that make sense; each of those is of two
/// counts whose own signs are in it too.
fn signs(counts: [&[i64]; 6]) -> i64 {
    let [
        input,
        output,
        cache_read,
        cache_write,
        cache_write_1h,
        reasoning,
    ] = counts;
    let input = input.iter().zip(cache_read).zip(cache_write);
    let output = output.iter().zip(reasoning).zip(cache_write_1h);
    input.zip(output).fold(0, |signs, row| {
        let (((input, read), write), ((output, reasoning), write_1h)) = row;
        let unread = input.wrapping_sub(*read);
        signs
            | (input | output | read)
            | (write | write_1h | reasoning)
            | unread
            | unread.wrapping_sub(*write)
            | write.wrapping_sub(*write_1h)
            | output.wrapping_sub(*reasoning)
    })
}

/// The arguments as columns.
pub(super) struct Calls {
    names: Names,
    called_at: Column<PrimitiveArray<TimestampMicrosecondType>>,
    tokens: Tokens,
}

impl Calls {
    pub(super) fn new(arguments: &Arguments<'_>) -> Result<Self> {
        Ok(Self {
            names: Names {
                provider: arguments.text(0)?,
                model: arguments.text(1)?,
                service_tier: arguments.text(9)?,
            },
            called_at: arguments.timestamp(2)?,
            tokens: Tokens::new(arguments, 3)?,
        })
    }

    /// Prices the calls in turn; `each` is given the row's price and usage, or why there is none.
    pub(super) fn price_each(
        &self,
        rows: usize,
        reference: &Reference,
        mut each: impl FnMut(Result<(&Price, Usage), Unpriced>) -> Result<()>,
    ) -> Result<()> {
        let mut offers = Offers::new(&self.names, rows, reference);
        (0..rows).try_for_each(|row| each(self.price(row, &mut offers)))
    }

    /// A number for each combination of names.
    pub(super) fn codes(&self, rows: usize) -> Codes {
        self.names.codes(rows)
    }

    /// The numbers of the prices, by a table in which equal names have one place.
    pub(super) fn ids(
        &self,
        places: &[usize],
        table: &mut PriceTable,
        reference: &Reference,
    ) -> Vec<PriceId> {
        let rows = places.len();
        let are_valid = self.tokens.are_valid(rows);
        let mut lookup = reference.price_book.lookup(&reference.aliases);
        if are_valid
            && let Some(times) = self.called_at.range(rows)
            && let Some(ids) = self.ids_within(times, places, table, &mut lookup)
        {
            return ids;
        }
        let ids = places.iter().enumerate().map(|(row, place)| {
            if !are_valid && self.tokens.usage(row).is_err() {
                return Unpriced::InvalidUsage.code();
            }
            let Some(at) = self.called_at.get(row) else {
                return self.names.without_a_time(row).code();
            };
            let charged = table.at(*place, at, || self.names.offer(row, at, &mut lookup));
            charged.id(self.tokens.input(row))
        });
        ids.collect()
    }

    /// The same where all counts make sense, and no price changes between two instants.
    fn ids_within<'a>(
        &'a self,
        (first, last): (i64, i64),
        places: &[usize],
        table: &mut PriceTable,
        lookup: &mut PriceLookup<'a>,
    ) -> Option<Vec<PriceId>> {
        let rows = places.len();
        let repeated = self.tokens.0[0].repeated(rows);
        let input = self.tokens.0[0].part(0..rows, &repeated);
        table.turn_to(first, last);
        let mut ids = vec![0; rows];
        let calls = ids.iter_mut().zip(places).zip(input).enumerate();
        for (row, ((id, place), input)) in calls {
            if let Some(known) = table.of_little(*place, *input) {
                *id = known;
                continue;
            }
            let offer = || self.names.offer(row, first, lookup);
            *id = table.at(*place, first, offer).id(*input);
            if !table.holds(last) {
                return None;
            }
        }
        Some(ids)
    }

    fn price<'a>(
        &self,
        row: usize,
        offers: &mut Offers<'a>,
    ) -> Result<(&'a Price, Usage), Unpriced> {
        let usage = self.tokens.usage(row)?;
        self.choose(row, offers).map(|price| (price, usage))
    }

    fn choose<'a>(&self, row: usize, offers: &mut Offers<'a>) -> Result<&'a Price, Unpriced> {
        match self.called_at.get(row) {
            Some(at) => offers.at(row, at).price(self.tokens.input(row)),
            None => Err(self.names.without_a_time(row)),
        }
    }
}

/// What is charged for names, each in a place of its own.
#[derive(Debug)]
pub(super) struct PriceTable {
    charged: Vec<Charged>,
    /// The time in which all of it holds.
    span: Span,
}

impl PriceTable {
    pub(super) fn new(places: usize) -> Self {
        Self {
            charged: vec![Charged::UNKNOWN; places],
            span: Span::ALWAYS,
        }
    }

    /// Forgets what does not hold all the time from one instant to another.
    fn turn_to(&mut self, first: i64, last: i64) {
        if self.holds(first) && self.holds(last) {
            return;
        }
        self.span = Span::ALWAYS;
        for charged in &mut self.charged {
            if charged.span.holds(first) && charged.span.holds(last) {
                self.span = self.span.and(charged.span);
            } else {
                *charged = Charged::UNKNOWN;
            }
        }
    }

    fn holds(&self, at: i64) -> bool {
        self.span.holds(at)
    }

    fn of_little(&self, place: usize, input_tokens: i64) -> Option<PriceId> {
        self.charged[place].of_little(input_tokens)
    }

    /// What is charged at this time; asked for where it is not known.
    fn at<'a>(&mut self, place: usize, at: i64, offer: impl FnOnce() -> Offer<'a>) -> &Charged {
        let charged = &mut self.charged[place];
        if !charged.span.holds(at) {
            *charged = offer().into();
            self.span = self.span.and(charged.span);
        }
        charged
    }
}

fn counts(reported: &PrimitiveArray<Int64Type>) -> ScalarBuffer<i64> {
    if reported.null_count() == 0 {
        return reported.values().clone();
    }
    reported.iter().map(Option::unwrap_or_default).collect()
}

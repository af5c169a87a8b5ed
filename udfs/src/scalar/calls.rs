//! The arguments that `call_cost` and `call_cost_parts` share, read call by call.

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
use crate::pricing::offer::Charged;
use crate::pricing::price::Price;
use crate::pricing::price_book::PriceId;
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
        let [
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            reasoning,
        ] = self.0.each_ref().map(|counts| counts.expanded(rows));
        // A sign in it is a sign in one of the differences, and each of those is of two counts whose
        // own signs are in it too.
        let signs = (0..rows).fold(0, |signs, row| {
            let unread = input[row].wrapping_sub(cache_read[row]);
            signs
                | (input[row] | output[row] | cache_read[row])
                | (cache_write[row] | cache_write_1h[row] | reasoning[row])
                | unread
                | unread.wrapping_sub(cache_write[row])
                | cache_write[row].wrapping_sub(cache_write_1h[row])
                | output[row].wrapping_sub(reasoning[row])
        });
        signs >= 0
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
        places: impl Iterator<Item = usize>,
        rows: usize,
        table: &mut [Charged],
        reference: &Reference,
    ) -> Vec<PriceId> {
        let are_valid = self.tokens.are_valid(rows);
        let input = self.tokens.0[0].expanded(rows);
        let mut lookup = reference.price_book.lookup(&reference.aliases);
        let mut id = |row: usize, place: usize, at: i64| {
            let charged = &mut table[place];
            if !charged.span.holds(at) {
                *charged = self.names.offer(row, at, &mut lookup).into();
            }
            charged.id(input[row])
        };
        if are_valid && let Some(times) = self.called_at.all(rows) {
            let rows = places.zip(times).enumerate();
            return rows.map(|(row, (place, at))| id(row, place, *at)).collect();
        }
        let ids = places.take(rows).enumerate().map(|(row, place)| {
            if !are_valid && self.tokens.usage(row).is_err() {
                return Unpriced::InvalidUsage.code();
            }
            let Some(at) = self.called_at.get(row) else {
                return self.names.without_a_time(row).code();
            };
            id(row, place, at)
        });
        ids.collect()
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

fn counts(reported: &PrimitiveArray<Int64Type>) -> ScalarBuffer<i64> {
    if reported.null_count() == 0 {
        return reported.values().clone();
    }
    reported.iter().map(Option::unwrap_or_default).collect()
}

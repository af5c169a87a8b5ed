//! The arguments that `call_cost` and `call_cost_parts` share, read call by call.

use datafusion::arrow::array::PrimitiveArray;
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;

use crate::columnar::arguments::{Arguments, Column};
use crate::columnar::kind::Kind;
use crate::columnar::manual::Parameter;
use crate::columnar::text::Text;
use crate::pricing::Unpriced;
use crate::pricing::price::Price;
use crate::pricing::price_book::{Moment, PriceLookup};
use crate::pricing::usage::{ReportedTokens, Usage};
use crate::reference::Reference;

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
    Parameter::optional(
        "service_tier",
        Kind::Text,
        "batch, flex or priority; NULL is standard.",
    ),
];

type Tokens = Column<PrimitiveArray<Int64Type>>;

/// The arguments as columns.
pub(super) struct Calls {
    provider: Column<Text>,
    model: Column<Text>,
    called_at: Column<PrimitiveArray<TimestampMicrosecondType>>,
    tokens: [Tokens; 6],
    service_tier: Column<Text>,
}

impl Calls {
    pub(super) fn new(arguments: &Arguments<'_>) -> Result<Self> {
        let tokens = |position| arguments.integer(position);
        Ok(Self {
            provider: arguments.text(0)?,
            model: arguments.text(1)?,
            called_at: arguments.timestamp(2)?,
            tokens: [
                tokens(3)?,
                tokens(4)?,
                tokens(5)?,
                tokens(6)?,
                tokens(7)?,
                tokens(8)?,
            ],
            service_tier: arguments.text(9)?,
        })
    }

    /// Prices the calls in turn; `each` is given the row's price and usage, or why there is none.
    pub(super) fn price_each(
        &self,
        rows: usize,
        reference: &Reference,
        mut each: impl FnMut(Result<(&Price, Usage), Unpriced>) -> Result<()>,
    ) -> Result<()> {
        let mut lookup = reference.price_book.lookup(&reference.aliases);
        (0..rows).try_for_each(|row| each(self.price(row, &mut lookup)))
    }

    fn price<'a>(
        &'a self,
        row: usize,
        lookup: &mut PriceLookup<'a>,
    ) -> Result<(&'a Price, Usage), Unpriced> {
        let [
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            reasoning,
        ] = [0, 1, 2, 3, 4, 5].map(|count: usize| self.tokens[count].get(row));
        let usage = Usage::new(ReportedTokens {
            input,
            output,
            cache_read,
            cache_write,
            cache_write_1h,
            reasoning,
        })?;
        let provider = self.provider.get(row).ok_or(Unpriced::Model)?;
        let model = self.model.get(row).ok_or(Unpriced::Model)?;
        let moment = Moment {
            at: self.called_at.get(row).ok_or(Unpriced::Date)?,
            service_tier: self.service_tier.get(row),
            input_tokens: input.unwrap_or(0),
        };
        lookup
            .find(provider, model, moment)
            .map(|price| (price, usage))
    }
}

//! The demo's money: integers of 10⁻¹² of a currency unit, the scale of the program.
//!
//! A price in micro-dollars per million tokens times a number of tokens is a whole number of these
//! units, so that list costs are exact. The contract's rates are chosen to leave them whole.

use super::prices::Price;

/// Units of a cent.
pub(super) const CENT: i128 = 10_000_000_000;

/// Tokens of one call, in the ledger's terms: input and output are totals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    pub(super) input: i64,
    pub(super) cache_read: i64,
    pub(super) cache_write: i64,
    pub(super) cache_write_1h: i64,
    pub(super) output: i64,
    pub(super) reasoning: i64,
}

impl Tokens {
    pub(super) fn uncached(&self) -> i64 {
        self.input - self.cache_read - self.cache_write
    }

    pub(super) fn total(&self) -> i64 {
        self.input + self.output
    }
}

/// What a call costs by the price book, by what a bill may charge separately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ListCost {
    pub(super) input: i128,
    pub(super) cache_read: i128,
    pub(super) cache_write: i128,
    pub(super) output: i128,
}

impl ListCost {
    pub(super) fn of(tokens: &Tokens, price: &Price) -> Self {
        let cost = |tokens: i64, price: i64| i128::from(tokens) * i128::from(price);
        let write = price.cache_write.unwrap_or(price.input);
        let write_1h = price.cache_write_1h.unwrap_or(write);
        Self {
            input: cost(tokens.uncached(), price.input),
            cache_read: cost(tokens.cache_read, price.cache_read.unwrap_or(price.input)),
            cache_write: cost(tokens.cache_write - tokens.cache_write_1h, write)
                + cost(tokens.cache_write_1h, write_1h),
            output: cost(tokens.output, price.output),
        }
    }

    pub(super) fn whole(&self) -> i128 {
        self.input + self.cache_read + self.cache_write + self.output
    }
}

/// A fraction of an amount, such as a discount or a tax.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) numerator: i128,
    pub(super) denominator: i128,
}

impl Rate {
    pub(super) const fn per_mille(numerator: i128) -> Self {
        Self {
            numerator,
            denominator: 1000,
        }
    }

    /// The fraction, which must be whole: a rounded one would move a unit between customers.
    pub(super) fn of(self, amount: i128) -> i128 {
        let product = amount * self.numerator;
        assert_eq!(
            product % self.denominator,
            0,
            "the prices leave the rate room to be exact"
        );
        product / self.denominator
    }
}

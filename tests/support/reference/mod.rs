//! The attribution rule written a second time: slowly, exactly and without SQL.
//!
//! The product answers with plans over columns; this module answers the same questions with loops
//! over rows and exact fractions, and knows nothing of the product. A difference between the two is
//! a mistake in one of them. What never happens here: a float, a batch, an order of rows that
//! matters, a shortcut that the rule does not name.
//!
//! Reading order: [`model`] (the rows) · [`calendar`] (months and days) · [`normal`] (empty text,
//! aliases, equal rows, currency, the spread by day) · [`pricing`] (the price book) · [`split`]
//! (largest remainder) · [`covering`] (which charge covers which call) · [`weights`] (by what) ·
//! [`attribution`] (the rule itself) · [`allocation`] (what each customer cost) · [`patterns`] (how it
//! uses the product, beside its peers).
//!
//! Rows of cost zero are left out of every answer: compare with the product's rows that are not
//! zero.

pub(crate) mod allocation;
pub(crate) mod attribution;
pub(crate) mod calendar;
pub(crate) mod covering;
pub(crate) mod model;
pub(crate) mod normal;
pub(crate) mod patterns;
pub(crate) mod pricing;
pub(crate) mod split;
pub(crate) mod weights;

#[cfg(test)]
mod tests;

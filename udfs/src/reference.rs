//! [`Reference`]: what functions know besides their arguments: prices, aliases and bands.
//!
//! It is read once from the relations `prices`, `aliases` and `bands`, and it does not change. Two
//! functions with equal references are equal, so that plans and cached expressions can be compared.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use sha2::{Digest, Sha256};

use crate::pattern::bands::Bands;
use crate::pricing::alias::Aliases;
use crate::pricing::price_book::PriceBook;
use crate::pricing::span::Span;

mod bytes;
mod relation;
mod rows;

/// Prices, aliases and bands.
#[derive(Debug, Default)]
pub struct Reference {
    pub(crate) price_book: PriceBook,
    pub(crate) aliases: Aliases,
    pub(crate) bands: Bands,
    digest: [u8; 32],
    /// Prices, aliases and bands as they were given.
    relations: [Vec<RecordBatch>; 3],
    /// A time in which nothing changes, the one asked for last.
    unchanged: Mutex<Option<Span>>,
}

impl Reference {
    /// Reads the relations; without bands the default ones hold.
    pub fn from_batches(
        prices: &[RecordBatch],
        aliases: &[RecordBatch],
        bands: &[RecordBatch],
    ) -> Result<Self> {
        let relations = [prices, aliases, bands].map(<[RecordBatch]>::to_vec);
        let mut digest = ContentHasher(Sha256::new());
        let alias_rows = rows::aliases(aliases)?;
        let price_rows = rows::prices(prices)?;
        let band_rows = rows::bands(bands)?;
        (&alias_rows, &price_rows, format!("{band_rows:?}")).hash(&mut digest);

        let aliases = Aliases::new(alias_rows);
        Ok(Self {
            price_book: PriceBook::new(price_rows, &aliases),
            aliases,
            bands: if band_rows.is_empty() {
                Bands::default()
            } else {
                Bands::new(band_rows)
            },
            digest: digest.0.finalize().into(),
            relations,
            unchanged: Mutex::default(),
        })
    }

    /// The time around an instant in which no price and no alias changes. Whoever asks mostly asks next
    /// for a time within it.
    pub(crate) fn unchanged_around(&self, at: i64) -> Span {
        let mut last = self
            .unchanged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match *last {
            Some(span) if span.holds(at) => span,
            _ => {
                let mut span = Span::around(at, self.price_book.changes(at));
                span.narrow(at, self.aliases.changes());
                *last = Some(span);
                span
            }
        }
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Reference {}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// A reference with nothing in it but the default bands.
pub(crate) fn empty() -> Arc<Reference> {
    Arc::new(Reference::default())
}

/// Feeds all that is hashed to SHA-256, of which a 64-bit hash would keep too little to tell price
/// books apart.
struct ContentHasher(Sha256);

impl Hasher for ContentHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Never asked for: the digest is read from the inner hash.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::money::Exact;
    use crate::pattern::bands::Band;

    fn batch(texts: &[(&str, &str)], numbers: &[(&str, i64)]) -> RecordBatch {
        let text = |value| Arc::new(StringArray::from(vec![value])) as ArrayRef;
        let number = |value| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
        let texts = texts.iter().map(|(name, value)| (*name, text(*value)));
        let numbers = numbers.iter().map(|(name, value)| (*name, number(*value)));
        RecordBatch::try_from_iter(texts.chain(numbers)).unwrap()
    }

    #[test]
    fn references_are_equal_when_their_content_is() {
        let bands = |alert| {
            let limits = [("target_pct", 10), ("alert_pct", alert)];
            Reference::from_batches(&[], &[], &[batch(&[("tier", "Start-up")], &limits)]).unwrap()
        };
        assert_eq!(bands(20), bands(20));
        assert_ne!(bands(20), bands(21));
        let one = |tier| {
            let reference = bands(20);
            let (cost, revenue) = (Exact::from_units(1, 0), Exact::from_units(100, 0));
            reference
                .bands
                .band(Some(tier), cost, Some(revenue))
                .unwrap()
        };
        assert_eq!(one("start-up"), Some(Band::Target));
        assert_eq!(one("SMB"), None, "own bands replace the default ones");
    }

    #[test]
    fn a_row_that_lacks_something_is_named() {
        let names = [
            ("provider", "openai"),
            ("model", "gpt-4o"),
            ("currency", "USD"),
        ];
        let prices = batch(&names, &[("input_per_mtok", 2)]);
        let error = Reference::from_batches(&[prices], &[], &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("prices, row 1: no `output_per_mtok`"),
            "{error}"
        );
        let aliases = batch(
            &[("kind", "modell"), ("name", "a"), ("canonical", "b")],
            &[],
        );
        let error = Reference::from_batches(&[], &[aliases], &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("aliases, row 1: `modell` is not a kind"),
            "{error}"
        );
    }

    #[test]
    fn a_negative_price_is_refused() {
        let names = [
            ("provider", "openai"),
            ("model", "gpt-4o"),
            ("currency", "USD"),
        ];
        let prices = batch(&names, &[("input_per_mtok", -2), ("output_per_mtok", 1)]);
        let error = Reference::from_batches(&[prices], &[], &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("a price per million tokens is negative"),
            "{error}"
        );
    }
}

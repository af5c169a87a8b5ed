//! [`Offer`]: what a provider charges for a model and service tier, over a span of time in which it
//! charges the same.

use super::price::Price;
use super::price_book::PriceId;
use super::span::Span;
use super::{Unpriced, service_tier};

/// The rows that price calls in a span of time.
#[derive(Debug, Clone)]
pub struct Offer<'a> {
    pub span: Span,
    /// By the input that a call must pass, the highest first; or why no call is priced.
    rows: Result<Vec<&'a Price>, Unpriced>,
}

impl<'a> Offer<'a> {
    /// Of a model's rows by name, the most specific name first, those of the first name that has any
    /// in force at `at`. The span is one in which the names are these.
    pub(super) fn new(
        names: impl Iterator<Item = &'a [Price]>,
        tier: Option<&str>,
        at: i64,
        span: Span,
    ) -> Self {
        let mut offer = Self::none(span, Unpriced::Model);
        for prices in names {
            let changes = prices.iter().flat_map(|price| price.changes(at));
            offer.span.narrow(at, changes);
            if prices.iter().any(|price| price.in_force(at)) {
                offer.rows = of_tier(prices, service_tier(tier), at);
                break;
            }
            offer.rows = Err(Unpriced::Date);
        }
        offer
    }

    pub fn none(span: Span, reason: Unpriced) -> Self {
        Self {
            span,
            rows: Err(reason),
        }
    }

    /// The row that prices a call with so much input.
    pub fn price(&self, input_tokens: i64) -> Result<&'a Price, Unpriced> {
        let rows = self.rows.as_ref().map_err(|reason| *reason)?;
        let passed = rows
            .iter()
            .find(|price| price.passes_threshold(input_tokens));
        passed.copied().ok_or(Unpriced::Threshold)
    }
}

/// What an [`Offer`] comes to: the numbers of the rows that price a call, or of the reason why none does.
#[derive(Debug, Clone)]
pub struct Charged {
    pub span: Span,
    /// By the input that a call must pass, the highest first.
    above: Vec<(i64, PriceId)>,
    /// What no input passes that is not above this.
    lowest: i64,
    otherwise: PriceId,
}

impl Charged {
    /// Nothing is known of any time, nor of any input.
    pub const UNKNOWN: Self = Self {
        span: Span::NEVER,
        above: vec![],
        lowest: i64::MIN,
        otherwise: 0,
    };

    /// The number for so little input that no price asks for more.
    pub fn of_little(&self, input_tokens: i64) -> Option<PriceId> {
        (input_tokens <= self.lowest).then_some(self.otherwise)
    }

    pub fn id(&self, input_tokens: i64) -> PriceId {
        let mut above = self.above.iter();
        let passed = above.find(|(minimum, _)| *minimum < input_tokens);
        passed.map_or(self.otherwise, |(_, id)| *id)
    }
}

impl From<Offer<'_>> for Charged {
    fn from(offer: Offer<'_>) -> Self {
        let mut charged = Self {
            span: offer.span,
            above: vec![],
            lowest: i64::MAX,
            otherwise: Unpriced::Threshold.code(),
        };
        match offer.rows {
            Ok(rows) => {
                for price in rows {
                    let Some(minimum) = price.min_input_tokens else {
                        charged.otherwise = price.id;
                        break;
                    };
                    charged.above.push((minimum, price.id));
                    charged.lowest = charged.lowest.min(minimum);
                }
            }
            Err(reason) => charged.otherwise = reason.code(),
        }
        charged
    }
}

/// One name's rows, which stand in order of preference: the tier's own, else those without one.
fn of_tier<'a>(
    prices: &'a [Price],
    tier: Option<&str>,
    at: i64,
) -> Result<Vec<&'a Price>, Unpriced> {
    let of_tier = |tier| -> Vec<_> {
        let matching = |price: &&Price| price.is_of_tier(tier) && price.in_force(at);
        prices.iter().filter(matching).collect()
    };
    let own = of_tier(tier);
    let rows = if own.is_empty() { of_tier(None) } else { own };
    if rows.is_empty() {
        return Err(Unpriced::Tier);
    }
    Ok(rows)
}

//! [`Usage`]: the token counts of one call, once they make sense together.
//!
//! Input holds cache reads and cache writes, cache writes hold one-hour writes, output holds
//! reasoning.

use super::Unpriced;

/// Token counts as a ledger reports them, zero where it measured none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportedTokens {
    pub input: i64,
    pub output: i64,
    pub cache_read: i64,
    pub cache_write: i64,
    pub cache_write_1h: i64,
    pub reasoning: i64,
}

/// Token counts without overlap: every token is in one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub uncached: u64,
    pub cache_read: u64,
    pub cache_write_5m: u64,
    pub cache_write_1h: u64,
    /// Output that is not reasoning.
    pub answer: u64,
    pub reasoning: u64,
}

impl Usage {
    pub fn new(tokens: ReportedTokens) -> Result<Self, Unpriced> {
        Self::disjoint(tokens).ok_or(Unpriced::InvalidUsage)
    }

    fn disjoint(tokens: ReportedTokens) -> Option<Self> {
        let count = |tokens: i64| u64::try_from(tokens).ok();
        let cache_read = count(tokens.cache_read)?;
        let cache_write = count(tokens.cache_write)?;
        let cache_write_1h = count(tokens.cache_write_1h)?;
        let reasoning = count(tokens.reasoning)?;
        Some(Self {
            uncached: count(tokens.input)?.checked_sub(cache_read.checked_add(cache_write)?)?,
            cache_read,
            cache_write_5m: cache_write.checked_sub(cache_write_1h)?,
            cache_write_1h,
            answer: count(tokens.output)?.checked_sub(reasoning)?,
            reasoning,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: ReportedTokens = ReportedTokens {
        input: 100,
        output: 50,
        cache_read: 60,
        cache_write: 30,
        cache_write_1h: 10,
        reasoning: 20,
    };

    #[test]
    fn every_token_is_counted_once() {
        let usage = Usage::new(CALL).unwrap();
        let input = usage.uncached + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
        assert_eq!((input, usage.answer + usage.reasoning), (100, 50));
        assert_eq!(
            (usage.uncached, usage.cache_write_5m, usage.answer),
            (10, 20, 30)
        );
    }

    #[test]
    fn what_is_not_measured_is_zero() {
        let usage = Usage::new(ReportedTokens {
            output: 1,
            ..Default::default()
        })
        .unwrap();
        assert_eq!((usage.uncached, usage.answer), (0, 1));
    }

    #[test]
    fn a_subset_above_its_total_is_invalid() {
        for tokens in [
            ReportedTokens { input: -1, ..CALL },
            ReportedTokens { input: 89, ..CALL },
            ReportedTokens {
                cache_write_1h: 31,
                ..CALL
            },
            ReportedTokens {
                reasoning: 51,
                ..CALL
            },
            ReportedTokens { input: 0, ..CALL },
        ] {
            assert_eq!(
                Usage::new(tokens),
                Err(Unpriced::InvalidUsage),
                "{tokens:?}"
            );
        }
    }
}

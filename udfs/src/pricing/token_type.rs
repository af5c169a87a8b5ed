//! [`TokenType`]: the kinds of token that a price book prices.

use std::str::FromStr;

/// A kind of token with a price of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenType {
    Input,
    CacheRead,
    CacheWrite,
    CacheWrite1h,
    Output,
    Reasoning,
}

impl TokenType {
    /// Spellings in SQL. A write lives five minutes unless something else is said, and all input
    /// has the input price.
    const NAMES: [(&'static str, Self); 8] = [
        ("input", Self::Input),
        ("all_input", Self::Input),
        ("cache_read", Self::CacheRead),
        ("cache_write", Self::CacheWrite),
        ("cache_write_5m", Self::CacheWrite),
        ("cache_write_1h", Self::CacheWrite1h),
        ("output", Self::Output),
        ("reasoning", Self::Reasoning),
    ];
}

impl FromStr for TokenType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, token_type)| token_type).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name).join(", ");
            format!("`{text}` is not a token type; the token types are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_lives_five_minutes_unless_something_else_is_said() {
        assert_eq!("cache_write".parse(), Ok(TokenType::CacheWrite));
        assert_eq!("cache_write_5m".parse(), Ok(TokenType::CacheWrite));
        assert_eq!("cache_write_1h".parse(), Ok(TokenType::CacheWrite1h));
        assert!(
            "tokens"
                .parse::<TokenType>()
                .unwrap_err()
                .contains("`tokens`")
        );
    }
}

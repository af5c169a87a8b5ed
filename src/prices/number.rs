//! A price as a file writes it, to what the price book holds.

use super::json::Json;
use crate::error::{Error, Result};
use apportion_udfs::money::{Amount, Exact, MoneyError, PerMtok};

/// What a source's number is a price of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Token,
    MillionTokens,
    Request,
    ThousandRequests,
}

/// A number in the book's units, and the number that it was where that was finer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) units: i128,
    pub(super) rounded_from: Option<String>,
}

impl Unit {
    /// Decimals of the book, and what makes the book's unit of the source's.
    fn shape(self) -> (i8, Exact) {
        let one = Exact::from_units(1, 0);
        match self {
            Self::Token => (PerMtok::SCALE, Exact::from_units(1_000_000, 0)),
            Self::MillionTokens => (PerMtok::SCALE, one),
            Self::Request => (Amount::SCALE, one),
            Self::ThousandRequests => (Amount::SCALE, Exact::from_units(1, 3)),
        }
    }

    /// Decimals that the book keeps.
    pub(super) fn scale(self) -> i8 {
        self.shape().0
    }

    pub(super) fn read(self, text: &str) -> Result<Read> {
        let wrong = |error: MoneyError| Error::new(format!("a price is wrong: {error}"));
        let number = Exact::parse(text)
            .map_err(wrong)?
            .ok_or_else(|| Error::new("a price is empty"))?;
        let (scale, factor) = self.shape();
        let scale = i32::from(scale);
        let number = number
            .checked_mul(factor)
            .ok_or_else(|| Error::new(format!("a price has too many digits: {text}")))?;
        if !number.is_zero() && !number.is_positive() {
            return Err(Error::new(format!("a price is negative: {text}")));
        }
        let (rounded, is_exact) = match number.exactly(scale) {
            Ok(units) => (units, true),
            Err(MoneyError::TooFine { .. }) => (number.rounded(scale).map_err(wrong)?, false),
            Err(error) => return Err(wrong(error)),
        };
        Ok(Read {
            units: rounded.to_i128(PerMtok::PRECISION).map_err(wrong)?,
            rounded_from: (!is_exact).then(|| text.to_owned()),
        })
    }

    /// Of a JSON value; a text is no price.
    pub(super) fn read_json(self, value: &Json) -> Result<Read> {
        match value {
            Json::Number(text) => self.read(text),
            other => Err(Error::new(format!(
                "a price is {}, and no number",
                other.kind()
            ))),
        }
    }
}

/// `units` with `scale` decimals, for people.
pub(super) fn shown(units: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or_default();
    let digits = format!("{:0width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if units < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_becomes_units_without_a_float() {
        let exact = |unit: Unit, text| {
            let read = unit.read(text).unwrap();
            assert_eq!(read.rounded_from, None, "{text}");
            read.units
        };
        assert_eq!(exact(Unit::Token, "1.5e-07"), 150_000);
        assert_eq!(exact(Unit::Token, "0.000000000001"), 1);
        assert_eq!(exact(Unit::MillionTokens, "0.3"), 300_000);
        assert_eq!(exact(Unit::ThousandRequests, "5"), 5_000_000_000);
        assert_eq!(exact(Unit::Request, "0"), 0);
    }

    #[test]
    fn what_is_finer_is_rounded_half_to_even_and_told() {
        let read = Unit::MillionTokens.read("0.1234565").unwrap();
        assert_eq!(read.units, 123_456);
        assert_eq!(read.rounded_from.as_deref(), Some("0.1234565"));
        assert_eq!(
            Unit::MillionTokens.read("0.1234575").unwrap().units,
            123_458
        );
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in ["-1", "", "abc", "NaN", "1e30"] {
            assert!(Unit::Token.read(text).is_err(), "{text}");
        }
        let text = Unit::Token.read_json(&Json::Text("1".to_owned()));
        assert!(text.unwrap_err().to_string().contains("a text"));
    }

    #[test]
    fn units_are_shown_without_idle_zeros() {
        assert_eq!(shown(1_500_000, 6), "1.5");
        assert_eq!(shown(5, 6), "0.000005");
        assert_eq!(shown(0, 6), "0");
        assert_eq!(shown(3_000_000, 6), "3");
    }
}

//! Figures drawn with the block characters of a terminal, an eighth of a block at a time.

use ruint::aliases::U512;

use crate::money::rounding::half_even;
use crate::money::{Exact, MoneyError};

/// The lower part of a block, from one eighth to the whole.
const LOWER: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The left part of a block, from one eighth to seven.
const LEFT: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// A value a block: the least is an eighth high, the greatest a whole one, values that are all the
/// same stand in the middle, and what is missing is blank.
pub fn sparkline(values: &[Option<i128>]) -> String {
    let known = || values.iter().flatten().copied();
    let (Some(least), Some(greatest)) = (known().min(), known().max()) else {
        return " ".repeat(values.len());
    };
    let above = |value: i128| U512::from(value.abs_diff(least));
    let block = |value: i128| {
        let level = half_even(above(value).wrapping_mul(U512::from(7)), above(greatest));
        level
            .and_then(|level| LOWER.get(usize::try_from(level).ok()?))
            .unwrap_or(&LOWER[4])
    };
    values
        .iter()
        .map(|value| value.map_or(' ', |value| *block(value)))
        .collect()
}

/// The part that `value` is of `max`, as a bar that is `width` blocks long when it is all of it.
pub fn bar(value: Exact, max: Exact, width: u32) -> Result<String, MoneyError> {
    if !value.is_positive() || !max.is_positive() {
        return Ok(String::new());
    }
    let whole = u64::from(width).saturating_mul(8);
    let part = value
        .checked_mul(Exact::from_units(whole.into(), 0))
        .ok_or(MoneyError::Overflow { precision: 76 })?
        .over(max, 0)?;
    let eighths = u64::try_from(part.magnitude).map_or(whole, |part| part.min(whole));
    let full = usize::try_from(eighths / 8).unwrap_or(usize::MAX);
    let rest = usize::try_from(eighths % 8).unwrap_or(0);
    let mut bar = "█".repeat(full);
    bar.extend(rest.checked_sub(1).map(|rest| LEFT[rest]));
    Ok(bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap().unwrap()
    }

    #[test]
    fn a_line_runs_from_its_least_to_its_greatest_value() {
        let line =
            |values: &[i128]| sparkline(&values.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(line(&[0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█");
        assert_eq!(line(&[-70, 70, 0]), "▁█▅");
        assert_eq!(line(&[5, 5]), "▅▅");
        assert_eq!(line(&[i128::MIN, i128::MAX]), "▁█");
        assert_eq!(sparkline(&[Some(1), None, Some(2)]), "▁ █");
        assert_eq!(sparkline(&[None]), " ");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        let drawn = |value: &str, max: &str| bar(exact(value), exact(max), 4).unwrap();
        assert_eq!(drawn("50", "100"), "██");
        assert_eq!(drawn("100.0", "100"), "████");
        assert_eq!(drawn("3", "32"), "▍");
        assert_eq!(drawn("31", "32"), "███▉");
        assert_eq!(drawn("1000", "1"), "████");
        assert_eq!(drawn("1", "1000"), "");
        assert_eq!(drawn("-1", "10"), "");
        assert_eq!(drawn("1", "0"), "");
    }
}

//! Parameters of saved queries: their types, their values, and the literals they become.
//!
//! A value is checked against its type when it is given, whatever entrance it came through, and
//! is put into the parsed statement as a literal of that type: text never becomes SQL.
//!
//! * [`kind`] the types; [`argument`] values as they are given; [`month`] the most used of them
//! * [`literal`] what they become

mod argument;
mod kind;
mod literal;
mod month;

pub use argument::{Argument, Default};
pub use kind::ParameterType;
pub(super) use literal::no_arguments;
pub use month::Month;

use crate::error::{Error, Result};
use datafusion::sql::sqlparser::ast::{Expr, Value};
use literal::{
    cast, has_few_decimals, instant, is_date, is_decimal, is_instant, list, microseconds, null,
    string,
};
use month::MonthRange;

/// One declared parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub kind: ParameterType,
    pub default: Option<Default>,
    pub description: String,
}

impl Parameter {
    /// The literals that this parameter's names stand for in a body, once its value is known.
    ///
    /// A month binds `$name`, its first and last month, and the half-open range of instants; a list
    /// of instants its first and last. So a body needs no date arithmetic, and a scan sees literals.
    pub fn bind(&self, argument: &Argument) -> Result<Vec<(String, Expr)>> {
        let name = &self.name;
        let wrong = |expected: &str| {
            Error::new(format!(
                "parameter `{name}` takes {expected}, not `{}`",
                argument.shown()
            ))
        };
        let one = |expression| Ok(vec![(format!("${name}"), expression)]);
        if *argument == Argument::Null {
            return Ok(self
                .placeholders()
                .into_iter()
                .map(|(name, kind)| (name, null(&kind)))
                .collect());
        }
        match (&self.kind, argument) {
            (ParameterType::Month, Argument::Text(text)) => self.months(text),
            (ParameterType::Month, _) => Err(wrong(
                "a month such as '2026-10', or a range '2026-05..2026-10'",
            )),
            (ParameterType::Text, Argument::Text(text)) => one(string(text)),
            (ParameterType::Text, _) => Err(wrong("a text in quotes")),
            (ParameterType::Choice(words), Argument::Text(text)) if words.contains(text) => {
                one(string(text))
            }
            (ParameterType::Choices(words), Argument::Text(text)) => self
                .choices(words, text)
                .ok_or_else(|| wrong(&self.kind.to_string())),
            (kind @ (ParameterType::Choice(_) | ParameterType::Choices(_)), _) => {
                Err(wrong(&kind.to_string()))
            }
            (ParameterType::Boolean, Argument::Boolean(value)) => {
                one(Expr::value(Value::Boolean(*value)))
            }
            (ParameterType::Boolean, Argument::Text(text)) if text == "true" || text == "false" => {
                one(Expr::value(Value::Boolean(text == "true")))
            }
            (ParameterType::Boolean, _) => Err(wrong("true or false")),
            (ParameterType::Integer, Argument::Number(text) | Argument::Text(text))
                if text.parse::<i64>().is_ok() =>
            {
                one(Expr::value(Value::Number(text.clone(), false)))
            }
            (ParameterType::Decimal, Argument::Number(text) | Argument::Text(text))
                if is_decimal(text) =>
            {
                if !has_few_decimals(text) {
                    return Err(wrong("at most 12 digits after the point"));
                }
                one(cast(string(text), "DECIMAL(38,12)")?)
            }
            (kind @ (ParameterType::Integer | ParameterType::Decimal), _) => {
                Err(wrong(kind.noun()))
            }
            (ParameterType::Date, Argument::Text(text)) if is_date(text) => {
                one(cast(string(text), "DATE")?)
            }
            (ParameterType::Date, _) => Err(wrong("a date such as '2026-10-31'")),
            (ParameterType::Timestamp, Argument::Text(text)) if is_instant(text) => {
                one(instant(text))
            }
            (ParameterType::Timestamp, Argument::Number(text)) if text.parse::<i64>().is_ok() => {
                one(microseconds(text.parse().ok()))
            }
            (ParameterType::Timestamp, _) => Err(wrong("an instant such as '2026-10-31T12:00:00'")),
            (ParameterType::Timestamps, Argument::Instants(instants)) => Ok(vec![
                (format!("${name}"), list(instants)),
                (
                    format!("${name}_first"),
                    microseconds(instants.first().copied()),
                ),
                (
                    format!("${name}_last"),
                    microseconds(instants.last().copied()),
                ),
            ]),
            (ParameterType::Timestamps, _) => Err(wrong("a list of instants")),
            (ParameterType::Relation, _) => Err(wrong("a table, or a query in parentheses")),
            (
                ParameterType::Within(kind, limits),
                Argument::Number(text) | Argument::Text(text),
            ) if limits.hold(text) => {
                let unlimited = Self {
                    kind: kind.as_ref().clone(),
                    ..self.clone()
                };
                unlimited.bind(argument)
            }
            (ParameterType::Within(kind, limits), _) => {
                Err(wrong(&format!("{} {limits}", kind.noun())))
            }
        }
    }

    fn months(&self, text: &str) -> Result<Vec<(String, Expr)>> {
        let name = &self.name;
        let range = MonthRange::parse(text)?;
        Ok(vec![
            (format!("${name}"), string(text)),
            (format!("${name}_first"), string(&range.first.to_string())),
            (format!("${name}_last"), string(&range.last.to_string())),
            (format!("${name}_start"), instant(&range.first.start())),
            (format!("${name}_end"), instant(&range.last.next().start())),
        ])
    }

    /// The words, and the place of the last that was chosen; nothing where one is not known.
    fn choices(&self, words: &[String], text: &str) -> Option<Vec<(String, Expr)>> {
        let name = &self.name;
        let chosen: Option<Vec<usize>> = text
            .split(',')
            .map(|word| words.iter().position(|known| known == word.trim()))
            .collect();
        let deepest = chosen?.into_iter().max()?;
        let deepest = Expr::value(Value::Number(deepest.to_string(), false));
        Some(vec![
            (format!("${name}"), string(&text.replace(' ', ""))),
            (format!("${name}_depth"), deepest),
        ])
    }

    /// NULL is a value only where it is the default.
    pub fn may_be_null(&self) -> bool {
        matches!(self.default, Some(Default::Literal(Argument::Null)))
    }

    /// Every placeholder that a body may use because of this declaration.
    pub fn placeholders(&self) -> Vec<(String, ParameterType)> {
        let name = &self.name;
        let text = ParameterType::Text;
        let time = ParameterType::Timestamp;
        match &self.kind {
            ParameterType::Month => vec![
                (format!("${name}"), text.clone()),
                (format!("${name}_first"), text.clone()),
                (format!("${name}_last"), text),
                (format!("${name}_start"), time.clone()),
                (format!("${name}_end"), time),
            ],
            ParameterType::Choices(_) => vec![
                (format!("${name}"), text),
                (format!("${name}_depth"), ParameterType::Integer),
            ],
            ParameterType::Timestamps => vec![
                (format!("${name}"), ParameterType::Timestamps),
                (format!("${name}_first"), time.clone()),
                (format!("${name}_last"), time),
            ],
            ParameterType::Relation => vec![],
            ParameterType::Within(kind, _) => vec![(format!("${name}"), kind.as_ref().clone())],
            kind => vec![(format!("${name}"), kind.clone())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(kind: ParameterType, argument: &Argument) -> Result<Vec<String>> {
        let parameter = Parameter {
            name: "p".into(),
            kind,
            default: None,
            description: String::new(),
        };
        let bound = parameter.bind(argument)?;
        Ok(bound
            .into_iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect())
    }

    #[test]
    fn a_month_is_also_its_range() {
        let month = Argument::Text("2026-11..2026-12".into());
        assert_eq!(
            bound(ParameterType::Month, &month).unwrap(),
            [
                "$p '2026-11..2026-12'",
                "$p_first '2026-11'",
                "$p_last '2026-12'",
                "$p_start arrow_cast('2026-11-01T00:00:00', 'Timestamp(Microsecond, None)')",
                "$p_end arrow_cast('2027-01-01T00:00:00', 'Timestamp(Microsecond, None)')",
            ]
        );
    }

    #[test]
    fn what_is_no_month_is_said_so() {
        for text in [
            "2026-13",
            "2026-00",
            "26-10",
            "2026-1",
            "October",
            "2026-10-01",
            "",
        ] {
            let error = bound(ParameterType::Month, &Argument::Text(text.into())).unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not a month"));
        }
        let backwards = Argument::Text("2026-10..2026-05".into());
        assert!(bound(ParameterType::Month, &backwards).is_err());
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        assert!(bound(ParameterType::Integer, &Argument::Text("x".into())).is_err());
        assert!(bound(ParameterType::Boolean, &Argument::Number("1".into())).is_err());
        assert!(bound(ParameterType::Text, &Argument::Number("1".into())).is_err());
        assert!(bound(ParameterType::Date, &Argument::Text("2026-10".into())).is_err());
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let refusal = |kind, text: &str| {
            bound(kind, &Argument::Text(text.into()))
                .err()
                .map(|error| error.to_string())
        };
        for day in ["2026-02-28", "2028-02-29", "2000-02-29", "2026-04-30"] {
            assert_eq!(refusal(ParameterType::Date, day), None);
            assert_eq!(refusal(ParameterType::Timestamp, day), None);
        }
        for day in [
            "2026-02-30",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-01-32",
            "2026-01-00",
            "2026-2-03",
        ] {
            assert_eq!(
                refusal(ParameterType::Date, day),
                Some(format!(
                    "parameter `p` takes a date such as '2026-10-31', not `{day}`"
                ))
            );
            assert!(refusal(ParameterType::Timestamp, day).is_some(), "{day}");
        }
        for instant in ["2026-10-01T00:00:00Z", "2026-10-01 12:30:00.5"] {
            assert_eq!(refusal(ParameterType::Timestamp, instant), None);
        }
        for instant in ["2026-10-01x", "2026-10-01T25:00:00"] {
            assert_eq!(
                refusal(ParameterType::Timestamp, instant),
                Some(format!(
                    "parameter `p` takes an instant such as '2026-10-31T12:00:00', not `{instant}`"
                ))
            );
        }
        assert!(bound(ParameterType::Timestamp, &Argument::Number("1.5".into())).is_err());
    }

    #[test]
    fn decimals_are_written_out_and_fit() {
        let decimal = |text: &str| bound(ParameterType::Decimal, &Argument::Text(text.into()));
        for text in [
            "0",
            "-5",
            "+5",
            ".5",
            "5.",
            "12.345678901234",
            "0.5000000000000000",
        ] {
            assert!(decimal(text).is_ok(), "{text}");
        }
        for text in ["12.3456789012345", "1.0000000000000000000000000000001"] {
            assert_eq!(
                decimal(text).unwrap_err().to_string(),
                format!("parameter `p` takes at most 12 digits after the point, not `{text}`")
            );
        }
        for text in [
            "1e3",
            "1_000",
            "",
            ".",
            " 5",
            "1.2.3",
            "123456789012345678901234567",
        ] {
            assert_eq!(
                decimal(text).unwrap_err().to_string(),
                format!("parameter `p` takes a decimal number, not `{text}`")
            );
        }
    }

    #[test]
    fn words_are_held_against_the_list() {
        let text = |text: &str| Argument::Text(text.into());
        let one = ParameterType::parse("billed|effective").unwrap();
        assert_eq!(
            bound(one.clone(), &text("billed")).unwrap(),
            ["$p 'billed'"]
        );
        let error = bound(one, &text("net")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "parameter `p` takes one of billed, effective, not `net`"
        );
        let some = ParameterType::parse("customer|feature|model+").unwrap();
        let both = bound(some.clone(), &text("model, feature")).unwrap();
        assert_eq!(both, ["$p 'model,feature'", "$p_depth 2"]);
        assert!(bound(some, &text("colour")).is_err());
    }

    #[test]
    fn a_number_may_have_limits() {
        let refusal = |kind: &str, text: &str| {
            let kind = ParameterType::parse(kind).unwrap();
            bound(kind, &Argument::Text(text.into()))
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(refusal("decimal>0", "0.000001"), None);
        assert_eq!(refusal("decimal>=0<=1", "0"), None);
        assert_eq!(refusal("decimal>=0<=1", "1"), None);
        assert_eq!(refusal("integer>=1<13", "12"), None);
        let told =
            |takes: &str, text: &str| Some(format!("parameter `p` takes {takes}, not `{text}`"));
        assert_eq!(
            refusal("decimal>0", "0"),
            told("a decimal number above 0", "0")
        );
        assert_eq!(
            refusal("decimal>0", "x"),
            told("a decimal number above 0", "x")
        );
        let share = "a decimal number of at least 0 and of at most 1";
        assert_eq!(refusal("decimal>=0<=1", "1.01"), told(share, "1.01"));
        assert_eq!(refusal("decimal>=0<=1", "-0.01"), told(share, "-0.01"));
        assert_eq!(
            refusal("integer>=1<13", "13"),
            told("a whole number of at least 1 and below 13", "13")
        );
        assert_eq!(refusal("integer>=1", "1.5"), told("a whole number", "1.5"));
        for kind in [
            "decimal>",
            "decimal>x",
            "text>0",
            "decimal>0=1",
            "decimal<>0",
        ] {
            assert!(ParameterType::parse(kind).is_err(), "{kind}");
        }
    }

    #[test]
    fn quotes_in_a_text_stay_in_the_text() {
        let text = Argument::Text("'; drop table x; --".into());
        assert_eq!(
            bound(ParameterType::Text, &text).unwrap(),
            ["$p '''; drop table x; --'"]
        );
    }
}

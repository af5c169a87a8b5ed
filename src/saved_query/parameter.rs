//! Parameters of saved queries: their types, their values, and the literals they become.
//!
//! A value is checked against its type when it is given, whatever entrance it came through, and
//! is put into the parsed statement as a literal of that type: text never becomes SQL.

use super::limits::Limits;
use crate::error::{Error, Result};
use datafusion::arrow::array::{Array, StringArray};
use datafusion::arrow::compute::cast as converted;
use datafusion::arrow::datatypes::{DataType as ColumnType, TimeUnit};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, ObjectName, TypedString, UnaryOperator, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::fmt;

/// One declared parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub kind: ParameterType,
    pub default: Option<Default>,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterType {
    Month,
    Text,
    /// One of these words, written `billed|effective`.
    Choice(Vec<String>),
    /// Some of these words, separated by commas, written `customer|feature|model+`. Their order is
    /// the order of the declaration.
    Choices(Vec<String>),
    Boolean,
    Integer,
    Decimal,
    Date,
    Timestamp,
    /// A list of instants; only a query that is read first can give one.
    Timestamps,
    /// A table, or a query in parentheses.
    Relation,
    /// An integer or a decimal within limits, written `decimal>0` or `integer>=1<=12`.
    Within(Box<ParameterType>, Limits),
}

const TYPES: [(&str, ParameterType); 9] = [
    ("month", ParameterType::Month),
    ("text", ParameterType::Text),
    ("boolean", ParameterType::Boolean),
    ("integer", ParameterType::Integer),
    ("decimal", ParameterType::Decimal),
    ("date", ParameterType::Date),
    ("timestamp", ParameterType::Timestamp),
    ("timestamps", ParameterType::Timestamps),
    ("relation", ParameterType::Relation),
];

impl ParameterType {
    pub fn parse(text: &str) -> Result<Self> {
        let words = |text: &str| text.split('|').map(str::to_owned).collect();
        match text.strip_suffix('+') {
            Some(text) if text.contains('|') => return Ok(Self::Choices(words(text))),
            None if text.contains('|') => return Ok(Self::Choice(words(text))),
            _ => {}
        }
        if let Some(at) = text.find(['<', '>']) {
            let (kind, limits) = text.split_at(at);
            return match Self::parse(kind)? {
                kind @ (Self::Integer | Self::Decimal) => {
                    Ok(Self::Within(Box::new(kind), Limits::parse(limits)?))
                }
                other => Err(Error::new(format!("a {other} has no limits"))
                    .hint("only integer and decimal have")),
            };
        }
        TYPES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, kind)| kind.clone())
            .ok_or_else(|| {
                let names: Vec<_> = TYPES.iter().map(|(name, _)| *name).collect();
                Error::new(format!("`{text}` is not a parameter type"))
                    .hint(format!("the types are {}", names.join(", ")))
            })
    }
}

impl ParameterType {
    /// A number's type, as an error calls it.
    fn noun(&self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            _ => "a decimal number",
        }
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Choices(words) => write!(f, "some of {}", words.join(", ")),
            Self::Within(kind, limits) => write!(f, "{kind} {limits}"),
            _ => {
                let name = TYPES
                    .iter()
                    .find(|(_, kind)| kind == self)
                    .map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// What a parameter is when a caller does not say.
#[derive(Debug, Clone)]
pub enum Default {
    Literal(Argument),
    /// A query of one row and one column, with its parentheses.
    Query(String),
    /// The relation of this name.
    Relation(String),
}

impl Default {
    pub fn parse(text: &str, kind: &ParameterType) -> Result<Self> {
        if *kind == ParameterType::Relation {
            return Ok(Self::Relation(text.to_owned()));
        }
        if text.starts_with('(') {
            return Ok(Self::Query(text.to_owned()));
        }
        let expression = Parser::new(&GenericDialect {})
            .try_with_sql(text)
            .and_then(|mut parser| parser.parse_expr())
            .map_err(|_| Error::new(format!("`{text}` is not a literal")))?;
        Argument::from_expression(&expression)
            .map(Self::Literal)
            .ok_or_else(|| Error::new(format!("`{text}` is not a literal")))
    }
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(argument) => argument.fmt(f),
            Self::Query(text) | Self::Relation(text) => f.write_str(text),
        }
    }
}

/// A value as it was given, not yet held against a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    Null,
    Text(String),
    Number(String),
    Boolean(bool),
    /// What a query that is read first can give besides: instants in microseconds.
    Instants(Vec<i64>),
}

impl Argument {
    /// A literal of the parsed statement; `None` for anything that would have to be computed.
    pub fn from_expression(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Value(ValueWithSpan { value, .. }) => Self::from_value(value),
            Expr::TypedString(TypedString { value, .. }) => Self::from_value(&value.value),
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } => match Self::from_expression(expr)? {
                Self::Number(text) => Some(Self::Number(format!("-{text}"))),
                _ => None,
            },
            Expr::UnaryOp {
                op: UnaryOperator::Plus,
                expr,
            }
            | Expr::Nested(expr)
            | Expr::Cast { expr, .. } => Self::from_expression(expr),
            _ => None,
        }
    }

    /// The value as its giver would write it, a text without quotes.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Boolean(value) => Some(Self::Boolean(*value)),
            Value::Number(text, _) => Some(Self::Number(text.clone())),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::NationalStringLiteral(text) => Some(Self::Text(text.clone())),
            Value::DollarQuotedString(text) => Some(Self::Text(text.value.clone())),
            _ => None,
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Number(text) => f.write_str(text),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Instants(instants) => write!(f, "{instants:?}"),
        }
    }
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

/// A calendar month, written `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    month: u8,
}

impl Month {
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits =
            |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (1..=12).contains(&month).then_some(Self { year, month })
    }

    #[must_use]
    pub fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                year: self.year,
                month: month + 1,
            },
        }
    }

    fn start(self) -> String {
        format!("{self}-01T00:00:00")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

struct MonthRange {
    first: Month,
    last: Month,
}

impl MonthRange {
    fn parse(text: &str) -> Result<Self> {
        let month = |text: &str| {
            Month::parse(text).ok_or_else(|| {
                Error::new(format!("`{text}` is not a month"))
                    .hint("write a month as '2026-10', a range as '2026-05..2026-10'")
            })
        };
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (month(first)?, month(last)?);
        if first > last {
            return Err(
                Error::new(format!("the range `{text}` ends before it starts"))
                    .hint(format!("write '{last}..{first}'")),
            );
        }
        Ok(Self { first, last })
    }
}

/// A day that the calendar has.
fn is_date(text: &str) -> bool {
    let Some((month, day)) = text.rsplit_once('-') else {
        return false;
    };
    Month::parse(month).is_some() && day.len() == 2 && becomes(text, &ColumnType::Date32)
}

fn is_instant(text: &str) -> bool {
    let instant = ColumnType::Timestamp(TimeUnit::Microsecond, None);
    is_date(text.get(..10).unwrap_or_default()) && becomes(text, &instant)
}

fn is_decimal(text: &str) -> bool {
    text.parse::<rust_decimal::Decimal>().is_ok() && becomes(text, &ColumnType::Decimal128(38, 12))
}

/// Whether the cast that the literal becomes will succeed: the engine would tell of it without the
/// parameter's name.
fn becomes(text: &str, column_type: &ColumnType) -> bool {
    let column = StringArray::from(vec![text]);
    converted(&column, column_type).is_ok_and(|column| column.null_count() == 0)
}

fn string(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.to_owned()))
}

fn call(function: &str, arguments: Vec<Expr>) -> Expr {
    use datafusion::sql::sqlparser::ast::{
        Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    };
    let args = arguments
        .into_iter()
        .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
        .collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(function)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

const INSTANT: &str = "Timestamp(Microsecond, None)";

/// `TIMESTAMP '…'` would be read in nanoseconds; relations hold microseconds.
fn instant(text: &str) -> Expr {
    call("arrow_cast", vec![string(text), string(INSTANT)])
}

fn microseconds(instant: Option<i64>) -> Expr {
    let value = match instant {
        Some(instant) => Value::Number(instant.to_string(), false),
        None => Value::Null,
    };
    call("arrow_cast", vec![Expr::value(value), string(INSTANT)])
}

fn list(instants: &[i64]) -> Expr {
    let numbers = instants
        .iter()
        .map(|i| Expr::value(Value::Number(i.to_string(), false)))
        .collect();
    call(
        "arrow_cast",
        vec![
            call("make_array", numbers),
            string(&format!("List({INSTANT})")),
        ],
    )
}

fn null(kind: &ParameterType) -> Expr {
    let nothing = Expr::value(Value::Null);
    let arrow = match kind {
        ParameterType::Within(kind, _) => return null(kind),
        ParameterType::Month
        | ParameterType::Text
        | ParameterType::Choice(_)
        | ParameterType::Choices(_)
        | ParameterType::Relation => "Utf8",
        ParameterType::Boolean => "Boolean",
        ParameterType::Integer => "Int64",
        ParameterType::Decimal => "Decimal128(38, 12)",
        ParameterType::Date => "Date32",
        ParameterType::Timestamp => INSTANT,
        ParameterType::Timestamps => "List(Timestamp(Microsecond, None))",
    };
    call("arrow_cast", vec![nothing, string(arrow)])
}

fn cast(expression: Expr, sql_type: &str) -> Result<Expr> {
    let data_type: DataType = Parser::new(&GenericDialect {})
        .try_with_sql(sql_type)
        .and_then(|mut parser| parser.parse_data_type())
        .map_err(|error| Error::new(error.to_string()))?;
    Ok(Expr::Cast {
        kind: datafusion::sql::sqlparser::ast::CastKind::Cast,
        expr: Box::new(expression),
        data_type,
        array: false,
        format: None,
    })
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
        for text in ["0", "-5", "+5", ".5", "5.", "12.345678901234"] {
            assert!(decimal(text).is_ok(), "{text}");
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

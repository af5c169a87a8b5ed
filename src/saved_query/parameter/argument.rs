//! [`Argument`]: a value as it was given; [`Default`]: what stands for one that was not.

use super::kind::ParameterType;
use crate::error::{Error, Result};
use datafusion::sql::sqlparser::ast::{Expr, TypedString, UnaryOperator, Value, ValueWithSpan};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::fmt;

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

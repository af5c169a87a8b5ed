//! `$period` in a typed statement becomes a literal of the parsed statement: text never becomes SQL.

use super::Parsed;
use crate::error::{Error, Result};
use crate::saved_query::nearest;
use crate::saved_query::parameter::Argument;
use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Values by the names of their placeholders, and which of them a statement has asked for.
#[derive(Debug, Default)]
pub struct Given {
    values: BTreeMap<String, Argument>,
    used: BTreeSet<String>,
}

impl Given {
    /// Takes `period=2026-10`. What is written as a number is one, everything else is text; quotes
    /// make text of a number.
    pub fn take(&mut self, text: &str) -> Result<()> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && name
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| is_name(name))
            .ok_or_else(|| {
                Error::new(format!("`--param` takes NAME=VALUE, not `{text}`"))
                    .hint("as in `--param period=2026-10`, which `$period` stands for")
            })?;
        match self.values.insert(name.to_owned(), argument(value)) {
            None => Ok(()),
            Some(_) => Err(Error::new(format!("parameter `{name}` is given twice"))),
        }
    }

    /// An error if a value was given that no statement asks for.
    pub fn all_are_used(&self) -> Result<()> {
        let unused = self.values.keys().find(|name| !self.used.contains(*name));
        unused.map_or(Ok(()), |name| {
            Err(
                Error::new(format!("nothing in the statement is called `${name}`"))
                    .hint("leave its `--param` out, or write the placeholder"),
            )
        })
    }
}

/// Whether it is written as a number, digits first: `1e5` and `inf` are text.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(part)
}

fn argument(text: &str) -> Argument {
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    match quoted {
        Some(quoted) => Argument::Text(quoted.replace("''", "'")),
        None if is_number(text) => Argument::Number(text.to_owned()),
        None => Argument::Text(text.to_owned()),
    }
}

fn literal(argument: &Argument) -> Expr {
    let Argument::Number(text) = argument else {
        return Expr::value(Value::SingleQuotedString(argument.shown()));
    };
    let number = |digits: &str| Expr::value(Value::Number(digits.to_owned(), false));
    match text.strip_prefix('-') {
        None => number(text),
        Some(digits) => Expr::Nested(Box::new(Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(number(digits)),
        })),
    }
}

impl Parsed {
    /// Puts literals where the statement has placeholders. Those of prepared statements, `$1`, stay.
    pub fn bind(&mut self, given: &mut Given) -> Result<()> {
        bind(&mut self.statement, given)
    }
}

fn bind(statement: &mut Statement, given: &mut Given) -> Result<()> {
    let mut binding = Binding(given);
    let bound = match statement {
        Statement::Statement(statement) => statement.visit(&mut binding),
        Statement::Explain(explain) => return bind(&mut explain.statement, given),
        Statement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => query.visit(&mut binding),
            CopyToSource::Relation(_) => ControlFlow::Continue(()),
        },
        Statement::CreateExternalTable(_) | Statement::Reset(_) => ControlFlow::Continue(()),
    };
    match bound {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Binding<'a>(&'a mut Given);

impl VisitorMut for Binding<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Error> {
        let Expr::Value(ValueWithSpan {
            value: Value::Placeholder(placeholder),
            ..
        }) = &*expression
        else {
            return ControlFlow::Continue(());
        };
        let Some(name) = placeholder.strip_prefix('$') else {
            return ControlFlow::Continue(());
        };
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return ControlFlow::Continue(());
        }
        let Some(value) = self.0.values.get(name) else {
            let known = self.0.values.keys().map(String::as_str);
            let error = Error::new(format!("`{placeholder}` has no value"));
            return ControlFlow::Break(match nearest(name, known) {
                Some(near) => error.hint(format!("did you mean `${near}`?")),
                None => error.hint(format!("give it one with `--param {name}=…`")),
            });
        };
        let value = literal(value);
        self.0.used.insert(name.to_owned());
        *expression = value;
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_is_written_as_one() {
        for (text, shown) in [
            ("2026-10", "'2026-10'"),
            ("7", "7"),
            ("'7'", "'7'"),
            ("0.5", "0.5"),
            ("-3", "(-3)"),
            ("1e5", "'1e5'"),
            ("", "''"),
            ("'", "''''"),
            ("it's", "'it''s'"),
        ] {
            assert_eq!(literal(&argument(text)).to_string(), shown, "{text}");
        }
    }
}

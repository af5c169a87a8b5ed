//! The arguments of a call, by the names that the saved query declares.

use super::parameter::Argument;
use super::{SavedQuery, named_arguments, nearest};
use crate::error::{Error, Result};
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};
use std::collections::BTreeMap;

/// Named and positional arguments in one map; a name that is not declared is an error.
pub(super) fn given_by_name<'a>(
    saved: &SavedQuery,
    given: &'a [FunctionArg],
) -> Result<BTreeMap<String, &'a Expr>> {
    let mut values = BTreeMap::new();
    let names = || {
        saved
            .header
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
    };
    for (at, argument) in given.iter().enumerate() {
        let (name, value) = match (argument, named_arguments::named(argument)) {
            (_, Some((name, value))) => (name, value),
            (FunctionArg::Unnamed(value), None) => match names().nth(at) {
                Some(name) => (name.to_owned(), value),
                None => {
                    return Err(Error::new(format!(
                        "saved query `{}` takes at most {} arguments",
                        saved.name,
                        names().count()
                    )));
                }
            },
            _ => {
                return Err(Error::new(format!(
                    "`{}` is called in a way that is not SQL",
                    saved.name
                )));
            }
        };
        if !names().any(|known| known == name) {
            let error = Error::new(format!(
                "saved query `{}` has no parameter `{name}`",
                saved.name
            ));
            return Err(match nearest(&name, names()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("it has {}", names().collect::<Vec<_>>().join(", "))),
            });
        }
        let FunctionArgExpr::Expr(value) = value else {
            return Err(Error::new(format!(
                "argument `{name}` of `{}` is not a value",
                saved.name
            )));
        };
        if values.insert(name.clone(), value).is_some() {
            return Err(Error::new(format!(
                "saved query `{}` is given `{name}` twice",
                saved.name
            )));
        }
    }
    Ok(values)
}

/// A literal, or one of the typed literals that this module makes.
pub(super) fn literal(value: &Expr) -> Option<Argument> {
    if let Expr::Function(function) = value
        && function.name.to_string() == "arrow_cast"
        && let FunctionArguments::List(list) = &function.args
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))) = list.args.first()
    {
        return literal(inner);
    }
    Argument::from_expression(value)
}

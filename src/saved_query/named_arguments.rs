//! Named arguments of Apportion's own functions: any of them, in any order, skipped ones NULL.
//!
//! The engine resolves names too, but lets a caller leave out only the last ones. Here a call is
//! put into the order of the declaration before it is planned.

use crate::error::{Error, Result};
use crate::saved_query::nearest;
use apportion_udfs::FunctionDoc;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value, VisitMut, VisitorMut,
};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Puts the named arguments of every call in a tree in place.
pub(super) fn resolve<T: VisitMut>(
    tree: &mut T,
    functions: &HashMap<&'static str, FunctionDoc>,
) -> Result<()> {
    let mut resolver = Resolver { functions };
    match tree.visit(&mut resolver) {
        ControlFlow::Break(error) => Err(*error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Resolver<'a> {
    functions: &'a HashMap<&'static str, FunctionDoc>,
}

impl VisitorMut for Resolver<'_> {
    type Break = Box<Error>;

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Function(function) = expression
            && let FunctionArguments::List(list) = &mut function.args
            && list.args.iter().any(|argument| named(argument).is_some())
            && let Some(doc) = self
                .functions
                .get(function.name.to_string().to_lowercase().as_str())
        {
            match in_place(doc, &list.args) {
                Ok(args) => list.args = args,
                Err(error) => return ControlFlow::Break(Box::new(error)),
            }
        }
        ControlFlow::Continue(())
    }
}

/// The name and value of a named argument, in either of the parser's two shapes.
pub(super) fn named(argument: &FunctionArg) -> Option<(String, &FunctionArgExpr)> {
    match argument {
        FunctionArg::Named { name, arg, .. } => Some((name.value.to_lowercase(), arg)),
        FunctionArg::ExprNamed { name, arg, .. } => Some((name.to_string().to_lowercase(), arg)),
        FunctionArg::Unnamed(_) => None,
    }
}

fn in_place(doc: &FunctionDoc, given: &[FunctionArg]) -> Result<Vec<FunctionArg>> {
    let function = doc.name;
    let mut places: Vec<Option<FunctionArgExpr>> = vec![None; doc.parameters.len()];
    let names = || doc.parameters.iter().map(|parameter| parameter.name);
    for (at, argument) in given.iter().enumerate() {
        let (at, value) = match (argument, named(argument)) {
            (_, Some((name, value))) => {
                let at = names().position(|known| known == name).ok_or_else(|| {
                    let error = Error::new(format!("`{function}` has no argument `{name}`"));
                    match nearest(&name, names()) {
                        Some(near) => error.hint(format!("did you mean `{near}`?")),
                        None => error.hint(format!(
                            "it takes {}",
                            names().collect::<Vec<_>>().join(", ")
                        )),
                    }
                })?;
                (at, value)
            }
            (FunctionArg::Unnamed(value), None) => (at, value),
            _ => {
                return Err(Error::new(format!(
                    "`{function}` is called in a way that is not SQL"
                )));
            }
        };
        let place = places.get_mut(at).ok_or_else(|| {
            Error::new(format!(
                "`{function}` takes at most {} arguments",
                doc.parameters.len()
            ))
        })?;
        if place.replace(value.clone()).is_some() {
            return Err(Error::new(format!(
                "`{function}` is given argument `{}` twice",
                doc.parameters[at].name
            )));
        }
    }
    for (place, parameter) in places.iter().zip(&doc.parameters) {
        if place.is_none() && parameter.required {
            return Err(Error::new(format!(
                "`{function}` needs argument `{}`",
                parameter.name
            )));
        }
    }
    let last = places
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |last| last + 1);
    let null = || FunctionArgExpr::Expr(Expr::value(Value::Null));
    Ok(places
        .into_iter()
        .take(last)
        .map(|place| FunctionArg::Unnamed(place.unwrap_or_else(null)))
        .collect())
}

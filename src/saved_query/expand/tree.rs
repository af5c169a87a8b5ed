//! Statements and queries as trees that are walked.

use crate::error::Result;
use crate::saved_query::environment::Environment;
use crate::saved_query::named_arguments;
use crate::saved_query::scope::{self, Site};
use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{Expr, TableAlias, TableFactor, Visit, VisitMut, Visitor};
use std::ops::ControlFlow;

/// The part of a statement that can name relations.
pub(super) fn tree(statement: &mut Statement) -> Option<&mut dyn Tree> {
    match statement {
        Statement::Statement(statement) => Some(statement.as_mut()),
        Statement::Explain(explain) => tree(&mut explain.statement),
        Statement::CopyTo(copy) => {
            // Who copies a relation copies what a query sees of it.
            if let CopyToSource::Relation(name) = &copy.source {
                let all = scope::everything_of(scope::table(name.clone(), None));
                copy.source = CopyToSource::Query(Box::new(all));
            }
            match &mut copy.source {
                CopyToSource::Query(query) => Some(query.as_mut()),
                CopyToSource::Relation(_) => None,
            }
        }
        Statement::CreateExternalTable(_) | Statement::Reset(_) => None,
    }
}

/// Functions that price, rename or judge by the session's prices, aliases and bands.
const READS_REFERENCE: [&str; 8] = [
    "call_cost",
    "call_cost_parts",
    "canonical",
    "list_price",
    "nearest_models",
    "margin_band",
    "price_cost_parts",
    "price_id",
];

/// Either kind of tree that is walked.
pub(super) trait Tree: Send {
    fn mark(&mut self, rename: Option<&str>, known: &dyn Fn(&str) -> bool) -> Vec<Site>;
    fn fill(
        &mut self,
        mark: &str,
        relations: &mut dyn FnMut(usize, Option<TableAlias>) -> TableFactor,
    );
    fn name_arguments(&mut self, environment: &Environment) -> Result<()>;
    fn reads_reference(&self) -> bool;
}

impl<T: Visit + VisitMut + Send> Tree for T {
    fn mark(&mut self, rename: Option<&str>, known: &dyn Fn(&str) -> bool) -> Vec<Site> {
        scope::mark(self, rename, known)
    }

    fn fill(
        &mut self,
        mark: &str,
        relations: &mut dyn FnMut(usize, Option<TableAlias>) -> TableFactor,
    ) {
        scope::fill(self, mark, relations);
    }

    fn name_arguments(&mut self, environment: &Environment) -> Result<()> {
        named_arguments::resolve(self, &environment.functions)
    }

    fn reads_reference(&self) -> bool {
        struct Reads;
        impl Visitor for Reads {
            type Break = ();
            fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
                match expression {
                    Expr::Function(function)
                        if READS_REFERENCE
                            .contains(&function.name.to_string().to_lowercase().as_str()) =>
                    {
                        ControlFlow::Break(())
                    }
                    _ => ControlFlow::Continue(()),
                }
            }
        }
        Visit::visit(self, &mut Reads).is_break()
    }
}

//! Which names in a query are its own, and which come from outside.
//!
//! A name that a `WITH` of the query defines is its own, where it is visible; every other bare name
//! and every call of a saved query comes from outside. Each such place is marked, resolved by the
//! caller (which may have to wait for a catalog), and filled in.
//!
//! What never happens: a caller's `WITH` captures a name inside a saved query, or a saved query's
//! own `WITH` collides with the caller's. So the former are resolved here, and the latter renamed.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Query, TableAlias, TableAliasColumnDef,
    TableFactor, VisitMut, VisitorMut,
};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::Path;

/// A place where a relation from outside is named or called.
#[derive(Debug)]
pub(super) struct Site {
    /// As it was written, lower case unless quoted.
    pub(super) name: String,
    /// `None` for a plain table.
    pub(super) arguments: Option<Vec<FunctionArg>>,
    pub(super) alias: TableAlias,
}

pub(super) const SITE: &str = "\u{1}site ";

/// Marks every site in a statement or query, and answers them in order of their marks.
///
/// `rename` is put behind the names of the query's own `WITH` tables.
pub(super) fn mark<T: VisitMut>(
    tree: &mut T,
    rename: Option<&str>,
    is_saved_query: &dyn Fn(&str) -> bool,
) -> Vec<Site> {
    let mut marker = Marker {
        frames: vec![],
        sites: vec![],
        rename,
        is_saved_query,
    };
    let _ = tree.visit(&mut marker);
    marker.sites
}

/// Fills the sites of one kind of mark in.
pub(super) fn fill<T: VisitMut>(
    tree: &mut T,
    mark: &str,
    relation: &mut dyn FnMut(usize, Option<TableAlias>) -> TableFactor,
) {
    struct Filler<'a> {
        mark: &'a str,
        relation: &'a mut dyn FnMut(usize, Option<TableAlias>) -> TableFactor,
    }
    impl VisitorMut for Filler<'_> {
        type Break = ();
        fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, alias, .. } = factor
                && let Some(site) = bare(name).and_then(|ident| ident.value.strip_prefix(self.mark))
                && let Ok(site) = site.parse()
            {
                let filled = (self.relation)(site, alias.take());
                *factor = filled;
            }
            ControlFlow::Continue(())
        }
    }
    let _ = tree.visit(&mut Filler { mark, relation });
}

/// The bare names that a query reads from outside, or hands on to what it calls.
pub(super) fn relations(query: &Query) -> BTreeSet<String> {
    let mut query = query.clone();
    let mut names = BTreeSet::new();
    for site in mark(&mut query, None, &|_| true) {
        names.insert(site.name);
        for argument in site.arguments.iter().flatten() {
            let (FunctionArg::Named { arg, .. }
            | FunctionArg::ExprNamed { arg, .. }
            | FunctionArg::Unnamed(arg)) = argument;
            match arg {
                FunctionArgExpr::Expr(Expr::Identifier(name)) => {
                    names.insert(folded(name));
                }
                FunctionArgExpr::Expr(Expr::Subquery(query)) => names.extend(relations(query)),
                _ => {}
            }
        }
    }
    names
}

/// One query's `WITH` tables: old name, new name, and the address of the definition.
struct Frame {
    own: Vec<(String, Ident, usize)>,
    visible: usize,
    recursive: bool,
    query: usize,
}

struct Marker<'a> {
    frames: Vec<Frame>,
    sites: Vec<Site>,
    rename: Option<&'a str>,
    is_saved_query: &'a dyn Fn(&str) -> bool,
}

impl Marker<'_> {
    fn own(&self, name: &str) -> Option<&Ident> {
        self.frames.iter().rev().find_map(|frame| {
            let visible = if frame.recursive {
                frame.own.len()
            } else {
                frame.visible
            };
            frame.own[..visible]
                .iter()
                .rev()
                .find(|(old, _, _)| old == name)
                .map(|(_, new, _)| new)
        })
    }
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

impl VisitorMut for Marker<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let here = address(query);
        let mut frame = Frame {
            own: vec![],
            visible: 0,
            recursive: false,
            query: here,
        };
        if let Some(with) = &mut query.with {
            frame.recursive = with.recursive;
            for cte in &mut with.cte_tables {
                let old = folded(&cte.alias.name);
                if let Some(suffix) = self.rename {
                    cte.alias.name = Ident::with_quote('"', format!("{old} {suffix}"));
                }
                frame
                    .own
                    .push((old, cte.alias.name.clone(), address(&cte.query)));
            }
        }
        self.frames.push(frame);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let here = address(query);
        if self.frames.last().is_some_and(|frame| frame.query == here) {
            self.frames.pop();
        }
        // A `WITH` table is visible to those defined after it, and to the body.
        if let Some(frame) = self.frames.last_mut()
            && let Some(at) = frame
                .own
                .iter()
                .position(|(_, _, definition)| *definition == here)
        {
            frame.visible = at + 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let (name, arguments, alias) = match factor {
            TableFactor::Table {
                name, alias, args, ..
            } => (name, args.as_ref().map(|args| args.args.clone()), alias),
            TableFactor::Function {
                name, alias, args, ..
            } => (name, Some(args.clone()), alias),
            _ => return ControlFlow::Continue(()),
        };
        let Some(ident) = bare(name) else {
            return ControlFlow::Continue(());
        };
        let (written, folded) = (ident.clone(), folded(ident));
        if arguments.is_none()
            && let Some(own) = self.own(&folded).cloned()
        {
            alias.get_or_insert_with(|| named(written));
            *name = ObjectName::from(vec![own]);
            return ControlFlow::Continue(());
        }
        if arguments.is_some() && !(self.is_saved_query)(&folded) {
            return ControlFlow::Continue(());
        }
        let alias = alias.take().unwrap_or_else(|| named(written));
        let mark = Ident::with_quote('"', format!("{SITE}{}", self.sites.len()));
        *factor = table(ObjectName::from(vec![mark]), None);
        self.sites.push(Site {
            name: folded,
            arguments,
            alias,
        });
        ControlFlow::Continue(())
    }
}

/// The one identifier of an unqualified name.
fn bare(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    }
}

/// SQL's rule: case counts only inside quotes.
pub(crate) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

fn named(name: Ident) -> TableAlias {
    TableAlias {
        explicit: true,
        name,
        columns: vec![],
        at: None,
    }
}

/// A file that has no other name goes by its own, without folder and ending.
pub(super) fn of_file(alias: TableAlias, location: &str) -> TableAlias {
    let stem = Path::new(location).file_stem().and_then(OsStr::to_str);
    match stem {
        Some(stem) if alias.name.value == location => named(Ident::with_quote('"', stem)),
        _ => alias,
    }
}

/// A plain table.
pub(super) fn table(name: ObjectName, alias: Option<TableAlias>) -> TableFactor {
    TableFactor::Table {
        name,
        alias,
        args: None,
        with_hints: vec![],
        version: None,
        with_ordinality: false,
        partitions: vec![],
        json_path: None,
        sample: None,
        index_hints: vec![],
    }
}

/// A query in parentheses.
pub(super) fn derived(query: Query, alias: TableAlias) -> TableFactor {
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(alias),
        sample: None,
    }
}

/// A query with its columns renamed, where names are given.
pub(crate) fn renamed(query: Query, name: Ident, columns: Vec<Ident>) -> Query {
    if columns.is_empty() {
        return query;
    }
    let column = |name| TableAliasColumnDef {
        name,
        data_type: None,
    };
    let columns = columns.into_iter().map(column).collect();
    everything_of(derived(
        query,
        TableAlias {
            columns,
            ..named(name)
        },
    ))
}

/// `SELECT *` from a relation.
pub(super) fn everything_of(relation: TableFactor) -> Query {
    use datafusion::sql::sqlparser::ast::{SetExpr, TableWithJoins};
    let mut query = super::query("SELECT * FROM x").unwrap_or_else(|_| unreachable!());
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.from = vec![TableWithJoins {
            relation,
            joins: vec![],
        }];
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved_query::query;

    fn outside(sql: &str) -> Vec<String> {
        let mut query = query(sql).unwrap();
        mark(&mut query, None, &|name| name == "f")
            .into_iter()
            .map(|site| site.name)
            .collect()
    }

    #[test]
    fn a_with_table_is_not_visible_inside_itself() {
        assert_eq!(
            outside("with ledger as (select * from ledger) select * from ledger"),
            ["ledger"]
        );
        assert_eq!(
            outside("with a as (select * from b), b as (select * from a) select * from b"),
            ["b"]
        );
        assert!(
            outside("with recursive a as (select 1 union select * from a) select * from a")
                .is_empty()
        );
    }

    #[test]
    fn subqueries_see_what_stands_around_them() {
        let sql =
            "with a as (select 1) select * from (with c as (select * from a) select * from c, d)";
        assert_eq!(outside(sql), ["d"]);
        assert_eq!(
            outside("select (select max(x) from t) from u where y in (select z from v)"),
            ["t", "u", "v"]
        );
    }

    #[test]
    fn calls_are_sites_and_other_functions_are_not() {
        assert_eq!(
            outside("select * from F(x => 1) join generate_series(1, 3) on true"),
            ["f"]
        );
        assert_eq!(outside("select * from s.ledger"), Vec::<String>::new());
    }

    #[test]
    fn renamed_tables_keep_their_old_name_as_alias() {
        let mut query = query("with a as (select 1 as x) select a.x from a").unwrap();
        assert!(mark(&mut query, Some("of q"), &|_| false).is_empty());
        assert_eq!(
            query.to_string(),
            r#"WITH "a of q" AS (SELECT 1 AS x) SELECT a.x FROM "a of q" AS a"#
        );
    }
}

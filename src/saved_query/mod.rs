//! Saved queries: SQL files with a parsed header, each run by name and each a table function.
//!
//! `queries/reports/cost_by_customer.sql` answers `apportion run cost_by_customer` and
//! `SELECT * FROM cost_by_customer(period => '2026-10')` alike. The files of `queries/` are built
//! into the program; a folder of the user's adds to them, and may replace one by its name.
//!
//! * [`header`] the comment at a file's top: documentation and signature
//! * [`parameter`] types, values, and the literals they become
//! * [`scope`] which names in a query are its own and which come from outside
//! * [`environment`] what a statement is expanded in
//! * [`expand`] calls become subqueries of the parsed statement

mod answer;
pub mod environment;
pub mod expand;
mod given;
pub mod header;
mod later;
pub mod limits;
mod named_arguments;
pub mod parameter;
pub(crate) mod scope;

use crate::error::{Error, Result};
use apportion_udfs::pricing::nearest;
use datafusion::sql::sqlparser::ast::{
    Expr, Query, Statement, Value, ValueWithSpan, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use header::Header;
use include_dir::{Dir, File, include_dir};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/queries");

/// Options of every verb; a parameter of the same name could not be given on the command line.
const RESERVED: [&str; 9] = [
    "cluster",
    "config",
    "demo",
    "format",
    "help",
    "memory_limit",
    "output",
    "quiet",
    "threads",
];

#[derive(Debug, Clone)]
pub struct SavedQuery {
    pub name: String,
    pub folder: String,
    /// Where a reader finds the file.
    pub path: String,
    pub text: String,
    pub header: Header,
    body: Query,
}

impl SavedQuery {
    /// Parses a file and holds its header against its body.
    pub fn parse(name: &str, folder: &str, path: &str, text: &str) -> Result<Self> {
        let saved = Self::unchecked(name, folder, path, text)?;
        let checked = saved.check_placeholders();
        checked.map_err(|error| error.at(path))?;
        Ok(saved)
    }

    fn unchecked(name: &str, folder: &str, path: &str, text: &str) -> Result<Self> {
        let read = || {
            Ok(Self {
                name: name.to_owned(),
                folder: folder.to_owned(),
                path: path.to_owned(),
                text: text.to_owned(),
                header: Header::parse(text)?,
                body: query(text)?,
            })
        };
        read().map_err(|error: Error| error.at(path))
    }

    /// Every `$name` is declared, and every declared parameter is used.
    fn check_placeholders(&self) -> Result<()> {
        let mut used = placeholders(&self.body);
        let tables = scope::relations(&self.body);
        for parameter in self
            .header
            .parameters
            .iter()
            .chain(&self.header.reads_first)
        {
            if let Some(parameter::Default::Query(text)) = &parameter.default {
                used.extend(placeholders(&query(text)?));
            }
        }
        for text in self.header.notices.iter().chain(&self.header.refused) {
            used.extend(placeholders(&query(text)?));
        }
        let mut known = BTreeSet::new();
        for parameter in self
            .header
            .parameters
            .iter()
            .chain(&self.header.reads_first)
        {
            if RESERVED.contains(&parameter.name.as_str()) {
                return Err(
                    Error::new(format!("no parameter may be called `{}`", parameter.name))
                        .hint("every command has an option of that name"),
                );
            }
            let names: Vec<_> = parameter
                .placeholders()
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            if !names.iter().any(|name| used.contains(name)) && !tables.contains(&parameter.name) {
                return Err(Error::new(format!(
                    "parameter `{}` is never used",
                    parameter.name
                )));
            }
            known.extend(names);
        }
        match used.difference(&known).next() {
            None => Ok(()),
            Some(name) => Err(Error::new(format!("`{name}` is not declared"))
                .hint("declare it in the header under `-- Parameters:`")),
        }
    }
}

/// Parses one query out of a text.
pub(crate) fn query(text: &str) -> Result<Query> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, text)
        .map_err(|error| Error::new(syntax(&error.to_string())))?;
    let query = match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => *query,
        _ => return Err(Error::new("a saved query is one SELECT")),
    };
    Ok(match *query.body {
        // `(select …)`, as defaults are written, is the query inside the parentheses.
        datafusion::sql::sqlparser::ast::SetExpr::Query(inner) if query.with.is_none() => *inner,
        _ => query,
    })
}

/// The parser's message without its own prefix.
pub(crate) fn syntax(message: &str) -> String {
    let message = message
        .strip_prefix("sql parser error: ")
        .unwrap_or(message);
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + characters.as_str()
    })
}

/// A query as a statement.
pub(crate) fn statement(query: Query) -> datafusion::sql::parser::Statement {
    datafusion::sql::parser::Statement::Statement(Box::new(Statement::Query(Box::new(query))))
}

fn placeholders(query: &Query) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
            if let Expr::Value(ValueWithSpan {
                value: Value::Placeholder(name),
                ..
            }) = expression
            {
                self.0.insert(name.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(BTreeSet::new());
    let _ = query.visit(&mut names);
    names.0
}

/// All saved queries of a session, by name.
#[derive(Debug, Clone)]
pub struct Catalog {
    queries: BTreeMap<String, Entry>,
    broken: BTreeMap<String, String>,
}

/// A saved query of the user's, read; or one that the program carries, which is read when it is asked
/// for: a statement needs few of them.
#[derive(Debug, Clone)]
enum Entry {
    Read(Box<SavedQuery>),
    Carried(&'static File<'static>, OnceLock<Result<Box<SavedQuery>>>),
}

impl Entry {
    fn query(&self) -> Result<&SavedQuery> {
        match self {
            Self::Read(query) => Ok(query),
            Self::Carried(file, read) => match read.get_or_init(|| carried(file)) {
                Ok(query) => Ok(query),
                Err(error) => Err(error.clone()),
            },
        }
    }
}

/// Its header was held against its body when the program was tested.
fn carried(file: &File<'_>) -> Result<Box<SavedQuery>> {
    let path = format!("queries/{}", file.path().display());
    let text = file
        .contents_utf8()
        .ok_or_else(|| Error::new("not UTF-8").at(&path))?;
    let read = SavedQuery::unchecked(&stem(file.path()), &folder(file.path()), &path, text);
    read.map(Box::new)
}

fn folder(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    folder.to_string_lossy().into_owned()
}

impl Catalog {
    /// The queries that the program carries.
    pub fn built_in() -> Self {
        let files = BUILT_IN.dirs().flat_map(Dir::files);
        let queries = files.filter(|file| is_sql(file.path()));
        let queries = queries.map(|file| {
            let entry = Entry::Carried(file, OnceLock::new());
            (stem(file.path()), entry)
        });
        Self {
            queries: queries.collect(),
            broken: BTreeMap::new(),
        }
    }

    /// Adds every `.sql` file below a folder. A file that cannot be read does not take the others
    /// down: it is told of when it is called, and when queries are listed.
    pub fn load_folder(&mut self, folder: &Path) -> Result<()> {
        let entries = std::fs::read_dir(folder)
            .map_err(|error| Error::from(error).at(folder.display().to_string()))?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.load_folder(&path)?;
            } else if is_sql(&path)
                && let Err(error) = self.load_file(&path)
            {
                self.broken.insert(stem(&path), error.to_string());
            }
        }
        Ok(())
    }

    /// Adds one file and answers the name it can be called by.
    pub fn load_file(&mut self, path: &Path) -> Result<String> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Error::from(error).at(&shown))?;
        let query = SavedQuery::parse(&stem(path), &folder(path), &shown, &text)?;
        let name = query.name.clone();
        self.broken.remove(&name);
        self.queries
            .insert(name.clone(), Entry::Read(Box::new(query)));
        Ok(name)
    }

    pub fn get(&self, name: &str) -> Option<&SavedQuery> {
        self.queries.get(&name.to_lowercase())?.query().ok()
    }

    /// Finds a query, or says why there is none of that name.
    pub fn find(&self, name: &str) -> Result<&SavedQuery> {
        if let Some(entry) = self.queries.get(&name.to_lowercase()) {
            return entry.query();
        }
        if let Some(reason) = self.broken.get(&name.to_lowercase()) {
            return Err(Error::new(format!(
                "saved query `{name}` cannot be read: {reason}"
            )));
        }
        let error = Error::new(format!("there is no saved query `{name}`"));
        Err(
            match nearest(name, self.queries.keys().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`apportion list` shows them all"),
            },
        )
    }

    pub fn iter(&self) -> impl Iterator<Item = &SavedQuery> {
        self.queries.values().filter_map(|entry| entry.query().ok())
    }

    /// Those that make a relation of an input.
    pub fn sources(&self) -> impl Iterator<Item = &SavedQuery> {
        self.iter().filter(|query| query.header.relation.is_some())
    }

    /// Files that could not be read, with the reason.
    pub fn broken(&self) -> impl Iterator<Item = (&str, &str)> {
        self.broken
            .iter()
            .map(|(name, reason)| (name.as_str(), reason.as_str()))
    }
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase()
}

/// The known name that a user most likely meant.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest::nearest(name, known).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SavedQuery> {
        SavedQuery::parse("q", "reports", "q.sql", text)
    }

    #[test]
    fn built_in_queries_all_parse_and_use_what_they_declare() {
        let catalog = Catalog::built_in();
        assert!(catalog.queries.len() > 5);
        for name in catalog.queries.keys() {
            let query = catalog.find(name).unwrap();
            assert_eq!(query.name, *name);
            query.check_placeholders().unwrap();
        }
    }

    #[test]
    fn undeclared_and_unused_parameters_are_refused() {
        let undeclared = parse("-- Question: x\nselect $period").unwrap_err();
        assert_eq!(undeclared.to_string(), "`$period` is not declared");
        let unused =
            parse("-- Question: x\n-- Parameters:\n--   period month The.\nselect 1").unwrap_err();
        assert_eq!(unused.to_string(), "parameter `period` is never used");
        assert!(
            parse("-- Question: x\n-- Parameters:\n--   format text The.\nselect $format").is_err()
        );
    }

    #[test]
    fn only_one_select_is_a_saved_query() {
        assert!(parse("-- Question: x\nselect 1; select 2").is_err());
        assert!(parse("-- Question: x\ndrop table x").is_err());
        assert!(parse("select 1").is_err(), "a header is needed");
    }
}

//! What the tabulator key may mean where the cursor is.

use super::meta::{Argument, COMMANDS};
use super::pieces::{Kind, Piece, is_name, pieces};
use crate::output::Format;
use clap::ValueEnum;
use std::collections::BTreeSet;
use std::fs;

/// SQL's own words. Those of two or more words are completed as one.
pub(super) const KEYWORDS: [&str; 54] = [
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "copy",
    "create external table",
    "create table",
    "create view",
    "cross join",
    "desc",
    "describe",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "explain analyze",
    "false",
    "from",
    "full join",
    "group by",
    "having",
    "in",
    "inner join",
    "intersect",
    "is not null",
    "join",
    "left join",
    "like",
    "limit",
    "location",
    "not",
    "nulls first",
    "nulls last",
    "offset",
    "on",
    "or",
    "order by",
    "over",
    "partition by",
    "select",
    "set",
    "stored as",
    "then",
    "true",
    "union all",
    "using",
    "when",
    "where",
    "with",
];

/// What there is to name.
pub(super) trait Known {
    fn tables(&self) -> Vec<String>;
    fn queries(&self) -> Vec<String>;
    fn functions(&self) -> Vec<String>;
    fn settings(&self) -> Vec<String>;
    fn variables(&self) -> Vec<String>;
    /// The columns of a table, or of a saved query's rows; none of what is neither.
    fn columns(&self, name: &str) -> Vec<String>;
    /// The parameters of a saved query or a function, each with the words it may be.
    fn parameters(&self, name: &str) -> Vec<(String, Vec<String>)>;
}

/// Where what is completed begins, and what it may become.
pub(super) fn candidates(line: &str, position: usize, known: &dyn Known) -> (usize, Vec<String>) {
    let before = &line[..position];
    let pieces = pieces(before);
    if let Some(slash) = pieces.iter().rfind(|piece| piece.is("\\")) {
        return of_command(before, slash.start, known);
    }
    if let Some(path) = open_path(&pieces) {
        return paths(path.start + 1, &path.text[1..]);
    }
    if pieces.last().is_some_and(|last| last.kind == Kind::Comment) {
        return (position, vec![]);
    }
    let said: Vec<_> = pieces.iter().filter(|piece| piece.says()).collect();
    let open = pieces.last().filter(|last| last.is_open);
    let start = match open {
        Some(open) => open.start,
        None => before.trim_end_matches(is_name).len(),
    };
    let typed = &before[start..];
    let statement = said
        .rsplit(|piece| piece.is(";"))
        .next()
        .unwrap_or_default();
    if let Some(name) = setting(statement, before) {
        return fitting(position - name.len(), name, known.settings());
    }
    // What is typed is no context of its own.
    let context = match statement.split_last() {
        Some((last, rest)) if last.start == start && !typed.is_empty() => rest,
        _ => statement,
    };
    if open.is_some() {
        let words = of_call(context, start, typed, known);
        return words.unwrap_or((position, vec![]));
    }
    if context.last().is_some_and(|last| last.is(":")) {
        return fitting(start, typed, known.variables());
    }
    if context.last().is_some_and(|last| last.is(".")) {
        let columns = match context.iter().rev().nth(1) {
            Some(qualifier) => known.columns(qualifier.text),
            None => vec![],
        };
        let columns = if columns.is_empty() {
            of_named(line, known).1
        } else {
            columns
        };
        return fitting(start, typed, columns);
    }
    if let Some(found) = of_call(context, start, typed, known)
        && !found.1.is_empty()
    {
        return found;
    }
    if typed.is_empty() {
        return (start, vec![]);
    }
    let is_shouted = typed.len() > 1 && !typed.chars().any(char::is_lowercase);
    let keywords = KEYWORDS.into_iter().map(|words| {
        if is_shouted {
            words.to_uppercase()
        } else {
            words.to_owned()
        }
    });
    let mut names: Vec<_> = keywords.collect();
    if names_relation(context) {
        names.extend(known.tables());
        names.extend(known.queries().into_iter().map(|name| name + "("));
    } else {
        let (relations, columns) = of_named(line, known);
        names.extend(relations);
        names.extend(columns);
        names.extend(known.functions().into_iter().map(|name| name + "("));
    }
    fitting(start, typed, names)
}

/// Whether a table or a saved query can stand behind these pieces, by the clause that they are in.
fn names_relation(context: &[&Piece<'_>]) -> bool {
    const OF_RELATIONS: [&str; 6] = ["from", "join", "table", "into", "copy", "describe"];
    const OF_EXPRESSIONS: [&str; 8] = [
        "select", "where", "on", "by", "having", "limit", "set", "values",
    ];
    let is_one_of = |words: &[&str], piece: &Piece<'_>| words.iter().any(|word| piece.is(word));
    let clause = context
        .iter()
        .rfind(|piece| is_one_of(&OF_RELATIONS, piece) || is_one_of(&OF_EXPRESSIONS, piece));
    clause.is_some_and(|clause| is_one_of(&OF_RELATIONS, clause))
}

/// Those that begin with what is typed, each once and in order.
fn fitting(start: usize, typed: &str, names: Vec<String>) -> (usize, Vec<String>) {
    let typed = typed.to_lowercase();
    let fits = |name: &String| name.to_lowercase().starts_with(&typed);
    let names: BTreeSet<_> = names.into_iter().filter(fits).collect();
    (start, names.into_iter().collect())
}

fn of_command(before: &str, slash: usize, known: &dyn Known) -> (usize, Vec<String>) {
    let Some((name, argument)) = before[slash..].split_once(char::is_whitespace) else {
        let names = COMMANDS.iter().map(|command| command.name.to_owned());
        let typed = &before[slash..];
        let names = names.filter(|name| name.starts_with(typed));
        return (slash, names.collect());
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return (before.len(), vec![]);
    };
    let start = before.len() - argument.trim_start().len();
    let argument = argument.trim_start();
    let names = match command.argument {
        Argument::File => return paths(start, argument),
        Argument::Name => [known.queries(), known.tables(), known.functions()].concat(),
        Argument::Variable => known.variables(),
        Argument::Switch => vec!["on".to_owned(), "off".to_owned()],
        Argument::Look => match argument.split_once(' ') {
            None => ["columns", "expanded", "format", "pager"]
                .map(str::to_owned)
                .to_vec(),
            Some(("format", typed)) => {
                let formats = Format::value_variants().iter();
                let names = formats
                    .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()));
                return fitting(before.len() - typed.len(), typed, names.collect());
            }
            Some((_, typed)) => {
                let switch = vec!["on".to_owned(), "off".to_owned()];
                return fitting(before.len() - typed.len(), typed, switch);
            }
        },
        Argument::None | Argument::Words => vec![],
    };
    fitting(start, argument, names)
}

/// The text that is being typed, where a file's name is expected.
fn open_path<'a>(pieces: &'a [Piece<'a>]) -> Option<&'a Piece<'a>> {
    let (last, rest) = pieces.split_last()?;
    if last.kind != Kind::Text || !last.is_open || !last.text.starts_with('\'') {
        return None;
    }
    let before = rest.iter().rfind(|piece| piece.says())?;
    let takes_path = ["location", "to", "from"]
        .iter()
        .any(|word| before.is(word));
    takes_path.then_some(last)
}

/// Files and folders whose names begin with what is typed.
fn paths(start: usize, typed: &str) -> (usize, Vec<String>) {
    let (folder, name) = match typed.rfind('/') {
        Some(end) => typed.split_at(end + 1),
        None => ("", typed),
    };
    let listed = fs::read_dir(if folder.is_empty() { "." } else { folder });
    let mut names: Vec<_> = listed
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let end = if entry.path().is_dir() { "/" } else { "" };
            let found = entry.file_name().into_string().ok()?;
            let is_meant =
                found.starts_with(name) && (name.starts_with('.') || !found.starts_with('.'));
            is_meant.then(|| format!("{folder}{found}{end}"))
        })
        .collect();
    names.sort();
    (start, names)
}

/// The name after `SET`, up to where its value begins.
fn setting<'a>(statement: &[&Piece<'_>], before: &'a str) -> Option<&'a str> {
    let (first, rest) = statement.split_first()?;
    let is_name = |piece: &&Piece<'_>| piece.kind == Kind::Word || piece.is(".");
    let is_setting = first.is("set") && before.len() > first.start + first.text.len();
    if !is_setting || !rest.iter().all(|piece| is_name(piece) && !piece.is("to")) {
        return None;
    }
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    Some(&before[start..])
}

/// Inside a call's parentheses: the parameters not given yet, or the words that one may be.
fn of_call(
    context: &[&Piece<'_>],
    start: usize,
    typed: &str,
    known: &dyn Known,
) -> Option<(usize, Vec<String>)> {
    let mut depth = 0;
    let open = context.iter().rposition(|piece| {
        depth += i32::from(piece.is(")")) - i32::from(piece.is("("));
        depth < 0
    })?;
    let called = context[..open].last()?;
    let parameters = known.parameters(&called.text.to_lowercase());
    let given = &context[open + 1..];
    match given {
        [.., name, arrow] if arrow.is("=>") => {
            let (_, words) = parameters.into_iter().find(|(known, _)| name.is(known))?;
            let words = words.into_iter().map(|word| format!("'{word}'"));
            Some(fitting(start, typed, words.collect()))
        }
        [] | [.., _] if given.last().is_none_or(|last| last.is(",")) => {
            let is_given = |name: &str| {
                let mut pairs = given.windows(2);
                pairs.any(|pair| pair[0].is(name) && pair[1].is("=>"))
            };
            let names = parameters.into_iter().map(|(name, _)| name);
            let names = names.filter(|name| !is_given(name));
            Some(fitting(
                start,
                typed,
                names.map(|name| name + " => ").collect(),
            ))
        }
        _ => None,
    }
}

/// Every table and saved query that the statement names, before the cursor or after, and their
/// columns. Where it names none yet, it may be about any table.
fn of_named(line: &str, known: &dyn Known) -> (Vec<String>, Vec<String>) {
    let pieces = pieces(line);
    let words = pieces.iter().filter(|piece| piece.kind == Kind::Word);
    let words: BTreeSet<_> = words.map(|word| word.text.to_lowercase()).collect();
    let tables = known.tables();
    let relations = tables.iter().cloned().chain(known.queries());
    let mut named: Vec<_> = relations.filter(|name| words.contains(name)).collect();
    if named.is_empty() {
        named = tables;
    }
    let columns = named.iter().flat_map(|name| known.columns(name)).collect();
    (named, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Demo;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    impl Known for Demo {
        fn tables(&self) -> Vec<String> {
            owned(&["billing", "ledger"])
        }

        fn queries(&self) -> Vec<String> {
            owned(&["allocation"])
        }

        fn functions(&self) -> Vec<String> {
            owned(&["list_price"])
        }

        fn settings(&self) -> Vec<String> {
            owned(&[
                "datafusion.execution.batch_size",
                "datafusion.explain.format",
            ])
        }

        fn variables(&self) -> Vec<String> {
            owned(&["month"])
        }

        fn columns(&self, name: &str) -> Vec<String> {
            match name {
                "ledger" => owned(&["model", "customer_id"]),
                "allocation" => owned(&["cost", "customer_id"]),
                _ => vec![],
            }
        }

        fn parameters(&self, name: &str) -> Vec<(String, Vec<String>)> {
            match name {
                "allocation" => vec![
                    ("period".to_owned(), vec![]),
                    ("basis".to_owned(), owned(&["billed", "effective"])),
                ],
                _ => vec![],
            }
        }
    }

    /// What is offered where `|` stands.
    fn offered(line: &str) -> Vec<String> {
        let position = line.find('|').unwrap();
        candidates(&line.replace('|', ""), position, &Demo).1
    }

    #[test]
    fn names_are_offered_where_they_can_stand() {
        for (line, expected) in [
            ("select * from LED|", &["ledger"][..]),
            ("sel|", &["select"]),
            ("SEL|", &["SELECT"]),
            ("select li|", &["like", "limit", "list_price("]),
            ("select mo| from ledger", &["model"]),
            ("select mo|", &["model"]),
            ("select mo| from allocation()", &[]),
            ("select allo|", &[]),
            ("select cost from allo|", &["allocation("]),
            ("select 1 from ledger join bil|", &["billing"]),
            ("select led| from ledger", &["ledger"]),
            ("select cu| from allocation()", &["customer_id"]),
            ("select ledger.| from ledger", &["customer_id", "model"]),
            ("select l.mo| from ledger l", &["model"]),
            ("select |", &[]),
            ("select 'led|", &[]),
            ("select 1 -- led|", &[]),
        ] {
            assert_eq!(offered(line), expected, "{line}");
        }
    }

    #[test]
    fn a_calls_parameters_are_offered_inside_its_parentheses() {
        for (line, expected) in [
            (
                "select * from allocation(|",
                &["basis => ", "period => "][..],
            ),
            ("select * from ALLOCATION(p|", &["period => "]),
            (
                "select * from allocation(period => '2026-10', |",
                &["basis => "],
            ),
            (
                "select * from allocation(basis => |",
                &["'billed'", "'effective'"],
            ),
            (
                "select * from allocation() where c|",
                &[
                    "case",
                    "cast",
                    "copy",
                    "cost",
                    "create external table",
                    "create table",
                    "create view",
                    "cross join",
                    "customer_id",
                ],
            ),
        ] {
            assert_eq!(offered(line), expected, "{line}");
        }
    }

    #[test]
    fn settings_variables_and_commands() {
        for (line, expected) in [
            (
                "set datafusion.ex|",
                &[
                    "datafusion.execution.batch_size",
                    "datafusion.explain.format",
                ][..],
            ),
            ("set datafusion.explain.|", &["datafusion.explain.format"]),
            ("select :'x', :m|", &["month"]),
            ("\\unset |", &["month"]),
            ("\\d led|", &["ledger"]),
            ("\\pset format m|", &["markdown"]),
            ("\\wat|", &["\\watch"]),
            ("\\x |", &["off", "on"]),
        ] {
            assert_eq!(offered(line), expected, "{line}");
        }
    }

    #[test]
    fn files_are_offered_where_a_path_is_expected() {
        assert_eq!(offered("copy ledger to 'Cargo.t|"), ["Cargo.toml"]);
        assert_eq!(offered("create external table t location 'sr|"), ["src/"]);
        assert_eq!(offered("\\i src/prompt/pie|"), ["src/prompt/pieces.rs"]);
        assert_eq!(offered("select 'Cargo.t|"), [""; 0]);
    }
}

//! The price book: rows with their history, and what a listing does to it.
//!
//! A price that changed becomes a new row from the day of the import, or from the day that its
//! source names, so that old calls keep their price. Lists and contracts are two layers: a list may
//! be imported again without touching a contract that lies over it.

use super::{Authority, BEGINNING, Condition, History, Listing, Name, Note, Rates, Terms, What};
use super::{moment, number};
use apportion_udfs::money::PerMtok;
use apportion_udfs::pricing::names::glob_matches;
use std::collections::{BTreeMap, BTreeSet};

/// Whose rows are public lists; every other source is a contract.
const LISTS: [&str; 2] = ["genai-prices", "litellm"];

/// One row of the relation `prices`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: Name,
    pub condition: Condition,
    pub from: i64,
    pub to: Option<i64>,
    pub rates: Rates,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    lists: BTreeMap<Name, History>,
    contracts: BTreeMap<Name, History>,
}

impl Book {
    pub fn new(rows: impl IntoIterator<Item = Row>) -> Self {
        let (lists, contracts): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|row| LISTS.contains(&row.rates.source.as_str()));
        Self {
            lists: histories(lists),
            contracts: histories(contracts),
        }
    }

    /// Takes what a file says; prices without a date that changed hold from `since`.
    pub fn take(&mut self, listing: Listing, since: i64) -> Vec<Note> {
        let before = self.in_force();
        let mut notes = listing.notes;
        let layer = match listing.authority {
            Authority::List => &mut self.lists,
            Authority::Contract => &mut self.contracts,
        };
        if listing.authority == Authority::List {
            for (name, history) in &*layer {
                if source(history) == Some(&listing.source) && !listing.models.contains_key(name) {
                    notes.insert(name.note(What::Kept, "the file no longer has it"));
                }
            }
        }
        for (name, new) in listing.models {
            let old = layer.get(&name);
            let history = match (listing.authority, old) {
                (_, None) => new,
                (Authority::Contract, Some(old)) => over(old, &new),
                (Authority::List, Some(old)) if source(old) != Some(&listing.source) => new,
                (Authority::List, Some(old)) => {
                    let (history, kept) = continued(old, &new, since);
                    notes.extend(kept.map(|detail| name.note(What::Kept, detail)));
                    history
                }
            };
            layer.insert(name, history);
        }
        let after = self.in_force();
        let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        notes.extend(
            all.into_iter()
                .filter_map(|name| difference(name, before.get(name), after.get(name))),
        );
        let mut notes: Vec<_> = notes.into_iter().collect();
        notes.sort();
        notes
    }

    /// Every row, in the order of names and dates.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = vec![];
        for (name, history) in self.in_force() {
            let ends = history.keys().skip(1).copied().map(Some).chain([None]);
            for ((from, terms), to) in history.iter().zip(ends) {
                rows.extend(terms.iter().map(|(condition, rates)| Row {
                    name: name.clone(),
                    condition: condition.clone(),
                    from: *from,
                    to,
                    rates: rates.clone(),
                }));
            }
        }
        rows
    }

    /// Contracts over lists. A contract for a glob holds over each name that the glob covers.
    fn in_force(&self) -> BTreeMap<Name, History> {
        let mut book = self.lists.clone();
        for (contract, terms) in &self.contracts {
            let covered = self.lists.iter().filter(|(name, _)| {
                *name != contract
                    && name.provider == contract.provider
                    && glob_matches(&contract.model, &name.model)
                    && !self.contracts.contains_key(name)
            });
            for (name, _) in covered {
                if let Some(listed) = book.get_mut(name) {
                    *listed = without(listed, terms);
                }
            }
            let whole = match self.lists.get(contract) {
                Some(listed) => over(listed, terms),
                None => terms.clone(),
            };
            book.insert(contract.clone(), whole);
        }
        book
    }
}

/// Rows as histories: at each instant at which one begins or ends, those that hold.
pub(super) fn histories(rows: impl IntoIterator<Item = Row>) -> BTreeMap<Name, History> {
    let mut names: BTreeMap<Name, Vec<Row>> = BTreeMap::new();
    for row in rows {
        names.entry(row.name.clone()).or_default().push(row);
    }
    let history = |mut rows: Vec<Row>| {
        // Of two rows that hold for the same calls, the later one counts.
        rows.sort_by_key(|row| row.from);
        let starts: BTreeSet<i64> = rows
            .iter()
            .flat_map(|row| std::iter::once(row.from).chain(row.to))
            .collect();
        let terms = |at: i64| {
            let holds = rows
                .iter()
                .filter(|row| row.from <= at && row.to.is_none_or(|to| at < to));
            holds
                .map(|row| (row.condition.clone(), row.rates.clone()))
                .collect()
        };
        compact(starts.into_iter().map(|at| (at, terms(at))))
    };
    names
        .into_iter()
        .map(|(name, rows)| (name, history(rows)))
        .collect()
}

/// Without entries that repeat the one before.
fn compact(entries: impl IntoIterator<Item = (i64, Terms)>) -> History {
    let mut history = History::new();
    let mut last = Terms::new();
    for (at, terms) in entries {
        if terms != last {
            last.clone_from(&terms);
            history.insert(at, terms);
        }
    }
    history
}

fn at(history: &History, at: i64) -> Option<&Terms> {
    let entry = history.range(..=at).next_back();
    entry
        .map(|(_, terms)| terms)
        .filter(|terms| !terms.is_empty())
}

fn combined(
    lower: &History,
    upper: &History,
    choose: impl Fn(Option<&Terms>, Option<&Terms>) -> Terms,
) -> History {
    let starts: BTreeSet<i64> = lower.keys().chain(upper.keys()).copied().collect();
    compact(
        starts
            .into_iter()
            .map(|start| (start, choose(at(lower, start), at(upper, start)))),
    )
}

/// `upper` while it says something, else `lower`.
fn over(lower: &History, upper: &History) -> History {
    combined(lower, upper, |lower, upper| {
        upper.or(lower).cloned().unwrap_or_default()
    })
}

/// `lower` while `upper` says nothing.
fn without(lower: &History, upper: &History) -> History {
    combined(lower, upper, |lower, upper| {
        lower
            .filter(|_| upper.is_none())
            .cloned()
            .unwrap_or_default()
    })
}

/// A list's history continued by a newer file of the same list, and what of the file was not taken:
/// a price that says something else about calls that the book has priced already.
fn continued(old: &History, new: &History, since: i64) -> (History, Option<String>) {
    let known = old.range(..=since).map(|(_, terms)| terms);
    let current = known.rev().find(|terms| !terms.is_empty());
    let latest = new.range(..=since).next_back();
    let mut history = old.clone();
    let mut kept = None;
    for (start, terms) in new {
        let is_latest = latest.is_some_and(|(last, _)| last == start);
        match old.get(start) {
            Some(known) if known == terms => {}
            None if *start > BEGINNING => {
                history.insert(*start, terms.clone());
            }
            _ if is_latest && current == Some(terms) => {}
            _ if is_latest => {
                // What the book foresaw, and the file does not, is no longer so.
                history.retain(|later, _| *later < since || new.contains_key(later));
                history.insert(since, terms.clone());
            }
            _ => {
                kept = Some(format!(
                    "other prices for calls from {}; a new book would take them",
                    moment::shown(*start)
                ));
            }
        }
    }
    (compact(history), kept)
}

fn source(history: &History) -> Option<&String> {
    let rates = history.values().flat_map(BTreeMap::values).next();
    rates.map(|rates| &rates.source)
}

fn difference(name: &Name, before: Option<&History>, after: Option<&History>) -> Option<Note> {
    let (Some(before), Some(after)) = (before, after) else {
        let terms = after?.values().rev().find(|terms| !terms.is_empty())?;
        return Some(name.note(What::Added, described(terms)));
    };
    let (start, terms) = after
        .iter()
        .find(|(start, terms)| before.get(start) != Some(terms))?;
    let now = described(terms);
    if source(before) != source(after) {
        let was = source(before).map_or("nothing", String::as_str);
        return Some(name.note(What::Replaced, format!("{now}; was of {was}")));
    }
    let was = at(before, *start).map_or_else(|| "no price".to_owned(), described);
    let detail = format!("from {}: {now}; was {was}", moment::shown(*start));
    Some(name.note(What::Changed, detail))
}

/// A model's terms in a few words: the price of most calls, and how many rows there are.
fn described(terms: &Terms) -> String {
    let Some(rates) = terms.get(&Condition::default()).or(terms.values().next()) else {
        return "no price of its own".to_owned();
    };
    let price = |price: PerMtok| number::shown(price.units(), PerMtok::SCALE);
    let kinds = [
        ("input", Some(rates.input)),
        ("cache read", rates.cache_read),
        ("cache write", rates.cache_write),
        ("cache write 1h", rates.cache_write_1h),
        ("output", Some(rates.output)),
        ("reasoning", rates.reasoning),
    ];
    let words = kinds
        .into_iter()
        .filter_map(|(kind, rate)| Some(format!("{kind} {}", price(rate?))));
    let words = words.collect::<Vec<_>>().join(", ");
    let rows = match terms.len() {
        1 => String::new(),
        rows => format!(" ({rows} rows)"),
    };
    format!("{words} {}{rows}", rates.currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn rates(source: &str, input: i128) -> Rates {
        Rates {
            input: PerMtok::new(input).unwrap(),
            cache_read: None,
            cache_write: None,
            cache_write_1h: None,
            output: PerMtok::default(),
            reasoning: None,
            per_request: None,
            currency: "USD".to_owned(),
            source: source.to_owned(),
        }
    }

    fn listing(source: &str, model: &str, prices: &[(i64, Option<i128>)]) -> Listing {
        let terms = |price: &Option<i128>| {
            let rates = price.map(|price| (Condition::default(), rates(source, price)));
            rates.into_iter().collect()
        };
        let history = prices.iter().map(|(day, price)| (day * DAY, terms(price)));
        Listing {
            source: source.to_owned(),
            authority: if LISTS.contains(&source) {
                Authority::List
            } else {
                Authority::Contract
            },
            models: BTreeMap::from([(Name::new("p", model), history.collect())]),
            notes: BTreeSet::new(),
        }
    }

    /// The rows of a book in days: from, to, model, input.
    fn shown(book: &Book) -> Vec<(i64, Option<i64>, String, i128)> {
        let rows = book.rows().into_iter();
        rows.map(|row| {
            let to = row.to.map(|to| to / DAY);
            (row.from / DAY, to, row.name.model, row.rates.input.units())
        })
        .collect()
    }

    fn whats(notes: &[Note]) -> Vec<What> {
        notes.iter().map(|note| note.what).collect()
    }

    #[test]
    fn a_changed_price_is_a_new_row_and_old_calls_keep_theirs() {
        let mut book = Book::default();
        let first = listing("litellm", "m", &[(0, Some(5))]);
        assert_eq!(whats(&book.take(first, 100 * DAY)), [What::Added]);
        let same = listing("litellm", "m", &[(0, Some(5))]);
        assert_eq!(whats(&book.take(same, 200 * DAY)), []);
        let changed = listing("litellm", "m", &[(0, Some(4))]);
        assert_eq!(whats(&book.take(changed, 300 * DAY)), [What::Changed]);
        let expected = [
            (0, Some(300), "m".to_owned(), 5),
            (300, None, "m".to_owned(), 4),
        ];
        assert_eq!(shown(&book), expected);
        let again = Book::new(book.rows());
        assert_eq!(again, book);
    }

    #[test]
    fn a_source_that_dates_its_prices_is_believed() {
        let mut book = Book::default();
        book.take(listing("genai-prices", "m", &[(0, Some(5))]), 100 * DAY);
        let dated = listing("genai-prices", "m", &[(0, Some(5)), (90, Some(4))]);
        assert_eq!(whats(&book.take(dated, 120 * DAY)), [What::Changed]);
        let rewritten = listing("genai-prices", "m", &[(0, Some(7)), (90, Some(4))]);
        assert_eq!(whats(&book.take(rewritten, 130 * DAY)), [What::Kept]);
        let expected = [
            (0, Some(90), "m".to_owned(), 5),
            (90, None, "m".to_owned(), 4),
        ];
        assert_eq!(shown(&book), expected);
    }

    #[test]
    fn the_list_imported_last_counts_and_contracts_lie_over_both() {
        let mut book = Book::default();
        book.take(listing("litellm", "m", &[(0, Some(5))]), DAY);
        let other = listing("genai-prices", "m", &[(0, Some(6))]);
        assert_eq!(whats(&book.take(other, DAY)), [What::Replaced]);
        let contract = listing("contract", "m", &[(100, Some(3)), (200, None)]);
        assert_eq!(whats(&book.take(contract, DAY)), [What::Changed]);
        let m = || "m".to_owned();
        let expected = [
            (0, Some(100), m(), 6),
            (100, Some(200), m(), 3),
            (200, None, m(), 6),
        ];
        assert_eq!(shown(&book), expected);

        let mut again = Book::new(book.rows());
        let raised = listing("genai-prices", "m", &[(0, Some(8))]);
        again.take(raised, 150 * DAY);
        assert_eq!(shown(&again)[1], (100, Some(200), m(), 3));
        assert_eq!(shown(&again)[2], (200, None, m(), 8));
    }

    #[test]
    fn a_contract_for_a_glob_holds_over_the_names_that_it_covers() {
        let mut book = Book::default();
        book.take(listing("litellm", "m-1", &[(0, Some(5))]), DAY);
        book.take(listing("contract", "m-*", &[(100, Some(3))]), DAY);
        let expected = [
            (100, None, "m-*".to_owned(), 3),
            (0, Some(100), "m-1".to_owned(), 5),
        ];
        assert_eq!(shown(&book), expected);
    }

    #[test]
    fn what_the_file_no_longer_has_is_kept_and_told() {
        let mut book = Book::default();
        book.take(listing("litellm", "old", &[(0, Some(5))]), DAY);
        let notes = book.take(listing("litellm", "new", &[(0, Some(5))]), DAY);
        assert_eq!(whats(&notes), [What::Added, What::Kept]);
        assert_eq!(shown(&book).len(), 2);
    }
}

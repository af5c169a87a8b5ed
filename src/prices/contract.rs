//! Prices of one's own as CSV, with the columns of the relation `prices`.

use super::number::Unit;
use super::{Authority, BEGINNING, Condition, Listing, Name, Rates, What};
use super::{book, moment, number, tariff};
use crate::error::{Error, Result};
use crate::relation::{self, Kind};
use arrow::array::{Array, AsArray};
use arrow::csv::ReaderBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SOURCE: &str = "contract";

/// Whether a line names columns of the relation.
pub(super) fn is_header(line: &str) -> bool {
    let names: Vec<_> = names(line);
    ["provider", "model"]
        .iter()
        .all(|name| names.contains(&(*name).to_owned()))
}

fn names(line: &str) -> Vec<String> {
    line.split(',')
        .map(|name| name.trim().trim_matches('"').to_ascii_lowercase())
        .collect()
}

/// One line's fields by column; an empty field is none.
type Line = BTreeMap<String, String>;

pub(super) fn read(text: &str) -> Result<Listing> {
    let mut listing = Listing {
        source: SOURCE.to_owned(),
        authority: Authority::Contract,
        models: BTreeMap::new(),
        notes: BTreeSet::new(),
    };
    let mut rows = vec![];
    for (number, line) in lines(text)?.iter().enumerate() {
        // The first line is the header.
        let place = format!("line {}", number + 2);
        let row = row(line, &mut listing).map_err(|error| error.at(place.clone()))?;
        rows.push((place, row));
    }
    if rows.is_empty() {
        return Err(Error::new("the file has no prices"));
    }
    no_overlap(&rows)?;
    listing.models = book::histories(rows.into_iter().map(|(_, row)| row));
    Ok(listing)
}

fn lines(text: &str) -> Result<Vec<Line>> {
    let header = names(text.lines().next().unwrap_or_default());
    let columns = relation::relation("prices")
        .map(|prices| prices.columns)
        .unwrap_or_default();
    for (at, name) in header.iter().enumerate() {
        if header[..at].contains(name) {
            return Err(Error::new(format!("the column `{name}` stands twice")).at("line 1"));
        }
        if !columns.iter().any(|column| column.name == name) {
            let known: Vec<_> = columns.iter().map(|column| column.name).collect();
            return Err(Error::new(format!("`{name}` is no column of `prices`"))
                .at("line 1")
                .hint(format!("its columns are {}", known.join(", "))));
        }
    }
    for column in columns {
        if column.required
            && column.kind != Kind::Time
            && !header.iter().any(|name| name == column.name)
        {
            return Err(
                Error::new(format!("the column `{}` is missing", column.name)).at("line 1"),
            );
        }
    }
    let fields: Vec<_> = header
        .iter()
        .map(|name| Field::new(name, DataType::Utf8, true))
        .collect();
    let reader = ReaderBuilder::new(Arc::new(Schema::new(fields)))
        .with_header(true)
        .build(text.as_bytes())
        .map_err(|error| Error::new(error.to_string()))?;
    let mut lines = vec![];
    for batch in reader {
        let batch = batch.map_err(|error| Error::new(format!("the CSV is broken: {error}")))?;
        for row in 0..batch.num_rows() {
            let value = |column: usize| {
                let column = batch.column(column).as_string::<i32>();
                let value = column.is_valid(row).then(|| column.value(row).trim());
                value.filter(|value| !value.is_empty()).map(str::to_owned)
            };
            let fields = header.iter().enumerate();
            lines.push(
                fields
                    .filter_map(|(at, name)| Some((name.clone(), value(at)?)))
                    .collect(),
            );
        }
    }
    Ok(lines)
}

fn row(line: &Line, listing: &mut Listing) -> Result<book::Row> {
    let text = |name: &str| line.get(name).map(String::as_str);
    let needed = |name: &str| text(name).ok_or_else(|| Error::new(format!("`{name}` is empty")));
    let instant = |name: &str| {
        let wrong =
            |text| Error::new(format!("`{name}` is no date: {text}")).hint("write 2026-10-01");
        text(name)
            .map(|text| moment::instant(text).ok_or_else(|| wrong(text)))
            .transpose()
    };
    let time = |name: &str| {
        let wrong =
            |text| Error::new(format!("`{name}` is no time of day: {text}")).hint("write 16:30");
        text(name)
            .map(|text| moment::time_of_day(text).ok_or_else(|| wrong(text)))
            .transpose()
    };
    let name = Name {
        provider: super::spelling::provider(needed("provider")?),
        model: needed("model")?.to_owned(),
    };
    let mut notes = vec![];
    let mut units = |column: &str, unit: Unit| -> Result<Option<i128>> {
        let Some(text) = text(column) else {
            return Ok(None);
        };
        let read = unit
            .read(text)
            .map_err(|error| error.hint(format!("look at `{column}`")))?;
        if let Some(from) = &read.rounded_from {
            let rounded = number::shown(read.units, unit.scale());
            notes.push(name.note(What::Rounded, format!("{column}: {from} is {rounded}")));
        }
        Ok(Some(read.units))
    };
    let mut price = |column: &str| -> Result<Option<_>> {
        units(column, Unit::MillionTokens)?
            .map(tariff::per_mtok)
            .transpose()
    };
    let missing = |column: &str| Error::new(format!("`{column}` is empty"));
    let rates = Rates {
        input: price("input_per_mtok")?.ok_or_else(|| missing("input_per_mtok"))?,
        cache_read: price("cache_read_per_mtok")?,
        cache_write: price("cache_write_per_mtok")?,
        cache_write_1h: price("cache_write_1h_per_mtok")?,
        output: price("output_per_mtok")?.ok_or_else(|| missing("output_per_mtok"))?,
        reasoning: price("reasoning_per_mtok")?,
        per_request: units("per_request", Unit::Request)?
            .map(tariff::amount)
            .transpose()?,
        currency: needed("currency")?.to_owned(),
        source: text("source").unwrap_or(SOURCE).to_owned(),
    };
    let window = match (time("utc_from")?, time("utc_to")?) {
        (None, None) => None,
        (from, to) => Some((from.unwrap_or(0), to.unwrap_or(0))),
    };
    let whole = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| Error::new(format!("`min_input_tokens` is no whole number: {text}")))
    };
    let row = book::Row {
        condition: Condition {
            service_tier: text("service_tier").map(str::to_owned),
            min_input_tokens: text("min_input_tokens")
                .map(whole)
                .transpose()?
                .filter(|minimum| *minimum > 0),
            window,
        },
        from: instant("effective_from")?.unwrap_or(BEGINNING),
        to: instant("effective_to")?,
        rates,
        name,
    };
    if row.to.is_some_and(|to| to <= row.from) {
        return Err(Error::new("the price ends before it begins"));
    }
    listing.notes.extend(notes);
    Ok(row)
}

/// A row without an end gives way to the next; any other two rows of one time are a mistake.
fn no_overlap(rows: &[(String, book::Row)]) -> Result<()> {
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_by(|(_, a), (_, b)| {
        (&a.name, &a.condition, a.from).cmp(&(&b.name, &b.condition, b.from))
    });
    for pair in sorted.windows(2) {
        let [(first_place, first), (place, second)] = pair else {
            continue;
        };
        let same = first.name == second.name && first.condition == second.condition;
        let together = first.from == second.from || first.to.is_some_and(|end| end > second.from);
        if same && together {
            return Err(Error::new(format!(
                "two prices of `{}` of {} hold from {}",
                second.name.model,
                second.name.provider,
                moment::shown(second.from)
            ))
            .at(format!("{first_place} and {place}"))
            .hint("end the first where the second begins, or take one away"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::History;

    const HEADER: &str =
        "provider,model,effective_from,effective_to,input_per_mtok,output_per_mtok,currency\n";

    fn lines_of(lines: &str) -> Result<Listing> {
        read(&format!("{HEADER}{lines}"))
    }

    #[test]
    fn a_contract_holds_while_it_lasts() {
        let listing = lines_of("openai,gpt-x,2026-01-01,2027-01-01,1.5,6,USD\n").unwrap();
        let history: &History = &listing.models[&Name::new("openai", "gpt-x")];
        let prices: Vec<_> = history.values().map(BTreeMap::len).collect();
        assert_eq!(prices, [1, 0]);
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        for (lines, place, expected) in [
            ("openai,x,2026-01-01,,-1,2,USD\n", "line 2", "negative"),
            ("openai,x,2026-01-01,,cheap,2,USD\n", "line 2", "cheap"),
            (
                "openai,x,2026-01-01,,,2,USD\n",
                "line 2",
                "`input_per_mtok` is empty",
            ),
            ("openai,x,soon,,1,2,USD\n", "line 2", "no date"),
            (
                "openai,x,2026-02-01,2026-01-01,1,2,USD\n",
                "line 2",
                "ends before",
            ),
            (
                "openai,x,2026-01-01,2026-06-01,1,2,USD\nopenai,x,2026-03-01,,1,2,USD\n",
                "line 2 and line 3",
                "two prices of `x`",
            ),
            (
                "openai,x,2026-01-01,,1,2,USD\nopenai,x,2026-01-01,,1,3,USD\n",
                "line 2 and line 3",
                "two prices of `x`",
            ),
        ] {
            let error = lines_of(lines).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.place(), Some(place), "{lines}");
        }
        let unknown = read("provider,model,price\n").unwrap_err();
        assert!(unknown.to_string().contains("`price` is no column"));
        let twice = read("provider,model,model\n").unwrap_err();
        assert!(twice.to_string().contains("`model` stands twice"));
    }
}

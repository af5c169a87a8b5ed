//! Rows of the relations `prices`, `aliases` and `bands` as the arithmetic takes them.

use std::collections::HashSet;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Result, exec_err};

use super::relation::{Relation, number, text};
use crate::money::{Amount, Exact, PerMtok};
use crate::pattern::bands::Limits;
use crate::pricing::alias::AliasRow;
use crate::pricing::price::{Price, Rates};

type PriceRow = (String, String, Price);

/// Rows in their order, by any means of reading one batch.
fn read<T>(
    name: &'static str,
    batches: &[RecordBatch],
    rows_of: impl Fn(&Relation<'_>) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    let rows: Result<Vec<Vec<T>>> = batches
        .iter()
        .map(|batch| rows_of(&Relation { name, batch }))
        .collect();
    Ok(rows?.into_iter().flatten().collect())
}

pub(super) fn aliases(batches: &[RecordBatch]) -> Result<Vec<AliasRow>> {
    read("aliases", batches, |relation| {
        let [kind, name, canonical] = [
            relation.text("kind")?,
            relation.text("name")?,
            relation.text("canonical")?,
        ];
        let effective_from = relation.timestamp("effective_from")?;
        (0..relation.batch.num_rows())
            .map(|row| {
                let required = |column, what| {
                    text(column, row).ok_or_else(|| relation.failed(row, format!("no `{what}`")))
                };
                let kind = required(kind.as_ref(), "kind")?.parse();
                Ok(AliasRow {
                    kind: kind.map_err(|error| relation.failed(row, error))?,
                    name: required(name.as_ref(), "name")?.to_owned(),
                    canonical: required(canonical.as_ref(), "canonical")?.to_owned(),
                    effective_from: effective_from(row),
                })
            })
            .collect()
    })
}

pub(super) fn bands(batches: &[RecordBatch]) -> Result<Vec<(String, Limits)>> {
    let rows = read("bands", batches, |relation| {
        let tier = relation.text("tier")?;
        let [target, alert] = [
            relation.number("target_pct")?,
            relation.number("alert_pct")?,
        ];
        (0..relation.batch.num_rows())
            .map(|row| {
                let missing = |what| relation.failed(row, format!("no `{what}`"));
                let tier = text(tier.as_ref(), row).ok_or_else(|| missing("tier"))?;
                let target = number(target.as_ref(), row).ok_or_else(|| missing("target_pct"))?;
                let alert = number(alert.as_ref(), row).ok_or_else(|| missing("alert_pct"))?;
                Ok((tier.to_owned(), Limits { target, alert }))
            })
            .collect()
    })?;
    let mut tiers = HashSet::new();
    match rows
        .iter()
        .find(|(tier, _)| !tiers.insert(tier.to_lowercase()))
    {
        Some((tier, _)) => {
            exec_err!("bands has the tier `{tier}` twice\n  hint: tiers compare without case")
        }
        None => Ok(rows),
    }
}

pub(super) fn prices(batches: &[RecordBatch]) -> Result<Vec<PriceRow>> {
    read("prices", batches, |relation| {
        let names = ["provider", "model", "service_tier", "currency", "source"];
        let [provider, model, service_tier, currency, source] =
            names.map(|name| relation.text(name));
        let [provider, model, service_tier] = [provider?, model?, service_tier?];
        let [currency, source] = [currency?, source?];
        let [effective_from, effective_to] = [
            relation.timestamp("effective_from")?,
            relation.timestamp("effective_to")?,
        ];
        let [utc_from, utc_to] = [
            relation.time_of_day("utc_from")?,
            relation.time_of_day("utc_to")?,
        ];
        let min_input_tokens = relation.integer("min_input_tokens")?;
        let rates = rates(relation)?;
        (0..relation.batch.num_rows())
            .map(|row| {
                let required = |column, what| {
                    text(column, row).ok_or_else(|| relation.failed(row, format!("no `{what}`")))
                };
                let optional = |column| text(column, row).map(str::to_owned);
                let price = Price {
                    id: 0,
                    // A price without a start has always held.
                    effective_from: effective_from(row).unwrap_or(i64::MIN),
                    effective_to: effective_to(row),
                    service_tier: optional(service_tier.as_ref()),
                    min_input_tokens: min_input_tokens(row),
                    utc_from: utc_from(row),
                    utc_to: utc_to(row),
                    rates: rates(row)?,
                    currency: required(currency.as_ref(), "currency")?.to_owned(),
                    source: optional(source.as_ref()).unwrap_or_default(),
                };
                let provider = required(provider.as_ref(), "provider")?.to_owned();
                Ok((
                    provider,
                    required(model.as_ref(), "model")?.to_owned(),
                    price,
                ))
            })
            .collect()
    })
}

/// Reads a row's prices; each missing one takes the price that it is a refinement of.
fn rates<'a>(relation: &'a Relation<'a>) -> Result<impl Fn(usize) -> Result<Rates> + 'a> {
    let column = |name| relation.number(name);
    let input = column("input_per_mtok")?;
    let cache_read = column("cache_read_per_mtok")?;
    let cache_write = column("cache_write_per_mtok")?;
    let cache_write_1h = column("cache_write_1h_per_mtok")?;
    let output = column("output_per_mtok")?;
    let reasoning = column("reasoning_per_mtok")?;
    let per_request = column("per_request")?;
    Ok(move |row| {
        let price = |column| match number(column, row) {
            Some(value) => per_mtok(value)
                .map(Some)
                .map_err(|why| relation.failed(row, why)),
            None => Ok(None),
        };
        let missing = |what: &str| relation.failed(row, format!("no `{what}`"));
        let input = price(input.as_ref())?.ok_or_else(|| missing("input_per_mtok"))?;
        let output = price(output.as_ref())?.ok_or_else(|| missing("output_per_mtok"))?;
        let cache_write = price(cache_write.as_ref())?.unwrap_or(input);
        let per_request = number(per_request.as_ref(), row).map_or(Ok(Amount::ZERO), |value| {
            let units = value.exactly(Amount::SCALE.into());
            units
                .and_then(|u| u.to_i128(Amount::PRECISION))
                .and_then(Amount::new)
        });
        Ok(Rates {
            input,
            cache_read: price(cache_read.as_ref())?.unwrap_or(input),
            cache_write,
            cache_write_1h: price(cache_write_1h.as_ref())?.unwrap_or(cache_write),
            output,
            reasoning: price(reasoning.as_ref())?.unwrap_or(output),
            per_request: per_request.map_err(|error| relation.failed(row, error))?,
        })
    })
}

fn per_mtok(value: Exact) -> Result<PerMtok, String> {
    let units = value
        .exactly(PerMtok::SCALE.into())
        .and_then(|units| units.to_i128(PerMtok::PRECISION));
    let units = units.map_err(|error| format!("a price per million tokens: {error}"))?;
    PerMtok::new(units).ok_or_else(|| "a price per million tokens is negative".to_owned())
}

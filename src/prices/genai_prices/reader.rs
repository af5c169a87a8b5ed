//! [`Reader`]: the prices of one model, and notes of what the book has no place for.

use super::super::json::Json;
use super::super::number::{self, Unit};
use super::super::tariff::{Kind, Tariff};
use super::super::{Listing, Name, What};
use crate::error::{Error, Result};

const KINDS: [(&str, Kind); 7] = [
    ("input_mtok", Kind::Input),
    ("cache_read_mtok", Kind::CacheRead),
    ("cache_write_mtok", Kind::CacheWrite),
    ("cache_write_1h_mtok", Kind::CacheWrite1h),
    ("output_mtok", Kind::Output),
    ("output_reasoning_mtok", Kind::Reasoning),
    ("requests_kcount", Kind::Request),
];
/// Words in the names of prices that are not for text tokens.
const OTHER: [&str; 12] = [
    "audio",
    "character",
    "chars",
    "citation",
    "document",
    "hours",
    "image",
    "messages",
    "pages",
    "searches",
    "video",
    "seconds",
];

/// Reads the prices of one model.
pub(super) struct Reader<'a> {
    name: &'a Name,
    listing: &'a mut Listing,
    /// Why the model has no price of text.
    pub(super) skipped: Option<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(name: &'a Name, listing: &'a mut Listing) -> Self {
        Self {
            name,
            listing,
            skipped: None,
        }
    }

    pub(super) fn note(&mut self, what: What, detail: &str) {
        self.listing.notes.insert(self.name.note(what, detail));
    }

    /// A model's own prices must be whole; a variant's lie over them.
    pub(super) fn tariff(&mut self, prices: Option<&Json>, is_whole: bool) -> Result<Tariff> {
        let mut tariff = Tariff::default();
        let mut other_output = false;
        for (key, value) in prices.map(Json::entries).unwrap_or_default() {
            if *value == Json::Null {
                continue;
            }
            let known = KINDS.iter().find(|(name, _)| name == key);
            if let Some((_, kind)) = known {
                self.set(&mut tariff, key, *kind, value)?;
            } else if OTHER.iter().any(|word| key.contains(word)) {
                other_output |= key.starts_with("output_");
                self.note(
                    What::Skipped,
                    &format!("{key}: the book has no column for it"),
                );
            } else {
                return Err(Error::new(format!(
                    "`{key}` is no price that Apportion knows"
                )));
            }
        }
        if is_whole && !tariff.has(Kind::Input) {
            self.skipped = Some("no price per input token");
        } else if is_whole && !tariff.has(Kind::Output) && other_output {
            self.skipped = Some("no price per output token");
        }
        Ok(tariff)
    }

    fn set(&mut self, tariff: &mut Tariff, key: &str, kind: Kind, value: &Json) -> Result<()> {
        let unit = kind.unit(Unit::MillionTokens, Unit::ThousandRequests);
        let mut set = |above: i64, value: &Json| -> Result<()> {
            let read = unit
                .read_json(value)
                .map_err(|error| error.hint(format!("look at `{key}`")))?;
            if let Some(text) = &read.rounded_from {
                let rounded = number::shown(read.units, unit.scale());
                self.listing.notes.insert(
                    self.name
                        .note(What::Rounded, format!("{key}: {text} is {rounded}")),
                );
            }
            tariff.set(kind, above, &read);
            Ok(())
        };
        let Json::Object(_) = value else {
            return set(0, value);
        };
        let base = value
            .get("base")
            .ok_or_else(|| Error::new(format!("`{key}` has no `base`")))?;
        set(0, base)?;
        for tier in value.get("tiers").map(Json::items).unwrap_or_default() {
            let start = tier.get("start").and_then(Json::whole);
            let start = start.filter(|start| *start >= 0);
            let (Some(start), Some(price)) = (start, tier.get("price")) else {
                return Err(Error::new(format!(
                    "a tier of `{key}` has no `start` or no `price`"
                )));
            };
            set(start, price)?;
        }
        Ok(())
    }
}

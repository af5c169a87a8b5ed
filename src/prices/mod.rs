//! The price book as files: what sources publish becomes rows of the `prices` relation.
//!
//! ```text
//! genai_prices · litellm · contract    one source's format each → a Listing
//!          │
//!        book                          a Listing laid over the book that there is, with its history
//!          │
//!        file                          the book as Parquet
//! ```
//!
//! Numbers go from a file's text to decimals. What a source says about other things than text tokens
//! is noted as skipped; what has more than six decimals per million tokens is rounded once, half to
//! even, and noted. No arithmetic on costs is done here.

pub mod book;
pub mod file;

mod contract;
mod genai_prices;
mod json;
mod litellm;
mod moment;
mod number;
mod rule;
mod spelling;
mod tariff;

pub(crate) use moment::{instant, midnight, now, shown as date};
pub(crate) use spelling::{Spelling, spellings};

use crate::error::{Error, Result};
use apportion_udfs::money::{Amount, PerMtok};
use clap::ValueEnum;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Of a price without a date: it holds from the beginning.
pub const BEGINNING: i64 = 0;

/// A model as a price book names it; the model may be a glob.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub provider: String,
    pub model: String,
}

/// Which calls of a model a price is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Condition {
    pub service_tier: Option<String>,
    pub min_input_tokens: Option<i64>,
    /// From and to a time of day, in microseconds since midnight, UTC.
    pub window: Option<(i64, i64)>,
}

/// What a call pays under one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    pub input: PerMtok,
    pub cache_read: Option<PerMtok>,
    pub cache_write: Option<PerMtok>,
    pub cache_write_1h: Option<PerMtok>,
    pub output: PerMtok,
    pub reasoning: Option<PerMtok>,
    pub per_request: Option<Amount>,
    pub currency: String,
    pub source: String,
}

/// All prices of a model at one time; none is "no price".
pub type Terms = BTreeMap<Condition, Rates>;

/// A model's terms by the instant from which they hold, each until the next.
pub type History = BTreeMap<i64, Terms>;

/// How a listing stands to a book that names the same model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// A public list: of one model, the list that was imported last counts.
    List,
    /// A contract: it holds over every list while it lasts, and for every name that it covers.
    Contract,
}

/// What one file says.
#[derive(Debug)]
pub struct Listing {
    pub source: String,
    pub authority: Authority,
    pub models: BTreeMap<Name, History>,
    pub notes: BTreeSet<Note>,
}

/// What an import did, or left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub what: What,
    pub provider: String,
    pub model: String,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Added,
    Changed,
    Replaced,
    Kept,
    Rounded,
    Skipped,
}

impl What {
    pub const ALL: [Self; 6] = [
        Self::Added,
        Self::Changed,
        Self::Replaced,
        Self::Kept,
        Self::Rounded,
        Self::Skipped,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Replaced => "replaced",
            Self::Kept => "kept",
            Self::Rounded => "rounded",
            Self::Skipped => "skipped",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// The data of the genai-prices package, v2 JSON
    GenaiPrices,
    /// `LiteLLM`'s `model_prices_and_context_window` JSON
    Litellm,
    /// Your own prices, with the columns of the relation `prices`
    Csv,
}

/// Reads a source's file.
pub fn read(path: &Path, source: Option<Source>) -> Result<Listing> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(format!(
            "cannot read `{place}`: {}",
            crate::error::reason(&error)
        ))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let source = match source {
        Some(source) => source,
        None => detected(text).map_err(|error| error.at(place.clone()))?,
    };
    let listing = match source {
        Source::GenaiPrices => genai_prices::read(text),
        Source::Litellm => litellm::read(text),
        Source::Csv => contract::read(text),
    };
    listing.map_err(|error| match error.place() {
        Some(entry) => {
            let entry = format!("{place}: {entry}");
            error.moved(entry)
        }
        None => error.at(place),
    })
}

/// An array is of genai-prices, an object of `LiteLLM`, a header line with the columns is CSV.
fn detected(text: &str) -> Result<Source> {
    match text.trim_start().chars().next() {
        Some('[') => Ok(Source::GenaiPrices),
        Some('{') => Ok(Source::Litellm),
        Some(_) if contract::is_header(text.lines().next().unwrap_or_default()) => Ok(Source::Csv),
        _ => Err(
            Error::new("this is no price list that Apportion knows").hint(
                "it may be the JSON of genai-prices or of LiteLLM, or a CSV with the columns of `apportion describe prices`",
            ),
        ),
    }
}

impl Name {
    fn new(provider: &str, model: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
        }
    }

    fn note(&self, what: What, detail: impl Into<String>) -> Note {
        Note {
            what,
            provider: self.provider.clone(),
            model: self.model.clone(),
            detail: detail.into(),
        }
    }
}

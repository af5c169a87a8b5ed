//! The relations that a user brings: their columns, what may be missing, and of which type each is.
//!
//! `ledger`, `billing`, `customers` and the others may come from files, from a view that an analyst
//! wrote, or not at all. Wherever a statement names one, [`conform`] puts a subquery in its place
//! with every column of the contract, each of its one type, so that no query has to ask.

pub mod conform;

/// What a column holds, and so the one type that queries see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An empty text is NULL.
    Text,
    Whole,
    /// UTC, in microseconds.
    Time,
    TimeOfDay,
    Date,
    /// `DECIMAL(38,12)`.
    Amount,
    /// `DECIMAL(18,6)`, per million tokens.
    Price,
    Flag,
}

impl Kind {
    /// The type's name for `arrow_cast`.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Text => "Utf8",
            Self::Whole => "Int64",
            Self::Time => "Timestamp(Microsecond, None)",
            Self::TimeOfDay => "Time64(Microsecond)",
            Self::Date => "Date32",
            Self::Amount => "Decimal128(38, 12)",
            Self::Price => "Decimal128(18, 6)",
            Self::Flag => "Boolean",
        }
    }

    /// How an error names it.
    pub fn described(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Whole => "a whole number",
            Self::Time => "a timestamp",
            Self::TimeOfDay => "a time of day",
            Self::Date => "a date",
            Self::Amount | Self::Price => "a number",
            Self::Flag => "true or false",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

#[derive(Debug)]
pub struct Relation {
    pub name: &'static str,
    /// What a row of it is.
    pub about: &'static str,
    /// Whether a query that needs it may find none: then it is empty.
    pub required: bool,
    pub columns: &'static [Column],
}

const fn needs(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        required: true,
    }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        required: false,
    }
}

use Kind::{Amount, Date, Flag, Price, Text, Time, TimeOfDay, Whole};

/// Every relation of the contract.
pub static RELATIONS: &[Relation] = &[
    Relation {
        name: "ledger",
        about: "Calls to models: one row a call, with its tokens.",
        required: true,
        columns: &[
            may("request_id", Text),
            needs("called_at", Time),
            may("completed_at", Time),
            may("customer_id", Text),
            may("session_id", Text),
            needs("provider", Text),
            needs("model", Text),
            may("sub_account", Text),
            may("service_tier", Text),
            may("feature", Text),
            may("query_type", Text),
            may("status", Text),
            needs("input_tokens", Whole),
            may("cache_read_tokens", Whole),
            may("cache_write_tokens", Whole),
            may("cache_write_1h_tokens", Whole),
            needs("output_tokens", Whole),
            may("reasoning_tokens", Whole),
            may("response_cached", Flag),
            may("list_cost", Amount),
            may("input", Text),
        ],
    },
    Relation {
        name: "billing",
        about: "Charges: one row a line of a bill.",
        required: true,
        columns: &[
            may("input", Text),
            may("charge_id", Text),
            needs("provider", Text),
            may("sub_account", Text),
            may("model", Text),
            may("service_tier", Text),
            may("token_type", Text),
            may("request_id", Text),
            may("customer_tag", Text),
            may("scope", Text),
            needs("charge_category", Text),
            needs("charge_period_start", Time),
            needs("charge_period_end", Time),
            needs("billing_period", Text),
            needs("billed_cost", Amount),
            may("effective_cost", Amount),
            may("commitment_discount_status", Text),
            needs("currency", Text),
            may("consumed_quantity", Amount),
            may("consumed_unit", Text),
            may("invoice_id", Text),
        ],
    },
    Relation {
        name: "customers",
        about: "Customers: plan, tier, MRR and renewal, one row a customer or a change of it.",
        required: false,
        columns: &[
            needs("customer_id", Text),
            may("plan", Text),
            may("tier", Text),
            needs("mrr", Amount),
            may("currency", Text),
            may("renewal_date", Date),
            may("started_on", Date),
            may("ended_on", Date),
            may("effective_from", Date),
        ],
    },
    Relation {
        name: "prices",
        about: "Published prices: one row a model, time, tier and length of input.",
        required: false,
        columns: &[
            needs("provider", Text),
            needs("model", Text),
            needs("effective_from", Time),
            may("effective_to", Time),
            may("service_tier", Text),
            may("min_input_tokens", Whole),
            may("utc_from", TimeOfDay),
            may("utc_to", TimeOfDay),
            needs("input_per_mtok", Price),
            may("cache_read_per_mtok", Price),
            may("cache_write_per_mtok", Price),
            may("cache_write_1h_per_mtok", Price),
            needs("output_per_mtok", Price),
            may("reasoning_per_mtok", Price),
            may("per_request", Amount),
            needs("currency", Text),
            may("source", Text),
        ],
    },
    Relation {
        name: "aliases",
        about: "Other names of providers, models, accounts and customers.",
        required: false,
        columns: &[
            needs("kind", Text),
            needs("name", Text),
            needs("canonical", Text),
            may("effective_from", Time),
        ],
    },
    Relation {
        name: "bands",
        about: "Which cost in % of MRR is the target of a tier, and which is an alert.",
        required: false,
        columns: &[
            needs("tier", Text),
            needs("target_pct", Amount),
            needs("alert_pct", Amount),
        ],
    },
    Relation {
        name: "fx_rates",
        about: "Rates between currencies, one row a period and pair.",
        required: false,
        columns: &[
            needs("period", Text),
            needs("from_currency", Text),
            needs("to_currency", Text),
            needs("rate", Amount),
        ],
    },
    Relation {
        name: "invoices",
        about: "Totals of invoices, to hold the charges against.",
        required: false,
        columns: &[
            needs("provider", Text),
            needs("invoice_id", Text),
            needs("total", Amount),
            needs("currency", Text),
        ],
    },
    Relation {
        name: "provider_usage",
        about: "Tokens as providers report them, for charges that state no quantity.",
        required: false,
        columns: &[
            needs("provider", Text),
            may("sub_account", Text),
            may("model", Text),
            may("service_tier", Text),
            needs("period_start", Time),
            needs("period_end", Time),
            may("input_tokens", Whole),
            may("output_tokens", Whole),
        ],
    },
    Relation {
        name: "plans",
        about: "Plans: base fee, included units and the prices beyond.",
        required: false,
        columns: &[
            needs("plan", Text),
            needs("measure", Text),
            may("base_fee", Amount),
            may("included_units", Whole),
            needs("mode", Text),
            may("from_unit", Whole),
            may("unit_price", Amount),
            may("flat_fee", Amount),
            may("minimum", Amount),
            may("currency", Text),
            may("effective_from", Date),
        ],
    },
    Relation {
        name: "caps",
        about: "The most units that a customer may use.",
        required: false,
        columns: &[
            needs("customer_id", Text),
            needs("measure", Text),
            needs("cap", Whole),
        ],
    },
    Relation {
        name: "value_delivered",
        about: "What customers got out of it, in units of your own.",
        required: false,
        columns: &[
            needs("customer_id", Text),
            needs("period", Text),
            needs("measure", Text),
            needs("quantity", Amount),
        ],
    },
];

/// What every billing input says of itself: its sum over the raw column, none of attribution's SQL.
pub const CONTROL_TOTALS: &str = "control_totals";

pub fn relation(name: &str) -> Option<&'static Relation> {
    RELATIONS.iter().find(|relation| relation.name == name)
}

/// What a table of this name holds.
pub fn about(name: &str) -> &'static str {
    relation(name).map_or("A table of your own.", |relation| relation.about)
}

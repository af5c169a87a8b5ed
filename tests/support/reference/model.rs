//! The relations as plain rows, and the options of one question.
//!
//! Times are microseconds since the epoch, UTC. Amounts and quantities are whole numbers of
//! 10^-12, prices whole numbers of 10^-6 per million tokens.
#![allow(
    dead_code,
    reason = "the tests that write fixtures read the columns that they need"
)]

/// One row of `ledger`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) request_id: Option<String>,
    pub(crate) called_at: i64,
    pub(crate) completed_at: Option<i64>,
    pub(crate) customer_id: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) provider: String,
    pub(crate) model: Option<String>,
    pub(crate) sub_account: Option<String>,
    pub(crate) service_tier: Option<String>,
    pub(crate) feature: Option<String>,
    pub(crate) query_type: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) cache_read_tokens: Option<i64>,
    pub(crate) cache_write_tokens: Option<i64>,
    pub(crate) cache_write_1h_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) reasoning_tokens: Option<i64>,
    pub(crate) response_cached: Option<bool>,
    /// 10^-12 of a dollar.
    pub(crate) list_cost: Option<i128>,
}

/// One row of `billing`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_field_names,
    reason = "a field has the name of its column"
)]
pub(crate) struct Charge {
    pub(crate) charge_id: Option<String>,
    pub(crate) provider: String,
    pub(crate) sub_account: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) service_tier: Option<String>,
    pub(crate) token_type: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) customer_tag: Option<String>,
    pub(crate) scope: Option<String>,
    /// `Usage`, `Purchase`, `Tax`, `Credit` or `Adjustment`.
    pub(crate) charge_category: String,
    pub(crate) charge_period_start: i64,
    pub(crate) charge_period_end: i64,
    /// `YYYY-MM`.
    pub(crate) billing_period: String,
    pub(crate) billed_cost: i128,
    pub(crate) effective_cost: Option<i128>,
    pub(crate) currency: String,
    /// 10^-12 of the unit.
    pub(crate) consumed_quantity: Option<i128>,
    pub(crate) consumed_unit: Option<String>,
    pub(crate) invoice_id: Option<String>,
    pub(crate) commitment_discount_status: Option<String>,
}

/// One row of `customers`; attribution reads the id alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_field_names,
    reason = "a field has the name of its column"
)]
pub(crate) struct Customer {
    pub(crate) customer_id: String,
    pub(crate) plan: Option<String>,
    pub(crate) tier: Option<String>,
    pub(crate) mrr: Option<i128>,
    pub(crate) currency: Option<String>,
}

/// One row of `prices`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) provider: String,
    /// A name, or a glob with `*` and `?`.
    pub(crate) model: String,
    pub(crate) effective_from: i64,
    pub(crate) effective_to: Option<i64>,
    pub(crate) service_tier: Option<String>,
    pub(crate) min_input_tokens: Option<i64>,
    /// Microseconds after midnight.
    pub(crate) utc_from: Option<i64>,
    /// Microseconds after midnight; below `utc_from` it lies on the next day.
    pub(crate) utc_to: Option<i64>,
    pub(crate) input_per_mtok: i64,
    pub(crate) cache_read_per_mtok: Option<i64>,
    pub(crate) cache_write_per_mtok: Option<i64>,
    pub(crate) cache_write_1h_per_mtok: Option<i64>,
    pub(crate) output_per_mtok: i64,
    pub(crate) reasoning_per_mtok: Option<i64>,
    /// 10^-12.
    pub(crate) per_request: Option<i128>,
    pub(crate) currency: String,
    pub(crate) source: Option<String>,
}

/// One row of `aliases`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alias {
    /// `provider`, `model`, `sub_account`, `customer` or `sub_account_customer`.
    pub(crate) kind: String,
    /// A name, or a glob with `*` and `?`.
    pub(crate) name: String,
    pub(crate) canonical: String,
    pub(crate) effective_from: Option<i64>,
}

/// One row of `fx_rates`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FxRate {
    pub(crate) period: String,
    pub(crate) from_currency: String,
    pub(crate) to_currency: String,
    /// 10^-12.
    pub(crate) rate: i128,
}

/// One row of `provider_usage`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProviderUsage {
    pub(crate) provider: String,
    pub(crate) sub_account: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) service_tier: Option<String>,
    pub(crate) period_start: i64,
    pub(crate) period_end: i64,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
}

/// Everything that the rule reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) calls: Vec<Call>,
    pub(crate) charges: Vec<Charge>,
    pub(crate) customers: Vec<Customer>,
    pub(crate) prices: Vec<Price>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) fx_rates: Vec<FxRate>,
    pub(crate) provider_usage: Vec<ProviderUsage>,
}

/// Which cost of a charge is attributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Basis {
    #[default]
    Billed,
    Effective,
}

/// One question: the months, and what an analyst can ask for by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one named argument of the product"
)]
pub(crate) struct Options {
    /// Every month asked for, `YYYY-MM`.
    pub(crate) periods: Vec<String>,
    pub(crate) basis: Basis,
    /// `idle => 'spread'`.
    pub(crate) idle_spread: bool,
    /// `missing => 'leave'`.
    pub(crate) missing_leave: bool,
    /// `monthly => 'ledger'`.
    pub(crate) monthly_ledger: bool,
    pub(crate) estimate: bool,
    pub(crate) currency: Option<String>,
    pub(crate) salt: String,
}

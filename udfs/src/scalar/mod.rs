//! Scalar functions, one file each.

pub(crate) mod bar;
pub(crate) mod billing_month;
pub(crate) mod call_cost;
pub(crate) mod call_cost_parts;
pub(crate) mod canonical;
pub(crate) mod converted_amount;
pub(crate) mod customer_hash;
pub(crate) mod is_valid_usage;
pub(crate) mod list_price;
pub(crate) mod margin_band;
pub(crate) mod nearest_models;
pub(crate) mod overage_charge;
pub(crate) mod price_cost_parts;
pub(crate) mod price_id;
pub(crate) mod rounded_ratio;
pub(crate) mod scaled_amount;
pub(crate) mod slot_start;
pub(crate) mod slots_within;
pub(crate) mod sparkline;
pub(crate) mod target_price;
pub(crate) mod tiered_charge;
pub(crate) mod to_amount;
pub(crate) mod to_exact;
pub(crate) mod to_json;
pub(crate) mod usage_cap;
pub(crate) mod usage_pattern_flags;

mod boundaries;
mod calls;
mod offers;
mod parts;

use datafusion::arrow::datatypes::DataType;

use crate::money::Amount;

/// `DECIMAL(38, 12)`.
pub(crate) const AMOUNT: DataType = DataType::Decimal128(Amount::PRECISION, Amount::SCALE);

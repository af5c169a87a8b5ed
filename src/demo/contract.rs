//! What the company agreed with each provider: how a call at list cost becomes an amount of a bill.

use super::money::{ListCost, Rate};
use super::work::Model;

/// OpenAI: ten per cent off list.
pub(super) const OPENAI: Rate = Rate::per_mille(900);
/// Google: list, a ten per cent credit, and five per cent tax on what remains.
pub(super) const GOOGLE_CREDIT: Rate = Rate::per_mille(-100);
pub(super) const GOOGLE_TAX: Rate = Rate::per_mille(45);
/// OpenRouter: list and a fee of five and a half per cent.
pub(super) const OPENROUTER: Rate = Rate::per_mille(1_055);

/// What a call adds to its provider's bill, all categories together.
pub(super) fn billed(model: &Model, list: &ListCost) -> i128 {
    let list = list.whole();
    match model.provider {
        "openai" => OPENAI.of(list),
        "google" => list + GOOGLE_CREDIT.of(list) + GOOGLE_TAX.of(list),
        "openrouter" => OPENROUTER.of(list),
        _ => list,
    }
}

/// The provider's project in which the work runs.
pub(super) fn sub_account(model: &Model, batch: bool) -> Option<&'static str> {
    match (model.provider, batch) {
        ("openai", false) => Some("proj_product"),
        ("openai", true) => Some("proj_jobs"),
        _ => None,
    }
}

/// Gateways record the tier for some providers only.
pub(super) fn service_tier(model: &Model, batch: bool) -> Option<&'static str> {
    match (model.provider, batch) {
        (_, true) => Some("batch"),
        ("openai" | "anthropic", false) => Some("standard"),
        _ => None,
    }
}

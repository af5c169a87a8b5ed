//! Terms that the company thinks of for its plans: one of each kind, for `plan_simulation`.

use super::money::CENT;

/// A step of a plan's price, as a row of the relation `plans`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) plan: &'static str,
    pub(super) measure: &'static str,
    pub(super) mode: &'static str,
    pub(super) base_fee: i128,
    pub(super) included_units: i64,
    pub(super) from_unit: i64,
    pub(super) unit_price: i128,
    pub(super) minimum: i128,
}

const NONE: Step = Step {
    plan: "",
    measure: "calls",
    mode: "graduated",
    base_fee: 0,
    included_units: 0,
    from_unit: 0,
    unit_price: 0,
    minimum: 0,
};

const DOLLAR: i128 = 100 * CENT;

pub(super) const STEPS: [Step; 8] = [
    Step {
        plan: "Team",
        mode: "overage",
        base_fee: 400 * DOLLAR,
        included_units: 100,
        unit_price: 4 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Studio",
        unit_price: 6 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Studio",
        from_unit: 100,
        unit_price: 4 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Studio",
        from_unit: 250,
        unit_price: 3 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Business",
        measure: "sessions",
        mode: "volume",
        unit_price: 30 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Business",
        measure: "sessions",
        mode: "volume",
        from_unit: 25,
        unit_price: 24 * DOLLAR,
        minimum: 750 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Enterprise",
        measure: "cost",
        mode: "consumption",
        unit_price: 4 * DOLLAR,
        minimum: 500 * DOLLAR,
        ..NONE
    },
    Step {
        plan: "Pay as you go",
        measure: "cost",
        mode: "consumption",
        unit_price: 3 * DOLLAR,
        ..NONE
    },
];

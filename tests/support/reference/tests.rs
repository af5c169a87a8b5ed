//! Cases small enough to follow by hand. Expected amounts are written as decimal text.

use std::collections::BTreeMap;

use super::allocation::{AllocationRow, allocation};
use super::attribution::{Dim, attribute, roll_up, unbilled, unpriced};
use super::calendar::{DAY, HOUR, SECOND, month, month_of};
use super::covering::customer_hash;
use super::model::{Alias, Basis, Call, Charge, Customer, FxRate, Options, Price, World};
use super::normal::matches;
use super::pricing::list_cost;
use super::split::{exact, hamilton, round_half_even};

use num_rational::BigRational;

/// `1.5` as units of 10^-12.
fn money(amount: &str) -> i128 {
    let (sign, digits) = amount
        .strip_prefix('-')
        .map_or((1, amount), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{fraction:0<12}")
        .parse::<i128>()
        .expect("the amount is a decimal")
}

/// An instant of May 2026.
fn may(day: i64, hour: i64) -> i64 {
    month("2026-05").0 + (day - 1) * DAY + hour * HOUR
}

/// A call on the second of May with a thousand tokens in and none out.
fn call(customer: &str) -> Call {
    Call {
        called_at: may(2, 10),
        customer_id: text(customer),
        provider: "p".to_owned(),
        model: text("m"),
        input_tokens: Some(1_000),
        ..Call::default()
    }
}

/// A Usage charge over May.
fn charge(amount: &str) -> Charge {
    let (start, end) = month("2026-05");
    Charge {
        provider: "p".to_owned(),
        charge_category: "Usage".to_owned(),
        charge_period_start: start,
        charge_period_end: end,
        billing_period: "2026-05".to_owned(),
        billed_cost: money(amount),
        currency: "USD".to_owned(),
        ..Charge::default()
    }
}

/// One dollar per million input tokens and two per million output tokens.
fn price() -> Price {
    Price {
        provider: "p".to_owned(),
        model: "m".to_owned(),
        input_per_mtok: 1_000_000,
        output_per_mtok: 2_000_000,
        currency: "USD".to_owned(),
        ..Price::default()
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

fn world(calls: Vec<Call>, charges: Vec<Charge>) -> World {
    World {
        calls,
        charges,
        prices: vec![price()],
        ..World::default()
    }
}

fn may_options() -> Options {
    Options {
        periods: vec!["2026-05".to_owned()],
        ..Options::default()
    }
}

/// What each customer bears, with the method or the reason: `a usage 1.5`, `- idle 0.5`.
fn answers(world: &World, options: &Options) -> Vec<String> {
    let rows = attribute(world, options);
    roll_up(&rows, &[Dim::Customer, Dim::Method, Dim::Reason])
        .into_iter()
        .map(|(key, cost)| {
            let customer = key[0].clone().unwrap_or_else(|| "-".to_owned());
            let how = key[2]
                .clone()
                .or_else(|| key[1].clone())
                .unwrap_or_default();
            format!("{customer} {how} {}", decimal(cost))
        })
        .collect()
}

fn decimal(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, fraction) = (
        amount.unsigned_abs() / 10_u128.pow(12),
        amount.unsigned_abs() % 10_u128.pow(12),
    );
    let text = format!("{sign}{whole}.{fraction:012}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn measures(world: &World, options: &Options) -> Vec<String> {
    let sums = roll_up(&attribute(world, options), &[Dim::Measure]);
    sums.into_keys().filter_map(|key| key[0].clone()).collect()
}

#[test]
fn months_and_days_are_those_of_the_calendar() {
    assert_eq!(month("1970-01"), (0, 31 * DAY));
    assert_eq!(month("2026-05").0, 1_777_593_600 * SECOND);
    assert_eq!(month("2024-02").1 - month("2024-02").0, 29 * DAY);
    assert_eq!(month_of(month("2026-06").0 - 1), "2026-05");
    assert_eq!(month_of(month("2026-06").0), "2026-06");
}

#[test]
fn the_odd_unit_goes_to_the_largest_remainder_and_then_to_the_lower_key() {
    let weights = |weights: &[i128]| -> Vec<BigRational> {
        weights.iter().map(|weight| exact(*weight)).collect()
    };
    assert_eq!(hamilton(10, &weights(&[1, 1, 1])), [4, 3, 3]);
    assert_eq!(hamilton(-10, &weights(&[1, 1, 1])), [-4, -3, -3]);
    // Quotas 0.7, 1.4 and 4.9: the remainders .7 and .9 come before .4.
    assert_eq!(hamilton(7, &weights(&[1, 2, 7])), [1, 1, 5]);
    assert_eq!(hamilton(1, &weights(&[0, 3, 3])), [0, 1, 0]);
}

#[test]
fn a_half_rounds_to_the_even_neighbour() {
    let rounded = |numerator: i128, denominator: i128| {
        round_half_even(&BigRational::new(numerator.into(), denominator.into()))
    };
    assert_eq!([rounded(1, 2), rounded(3, 2), rounded(5, 2)], [0, 2, 2]);
    assert_eq!(
        [rounded(-1, 2), rounded(-3, 2), rounded(-5, 3)],
        [0, -2, -2]
    );
}

#[test]
fn a_glob_matches_runs_and_single_characters() {
    assert!(matches("gpt-4o-*", "gpt-4o-mini") && matches("gpt-4o-*", "gpt-4o-"));
    assert!(!matches("gpt-4o-*", "gpt-4o") && !matches("a?c", "ac"));
    assert!(matches("*-m?", "x-y-m1") && matches("*", "") && !matches("m", "mm"));
}

#[test]
fn a_charge_over_three_equal_customers_leaves_the_odd_unit_to_the_first() {
    let calls = vec![call("b"), call("c"), call("a")];
    let positive = world(calls.clone(), vec![charge("1")]);
    assert_eq!(
        answers(&positive, &may_options()),
        [
            "a usage 0.333333333334",
            "b usage 0.333333333333",
            "c usage 0.333333333333"
        ]
    );
    assert_eq!(measures(&positive, &may_options()), ["list_cost"]);

    let negative = world(calls, vec![charge("-1")]);
    assert_eq!(
        answers(&negative, &may_options()),
        [
            "a usage -0.333333333334",
            "b usage -0.333333333333",
            "c usage -0.333333333333"
        ]
    );
}

#[test]
fn a_tagged_line_takes_its_calls_out_of_the_untagged_line() {
    let tagged = Charge {
        customer_tag: text("a"),
        ..charge("6")
    };
    let charges = vec![tagged.clone(), charge("4")];
    let both = world(vec![call("a"), call("b")], charges.clone());
    assert_eq!(answers(&both, &may_options()), ["a tag 6", "b usage 4"]);

    // Where that leaves no call, the untagged line covers all that agree.
    let alone = world(vec![call("a")], charges);
    assert_eq!(answers(&alone, &may_options()), ["a tag 6", "a usage 4"]);

    // A tagged line of a model takes nothing out of a line of another token type.
    let narrow = Charge {
        model: text("m"),
        ..tagged
    };
    let output = Charge {
        token_type: text("output"),
        ..charge("4")
    };
    let disjoint = world(vec![call("a"), call("b")], vec![narrow, output]);
    assert_eq!(
        answers(&disjoint, &may_options()),
        ["a tag 6", "a usage 2", "b usage 2"]
    );
    assert_eq!(measures(&disjoint, &may_options()), ["whole_list_cost"]);
}

#[test]
fn a_tag_may_be_a_hash_and_needs_no_calls() {
    let hash = customer_hash("a", "pepper");
    assert_eq!(customer_hash("abc", "").get(..8), Some("ba7816bf"));
    let charges = vec![
        Charge {
            customer_tag: Some(hash),
            ..charge("3")
        },
        Charge {
            customer_tag: text("ghost"),
            ..charge("2")
        },
    ];
    let customers = vec![Customer {
        customer_id: "a".to_owned(),
        ..Customer::default()
    }];
    let world = World {
        charges,
        customers,
        ..World::default()
    };
    let options = Options {
        salt: "pepper".to_owned(),
        ..may_options()
    };
    assert_eq!(answers(&world, &options), ["- unknown tag 2", "a tag 3"]);
    assert_eq!(answers(&world, &may_options()), ["- unknown tag 5"]);
}

#[test]
fn a_request_decides_alone() {
    let of = |customer: &str, day: i64, id: &str| Call {
        request_id: text(id),
        called_at: may(day, 0),
        ..call(customer)
    };
    // The request's row lies in April; its second row has no customer.
    let calls = vec![of("a", -3, "r"), of("", 2, "r"), of("b", 2, "")];
    let by_request = Charge {
        request_id: text("r"),
        ..charge("2")
    };
    let unknown = Charge {
        request_id: text("nothing"),
        ..charge("7")
    };
    let world = world(calls, vec![by_request, unknown, charge("5")]);
    assert_eq!(
        answers(&world, &may_options()),
        [
            "- no customer on the call 1",
            "- unknown request 7",
            "a request 1",
            // The second of the request's calls is taken out of the line of 5.
            "b usage 5",
        ]
    );
}

#[test]
fn credits_follow_the_charges() {
    let tagged = Charge {
        customer_tag: text("a"),
        ..charge("6")
    };
    let nobody = Charge {
        customer_tag: text("ghost"),
        ..charge("2")
    };
    let credit = Charge {
        charge_category: "Credit".to_owned(),
        ..charge("-3")
    };
    let calls = vec![call("a"), call("b")];
    let charges = vec![tagged, charge("4"), nobody.clone(), credit.clone()];
    let with_base = world(calls.clone(), charges);
    // 6 to a, 4 to b, 2 to nobody: the credit follows as 6 : 4 : 2.
    assert_eq!(
        answers(&with_base, &may_options()),
        ["- unknown tag 1.5", "a tag 6", "a usage -1.5", "b usage 3"]
    );

    // Where the base is zero or negative, by list cost over all calls that agree.
    let negative = Charge {
        billed_cost: -nobody.billed_cost,
        ..nobody
    };
    let without_base = world(calls, vec![negative, credit]);
    assert_eq!(
        answers(&without_base, &may_options()),
        ["- unknown tag -2", "a usage -1.5", "b usage -1.5"]
    );
}

#[test]
fn a_credit_counts_only_the_charges_that_state_what_it_states() {
    let of_model = |model: &str, amount: &str| Charge {
        model: text(model),
        ..charge(amount)
    };
    let credit = Charge {
        charge_category: "Credit".to_owned(),
        ..of_model("m", "-1")
    };
    let calls = vec![
        call("a"),
        Call {
            model: text("n"),
            ..call("b")
        },
    ];
    let world = world(calls, vec![of_model("m", "2"), of_model("n", "2"), credit]);
    assert_eq!(answers(&world, &may_options()), ["a usage 1", "b usage 2"]);
}

#[test]
fn tokens_that_the_ledger_lacks_can_be_left() {
    let stated = Charge {
        consumed_quantity: Some(money("8")),
        consumed_unit: text("1K Tokens"),
        ..charge("16")
    };
    let world = world(
        vec![
            call("a"),
            Call {
                input_tokens: Some(3_000),
                ..call("b")
            },
        ],
        vec![stated],
    );
    assert_eq!(answers(&world, &may_options()), ["a usage 4", "b usage 12"]);
    let leave = Options {
        missing_leave: true,
        ..may_options()
    };
    assert_eq!(
        answers(&world, &leave),
        ["- not in the ledger 8", "a usage 2", "b usage 6"]
    );
}

#[test]
fn the_ledger_can_be_the_authority() {
    // 0.001 and 0.002 of list cost against a bill of 1.
    let calls = vec![
        call("a"),
        Call {
            input_tokens: Some(2_000),
            ..call("b")
        },
    ];
    let priced = world(calls.clone(), vec![charge("1")]);
    let ledger = Options {
        monthly_ledger: true,
        ..may_options()
    };
    assert_eq!(
        answers(&priced, &ledger),
        ["- variance 0.997", "a usage 0.001", "b usage 0.002"]
    );

    // A charge of one day keeps to the bill.
    let day = Charge {
        charge_period_start: may(2, 0),
        charge_period_end: may(3, 0),
        ..charge("3")
    };
    assert_eq!(
        answers(&world(calls, vec![day]), &ledger),
        ["a usage 1", "b usage 2"]
    );
}

#[test]
fn an_unpriced_call_weighs_its_tokens_at_the_average_of_the_priced() {
    let unknown = Call {
        model: text("x"),
        output_tokens: Some(500),
        ..call("b")
    };
    let world = world(vec![call("a"), unknown], vec![charge("5")]);
    assert_eq!(answers(&world, &may_options()), ["a usage 2", "b usage 3"]);
    assert_eq!(unpriced(&world, &may_options()), [(1, "model")]);
}

#[test]
fn measures_fall_back_in_order() {
    let of_type = |token_type: &str| Charge {
        token_type: text(token_type),
        ..charge("1")
    };
    let only_input = |token_type: &str| world(vec![call("a")], vec![of_type(token_type)]);
    assert_eq!(
        measures(&only_input("input"), &may_options()),
        ["list_cost"]
    );
    assert_eq!(
        measures(&only_input("cache_read"), &may_options()),
        ["all_input_cost"]
    );
    assert_eq!(
        measures(&only_input("output"), &may_options()),
        ["whole_list_cost"]
    );

    let unpriced = World {
        prices: Vec::new(),
        ..only_input("input")
    };
    assert_eq!(measures(&unpriced, &may_options()), ["tokens"]);
    let mut no_tokens = unpriced;
    no_tokens.calls[0].input_tokens = None;
    assert_eq!(measures(&no_tokens, &may_options()), ["calls"]);
    no_tokens.calls[0].status = text("error");
    assert_eq!(answers(&no_tokens, &may_options()), ["- no weight 1"]);
    assert!(unbilled(&no_tokens, &may_options()).is_empty());
}

#[test]
fn a_dimension_that_no_call_carries_is_not_tested() {
    let of_account = Charge {
        sub_account: text("s"),
        ..charge("1")
    };
    let nobody_carries = world(vec![call("a")], vec![of_account.clone()]);
    assert_eq!(answers(&nobody_carries, &may_options()), ["a usage 1"]);

    let other = Call {
        sub_account: text("t"),
        ..call("b")
    };
    let some_carry = world(vec![call("a"), other], vec![of_account]);
    assert_eq!(
        answers(&some_carry, &may_options()),
        ["- no calls covered 1"]
    );
    assert_eq!(unbilled(&some_carry, &may_options()), [0, 1]);
}

#[test]
fn equal_rows_are_one_charge() {
    let world = world(
        vec![call("a"), call("b")],
        vec![charge("0.000000000001"); 2],
    );
    assert_eq!(
        answers(&world, &may_options()),
        ["a usage 0.000000000001", "b usage 0.000000000001"]
    );
}

#[test]
fn a_long_charge_is_spread_over_its_months_by_day() {
    // 92 days from April up to the first of July, 1 a day; May has 31 of them.
    let long = Charge {
        charge_period_start: month("2026-04").0,
        charge_period_end: month("2026-06").1 + DAY,
        ..charge("92")
    };
    let world = world(vec![call("a")], vec![long]);
    let effective = Options {
        basis: Basis::Effective,
        ..may_options()
    };
    assert_eq!(answers(&world, &effective), ["a usage 31"]);
    let july = Options {
        periods: vec!["2026-07".to_owned()],
        ..effective
    };
    assert_eq!(answers(&world, &july), ["- no calls covered 1"]);
    assert_eq!(answers(&world, &may_options()), ["a usage 92"]);
}

#[test]
fn unused_commitment_is_idle_under_effective() {
    let unused = Charge {
        effective_cost: Some(money("2")),
        commitment_discount_status: text("Unused"),
        ..charge("0")
    };
    let world = world(vec![call("a")], vec![unused]);
    let effective = Options {
        basis: Basis::Effective,
        ..may_options()
    };
    assert_eq!(answers(&world, &effective), ["- idle 2"]);
    let spread = Options {
        idle_spread: true,
        ..effective
    };
    assert_eq!(answers(&world, &spread), ["a usage 2"]);
    assert!(answers(&world, &may_options()).is_empty());
}

#[test]
fn a_charge_is_converted_once() {
    let rate = |rate: &str| FxRate {
        period: "2026-05".to_owned(),
        from_currency: "USD".to_owned(),
        to_currency: "EUR".to_owned(),
        rate: money(rate),
    };
    let mut world = world(vec![call("a")], vec![charge("0.000000000003")]);
    let euros = Options {
        currency: text("EUR"),
        ..may_options()
    };
    assert_eq!(answers(&world, &euros), ["a usage 0.000000000003"]);
    // 1.5 units become 2.
    world.fx_rates = vec![rate("0.5")];
    assert_eq!(answers(&world, &euros), ["a usage 0.000000000002"]);
}

#[test]
fn finer_grains_split_a_customers_part() {
    let of = |feature: &str, model: &str| Call {
        feature: text(feature),
        model: text(model),
        ..call("a")
    };
    let calls = vec![of("f", "m"), of("f", "n"), of("", "m")];
    let world = World {
        prices: Vec::new(),
        ..world(calls, vec![charge("0.000000000004")])
    };
    let rows = attribute(&world, &may_options());
    let by_feature = roll_up(&rows, &[Dim::Feature]);
    assert_eq!(
        by_feature,
        BTreeMap::from([(vec![text("f")], 3), (vec![None], 1)])
    );
    let by_model = roll_up(&rows, &[Dim::Feature, Dim::Model]);
    assert_eq!(
        by_model[&vec![text("f"), text("m")]],
        2,
        "the lower key has the odd unit"
    );
    assert_eq!(by_model[&vec![text("f"), text("n")]], 1);
}

#[test]
fn the_price_book_names_its_reasons() {
    let book = |prices: Vec<Price>| World {
        prices,
        ..World::default()
    };
    let cost = |prices: &[Price], call: &Call| list_cost(&book(prices.to_vec()), call);
    let plain = call("a");
    assert_eq!(cost(&[], &plain), Err("model"));
    assert_eq!(cost(&[price()], &plain), Ok(money("0.001")));
    assert_eq!(
        cost(
            &[Price {
                effective_from: may(3, 0),
                ..price()
            }],
            &plain
        ),
        Err("date")
    );
    assert_eq!(
        cost(
            &[Price {
                service_tier: text("batch"),
                ..price()
            }],
            &plain
        ),
        Err("tier")
    );
    assert_eq!(
        cost(
            &[Price {
                min_input_tokens: Some(1_000),
                ..price()
            }],
            &plain
        ),
        Err("threshold")
    );
    let invalid = Call {
        cache_read_tokens: Some(1_001),
        ..plain.clone()
    };
    assert_eq!(cost(&[price()], &invalid), Err("invalid usage"));
    let own = Call {
        list_cost: Some(7),
        ..plain.clone()
    };
    assert_eq!(cost(&[], &own), Ok(7));
    assert_eq!(cost(&[price()], &own), Ok(money("0.001")));

    // At ten in the morning a window from nine at night to eleven in the morning holds.
    let night = Price {
        utc_from: Some(21 * HOUR),
        utc_to: Some(11 * HOUR),
        ..price()
    };
    assert_eq!(cost(&[night], &plain), Ok(money("0.001")));
    let evening = Price {
        utc_from: Some(10 * HOUR + 1),
        ..price()
    };
    assert_eq!(cost(&[evening], &plain), Err("date"));
}

#[test]
fn the_price_book_prefers_names_then_tiers_then_thresholds() {
    let of = |model: &str, input_per_mtok: i64| Price {
        model: model.to_owned(),
        input_per_mtok,
        ..price()
    };
    let cost = |prices: &[Price], call: &Call| {
        list_cost(
            &World {
                prices: prices.to_vec(),
                ..World::default()
            },
            call,
        )
    };
    let batch = Call {
        service_tier: text("batch"),
        model: text("gpt"),
        ..call("a")
    };
    let tiered = Price {
        service_tier: text("batch"),
        ..of("*", 1)
    };
    // The exact name comes first although only the glob has the tier.
    assert_eq!(
        cost(&[of("gpt", 2), tiered.clone(), of("gp*", 3)], &batch),
        Ok(2_000)
    );
    assert_eq!(cost(&[tiered, of("gp*", 3)], &batch), Ok(3_000));

    let from = |least: i64| Price {
        min_input_tokens: Some(least),
        ..of("gpt", least)
    };
    assert_eq!(
        cost(&[of("gpt", 1), from(10), from(999), from(1_000)], &batch),
        Ok(999_000)
    );
}

#[test]
fn token_kinds_have_their_own_prices() {
    let priced = Price {
        input_per_mtok: 1,
        cache_read_per_mtok: Some(2),
        cache_write_per_mtok: Some(3),
        output_per_mtok: 5,
        reasoning_per_mtok: Some(7),
        per_request: Some(11),
        ..price()
    };
    let usage = Call {
        cache_read_tokens: Some(300),
        cache_write_tokens: Some(200),
        cache_write_1h_tokens: Some(50),
        output_tokens: Some(100),
        reasoning_tokens: Some(40),
        ..call("a")
    };
    let cost = |price: Price| {
        list_cost(
            &World {
                prices: vec![price],
                ..World::default()
            },
            &usage,
        )
    };
    // 500×1 + 300×2 + 150×3 + 50×3 + 60×5 + 40×7 + 11; one-hour writes fall back to writes.
    assert_eq!(cost(priced.clone()), Ok(2_291));
    assert_eq!(
        cost(Price {
            cache_write_1h_per_mtok: Some(4),
            ..priced
        }),
        Ok(2_341)
    );
}

#[test]
fn aliases_meet_before_any_comparison() {
    let alias = |kind: &str, name: &str, canonical: &str| Alias {
        kind: kind.to_owned(),
        name: name.to_owned(),
        canonical: canonical.to_owned(),
        effective_from: None,
    };
    let of_account = Charge {
        sub_account: text("S1"),
        model: text("USE1-m"),
        ..charge("2")
    };
    let world = World {
        aliases: vec![
            alias("model", "USE1-*", "m"),
            alias("sub_account", "S1", "s"),
            alias("sub_account_customer", "s", "a"),
        ],
        ..world(
            vec![Call {
                sub_account: text("s"),
                ..call("a")
            }],
            vec![of_account, charge("1")],
        )
    };
    assert_eq!(answers(&world, &may_options()), ["a tag 2", "a usage 1"]);
}

#[test]
fn allocation_counts_calls_in_their_calendar_month() {
    let batch = Call {
        called_at: may(31, 20),
        completed_at: Some(may(33, 0)),
        output_tokens: Some(9),
        ..call("a")
    };
    let cached = Call {
        response_cached: Some(true),
        ..call("a")
    };
    let day = Charge {
        charge_period_start: may(2, 0),
        charge_period_end: may(3, 0),
        ..charge("3")
    };
    let late = Call {
        called_at: may(9, 0),
        ..call("b")
    };
    let world = world(vec![call("a"), batch, cached, late], vec![day]);
    let options = Options {
        estimate: true,
        ..may_options()
    };
    let row = |customer: &str| AllocationRow {
        period: "2026-05".to_owned(),
        customer_id: text(customer),
        currency: "USD".to_owned(),
        ..AllocationRow::default()
    };
    let a = AllocationRow {
        cost: money("3"),
        usage_cost: money("3"),
        calls: 2,
        input_tokens: 2_000,
        list_cost: money("0.001"),
        ..row("a")
    };
    let b = AllocationRow {
        cost: money("0.001"),
        estimated_cost: money("0.001"),
        calls: 1,
        input_tokens: 1_000,
        list_cost: money("0.001"),
        unbilled_calls: 1,
        unbilled_list_cost: money("0.001"),
        ..row("b")
    };
    assert_eq!(allocation(&world, &options), [row(""), a, b]);
}

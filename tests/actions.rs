//! What holds of caps, charges, prices and savings whatever the world is.

use crate::patterns::{open, rows, world};
use crate::support::reference::model::World;
use apportion::session::Session;
use std::collections::BTreeSet;

const MONTHS: [&str; 4] = ["2026-03", "2026-04", "2026-05", "2026-06"];

async fn nothing_is(session: &Session, sql: &str) {
    assert_eq!(rows(session, sql).await, BTreeSet::new(), "{sql}");
}

/// That a statement which finds no row could have found one.
async fn something_is(session: &Session, sql: &str) {
    assert!(!rows(session, sql).await.is_empty(), "{sql}");
}

/// Without what is given back: half of a saving on a credit is the larger one.
fn without_credits(mut world: World) -> World {
    world.charges.retain(|charge| charge.billed_cost > 0);
    world
}

#[tokio::test]
async fn a_cap_of_the_median_stops_nobody_below_it() {
    let session = open(&without_credits(world(21))).await;
    let mut stopped = 0;
    for month in MONTHS {
        for measure in ["calls", "tokens", "sessions"] {
            let caps = format!(
                "SELECT customer_id, currency, saved FROM usage_caps(
                     period => '{month}', measure => '{measure}', multiple => 1
                 )"
            );
            nothing_is(
                &session,
                &format!("{caps} WHERE units <= median_units AND saved <> 0"),
            )
            .await;
            stopped += rows(&session, &format!("{caps} WHERE saved > 0"))
                .await
                .len();
        }
    }
    assert!(stopped > 0, "no cap stops anybody");
}

/// Where prices rise, a unit at the price of its own step costs no more than one at the highest reached;
/// and who uses more pays no less.
#[tokio::test]
async fn graduated_is_no_dearer_than_volume_and_more_usage_no_cheaper() {
    let session = open(&world(22)).await;
    let prices = |mode: &str| {
        format!(
            "plan_simulation(period => '2026-03..2026-06', plans => (
                 SELECT 'pro' AS plan, 'calls' AS measure, '{mode}' AS mode, from_unit, unit_price
                 FROM (VALUES (0, 0.01), (3, 0.02), (9, 0.05)) AS steps (from_unit, unit_price)
             ))"
        )
    };
    let (graduated, volume) = (prices("graduated"), prices("volume"));
    let compared = format!(
        "SELECT g.period, g.customer_id, g.currency FROM {graduated} AS g
         INNER JOIN {volume} AS v USING (period, customer_id, currency)"
    );
    nothing_is(&session, &format!("{compared} WHERE g.price > v.price")).await;
    something_is(&session, &format!("{compared} WHERE g.price < v.price")).await;
    nothing_is(
        &session,
        &format!(
            "SELECT less.customer_id, more.customer_id AS other
             FROM {graduated} AS less INNER JOIN {graduated} AS more
                 ON less.period = more.period AND less.measure = more.measure
             WHERE less.units < more.units AND less.price > more.price"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_proposed_price_meets_the_target_and_one_cent_less_does_not() {
    let session = Session::open_demo(&apportion::config::Settings::default())
        .await
        .unwrap();
    let prices =
        "SELECT customer_id FROM renewal_repricing(period => '2026-10', within_days => 400)";
    something_is(&session, prices).await;
    nothing_is(
        &session,
        &format!("{prices} WHERE cost * 100 > target_pct * target_price"),
    )
    .await;
    nothing_is(
        &session,
        &format!("{prices} WHERE cost * 100 <= target_pct * (target_price - 0.01)"),
    )
    .await;
}

/// Each measure works on what the others leave, where reading from a cache is cheaper than not and a price
/// does not depend on the length. Amounts are rounded a model at a time, so sums may differ by a unit for
/// each.
#[tokio::test]
async fn savings_together_are_between_the_largest_and_the_sum() {
    let mut world = without_credits(world(23));
    for price in &mut world.prices {
        price.min_input_tokens = None;
        price.cache_read_per_mtok = Some(price.input_per_mtok / 10);
    }
    let session = open(&world).await;
    for arguments in ["prompt_saving => 15", "cache_to => 60, prompt_saving => 30"] {
        let savings = format!(
            "SELECT period, customer_id, feature, currency FROM intensity_reduction(
                 period => '2026-03..2026-06', {arguments}
             )"
        );
        let parts = "routing_saving, caching_saving, prompt_saving";
        nothing_is(
            &session,
            &format!("{savings} WHERE saving < greatest({parts}) - 0.000000000010"),
        )
        .await;
        let sum = parts.replace(',', " +");
        nothing_is(
            &session,
            &format!("{savings} WHERE saving > {sum} + 0.000000000010"),
        )
        .await;
        something_is(
            &session,
            &format!("{savings} WHERE prompt_saving > 0 AND caching_saving > 0"),
        )
        .await;
    }
}

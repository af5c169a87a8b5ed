use super::*;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;

async fn planned(sql: &str) -> String {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_optimizer_rules(rules())
        .build();
    let frame = SessionContext::new_with_state(state)
        .sql(sql)
        .await
        .unwrap();
    let plan = frame.into_optimized_plan().unwrap();
    plan.display_indent().to_string()
}

const CALLS: &str = "(SELECT column1 AS model, column2 AS tokens, NULL::bigint AS cached,
    NULL::varchar AS tier, false AS free FROM (VALUES ('a', 1), ('b', 2)))";

#[tokio::test]
async fn keys_and_sums_of_nothing_are_not_worked_out() {
    let plan = planned(&format!(
        "SELECT model, tier, sum(tokens), sum(cached), count(cached),
            sum(CASE WHEN tokens > 1 THEN cached END)
         FROM {CALLS} WHERE coalesce(tier, 'x') = 'x' GROUP BY model, tier"
    ))
    .await;
    let grouped = plan
        .lines()
        .find(|line| line.contains("Aggregate:"))
        .unwrap();
    assert!(grouped.contains("groupBy=[[model]]"), "{plan}");
    assert!(grouped.contains("count(Int64(NULL))"), "{plan}");
    assert_eq!(grouped.matches("sum(").count(), 1, "{plan}");
    assert!(!plan.contains("Filter:"), "{plan}");
}

#[tokio::test]
async fn a_side_that_may_be_missing_has_no_constants() {
    let right = "(SELECT column1 AS m, 1 AS one FROM (VALUES ('a')))";
    let plan = planned(&format!(
        "SELECT model, one FROM {CALLS} LEFT JOIN {right} ON model = m"
    ))
    .await;
    assert!(plan.lines().next().unwrap().contains("one"), "{plan}");
    let inner = format!("SELECT model, one FROM {CALLS} JOIN {right} ON model = m");
    let inner = planned(&inner).await;
    assert!(inner.contains("Int64(1) AS one"), "{inner}");
}

#[tokio::test]
async fn keys_that_are_the_same_in_all_rows_join_nothing_apart() {
    let same = |column: &str| format!("(a.{column} IS NOT DISTINCT FROM b.{column})");
    let join = |on: &str| {
        format!("SELECT a.tokens, b.tokens FROM {CALLS} AS a LEFT JOIN {CALLS} AS b ON {on}")
    };
    let on = ["model", "tier", "free"].map(same).join(" AND ");
    let plan = planned(&join(&on)).await;
    assert!(plan.contains("Left Join: a.model = b.model\n"), "{plan}");
    let plan = planned(&join("a.model = b.model AND a.free = b.free")).await;
    assert!(plan.contains("Left Join: a.model = b.model\n"), "{plan}");
    // NULL is equal to nothing, and a join without a key would be one of another kind.
    for on in ["a.model = b.model AND a.tier = b.tier", &same("tier")] {
        let plan = planned(&join(on)).await;
        assert!(plan.contains("a.tier = b.tier"), "{plan}");
    }
}

async fn unoptimised(sql: &str) -> (LogicalPlan, Option<Values>) {
    let state = SessionStateBuilder::new().with_default_features().build();
    let context = SessionContext::new_with_state(state);
    let plan = context.state().create_logical_plan(sql).await.unwrap();
    put(plan, context.state().config_options()).unwrap()
}

/// Of each column, whether its value is known.
async fn known(sql: &str) -> Vec<bool> {
    let (_, values) = unoptimised(sql).await;
    values.unwrap().iter().map(Option::is_some).collect()
}

#[tokio::test]
async fn a_branch_that_is_not_taken_needs_no_operators() {
    let other =
        format!("SELECT model, sum(tokens) FROM {CALLS} WHERE tokens > 1 AND 1 = 2 GROUP BY model");
    let (plan, _) = unoptimised(&format!("SELECT 'a', 1 UNION ALL {other}")).await;
    let shown = plan.display_indent().to_string();
    assert!(shown.contains("EmptyRelation: rows=0"), "{shown}");
    assert!(!shown.contains("Aggregate"), "{shown}");
    // There is a row of what nothing comes to.
    for keys in [
        "",
        "GROUP BY ROLLUP (model)",
        "GROUP BY CUBE (model, tier)",
        "GROUP BY GROUPING SETS ((model), ())",
    ] {
        let sum = format!("SELECT sum(tokens) FROM {CALLS} WHERE 1 = 2 {keys}");
        let (plan, _) = unoptimised(&sum).await;
        let shown = plan.display_indent().to_string();
        assert!(shown.contains("Aggregate"), "{shown}");
    }
}

#[tokio::test]
async fn a_branch_that_is_not_taken_says_nothing() {
    let other = format!("(SELECT * REPLACE (model AS tier) FROM {CALLS} WHERE NOT 1 = 1)");
    let sql = format!("SELECT * FROM {CALLS} UNION ALL SELECT * FROM {other}");
    assert_eq!(known(&sql).await, [false, false, true, true, true]);
}

#[tokio::test]
async fn what_comes_of_nothing_is_nothing() {
    let calls = "(SELECT model, tier FROM (VALUES ('a', NULL::varchar)) AS calls (model, tier))";
    let none = "(SELECT model FROM (VALUES ('a')) AS none (model) WHERE 1 = 2)";
    for (sql, is_empty) in [
        (format!("SELECT DISTINCT model FROM {none}"), true),
        (
            format!("SELECT DISTINCT ON (model) model FROM {none} ORDER BY model"),
            true,
        ),
        (format!("SELECT unnest([model]) FROM {none}"), true),
        (
            format!("SELECT * FROM {calls} LEFT SEMI JOIN {none} USING (model)"),
            true,
        ),
        (
            format!("SELECT * FROM {none} RIGHT SEMI JOIN {calls} USING (model)"),
            true,
        ),
        (
            format!("SELECT * FROM {none} LEFT ANTI JOIN {calls} USING (model)"),
            true,
        ),
        (
            format!("SELECT * FROM {calls} LEFT ANTI JOIN {none} USING (model)"),
            false,
        ),
        (
            format!("SELECT * FROM {calls} RIGHT ANTI JOIN {none} USING (model)"),
            true,
        ),
        (
            format!("SELECT * FROM {none} FULL JOIN {none} AS other USING (model)"),
            true,
        ),
        (
            format!("SELECT * FROM {none} FULL JOIN {calls} USING (model)"),
            false,
        ),
        (
            format!("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {none})"),
            false,
        ),
    ] {
        let (plan, values) = unoptimised(&sql).await;
        assert_eq!(
            values.is_none(),
            is_empty,
            "{sql}: {}",
            plan.display_indent()
        );
    }
}

#[tokio::test]
async fn null_is_equal_to_nothing() {
    let null = "(SELECT model, NULL::varchar AS tier FROM (VALUES ('a')) AS t (model))";
    let some = "(SELECT model, tier FROM (VALUES ('a', 'b')) AS t (model, tier))";
    for (join, is_empty) in [
        (
            format!("{null} AS a JOIN {some} AS b ON a.tier = b.tier"),
            true,
        ),
        (
            format!("{some} AS a JOIN {null} AS b ON a.model = b.model AND a.tier = b.tier"),
            true,
        ),
        (
            format!("{some} AS a LEFT SEMI JOIN {null} AS b ON a.tier = b.tier"),
            true,
        ),
        (
            format!("{some} AS a LEFT JOIN {null} AS b ON a.tier = b.tier"),
            false,
        ),
        (
            format!("{some} AS a JOIN {null} AS b ON a.model = b.model"),
            false,
        ),
        (
            format!("{null} AS a JOIN {null} AS b ON a.tier IS NOT DISTINCT FROM b.tier"),
            false,
        ),
    ] {
        // Equalities become keys of the join as the engine's first rules find them.
        let plan = planned(&format!("SELECT a.model FROM {join}")).await;
        assert_eq!(
            plan.contains("EmptyRelation: rows=0"),
            is_empty,
            "{join}: {plan}"
        );
    }
}

#[tokio::test]
async fn a_side_without_rows_is_missing() {
    let some = "(SELECT column1 AS m, column1 AS n FROM (VALUES ('a')))";
    let none =
        "(SELECT column1 AS m, column1 AS n FROM (VALUES ('a')) WHERE column1 = 'a' AND false)";
    let calls = "(SELECT model FROM (VALUES ('a')) AS calls (model))";
    for (sides, values) in [
        (
            format!("{calls} LEFT JOIN {none} ON model = m"),
            [false, true, true],
        ),
        (
            format!("{calls} LEFT JOIN {some} ON model = m"),
            [false, false, false],
        ),
        (
            format!("{calls} LEFT JOIN (SELECT m, NULL AS n FROM {some}) ON model = m"),
            [false, false, true],
        ),
        (
            format!("{none} RIGHT JOIN {calls} ON model = m"),
            [true, true, false],
        ),
        (
            format!("{some} RIGHT JOIN {calls} ON model = m"),
            [false, false, false],
        ),
    ] {
        assert_eq!(
            known(&format!("SELECT * FROM {sides}")).await,
            values,
            "{sides}"
        );
    }
}

#[tokio::test]
async fn grouping_sets_keep_their_columns() {
    for sets in [
        "CUBE (model, tier)",
        "ROLLUP (tier)",
        "GROUPING SETS ((tier), ())",
    ] {
        let sql = format!("SELECT tier, sum(tokens) FROM {CALLS} GROUP BY {sets}");
        let plan = planned(&sql).await;
        assert!(plan.lines().next().unwrap().contains("tier"), "{plan}");
    }
}

#[tokio::test]
async fn sums_that_become_one_stay_two() {
    let sql = format!(
        "SELECT named_struct('a', x, 'b', y)['a'] FROM (SELECT model, sum(coalesce(cached, 0)) AS x,
            sum(CASE WHEN free THEN 1 ELSE 0 END) AS y FROM {CALLS} GROUP BY model)"
    );
    assert!(planned(&sql).await.contains("Aggregate:"));
}

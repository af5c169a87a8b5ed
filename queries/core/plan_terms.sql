-- Question:    Which terms does each plan have in a month?
-- Grain:       one row per period and plan
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The months.
--   terms      relation = plans   The plans, a row per step.
-- Refused:     (
--       select
--           concat('plan `', coalesce(plan, ''), '`: ', finding) as problem,
--           'the relations in README.md say what a row of plans means' as hint
--       from plans_can_be_charged(terms => terms)
--       union all
--       select
--           'there is no plan: the relation of plans has no row' as problem,
--           'name files under `[plans]` in apportion.toml, or give a query: plans => (select …)' as hint
--       where not exists (select 1 from terms)
--       order by problem
--   )
-- Notes:       Of several terms of a plan, those in force at the month's last instant hold. steps is what
--              tiered_charge takes; included units are taken off the usage before.

with

months as (
    select
        month_start,
        cast(month_start + interval '1 month' as date) as month_end
    from unnest(generate_series($period_start, $period_end - interval '1 month', interval '1 month'))
        as months (month_start)
),

dated as (
    select
        billing_month(months.month_start) as period,
        steps.*,
        dense_rank() over (
            partition by months.month_start, steps.plan
            order by steps.effective_from desc nulls last
        ) as recency
    from months
    cross join plan_steps(terms => terms) as steps
    where
        steps.effective_from is null
        or steps.effective_from < months.month_end
)

select
    period,
    plan,
    max(measure) as measure,
    max(mode) as mode,
    coalesce(max(base_fee), 0.000000000000) as base_fee,
    coalesce(max(included_units), 0) as included_units,
    array_agg(
        named_struct(
            'from_unit', from_unit,
            'unit_price', coalesce(unit_price, 0.000000000000),
            'flat_fee', coalesce(flat_fee, 0.000000000000),
            'minimum', coalesce(minimum, 0.000000000000)
        )
        order by from_unit
    ) as steps,
    max(currency) as currency
from dated
where recency = 1
group by period, plan

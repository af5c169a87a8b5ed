-- Question:    How do usage and cost spread over a plan's customers, and which included units and steps follow?
-- Grain:       one row per period, plan and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   measure    calls|tokens|sessions = 'calls'   The usage.
-- Notes:       Of customers that pay and called. A percentile lies between two neighbours in
--              proportion, so that p50 is the median. Three of four customers stay within
--              included_units, nine of ten below the second step, nineteen of twenty below the third.
--              Steps count units beyond the included ones, as plans do; a step that would begin where
--              the one before it does is NULL.

with

values_of_customers as (
    select
        costs.period,
        costs.plan,
        costs.currency,
        costs.customer_id,
        used.units,
        costs.cost
    from allocation(period => $period) as costs
    inner join usage_by_measure(period => $period) as used
        on costs.period = used.period
        and costs.customer_id = used.customer_id
    where used.measure = $measure and costs.plan is not null and costs.mrr is not null
),

ranked as (
    select
        period,
        plan,
        currency,
        units,
        cost,
        count(*) over (partition by period, plan, currency) as customers,
        row_number() over (partition by period, plan, currency order by units, customer_id) as units_position,
        row_number() over (partition by period, plan, currency order by cost, customer_id) as cost_position
    from values_of_customers
),

-- A percentile's place among n customers is (n - 1) × percent ÷ 100 after the first: so many
-- hundredths of the way from one neighbour to the next.
places as (
    select
        ranked.*,
        percent,
        (customers - 1) * percent / 100 + 1 as place,
        (customers - 1) * percent % 100 as hundredths
    from ranked
    cross join (values (50), (75), (90), (95)) as percents (percent)
),

percentiles as (
    select
        period,
        plan,
        currency,
        percent,
        max(customers) as customers,
        rounded_ratio(
            sum(case units_position - place when 0 then units * (100 - hundredths) when 1 then units * hundredths end),
            100, 2
        ) as units,
        rounded_ratio(
            sum(case cost_position - place when 0 then cost * (100 - hundredths) when 1 then cost * hundredths end),
            100, 12
        ) as cost,
        -- The least usage that so many percent of the customers do not exceed.
        max(case when units_position = (customers * percent + 99) / 100 then units end) as units_of_percent
    from places
    group by period, plan, currency, percent
),

spread as (
    select
        period,
        plan,
        currency,
        max(customers) as customers,
        max(case when percent = 50 then units end) as p50_units,
        max(case when percent = 75 then units end) as p75_units,
        max(case when percent = 90 then units end) as p90_units,
        max(case when percent = 95 then units end) as p95_units,
        max(case when percent = 50 then cost end) as p50_cost,
        max(case when percent = 75 then cost end) as p75_cost,
        max(case when percent = 90 then cost end) as p90_cost,
        max(case when percent = 95 then cost end) as p95_cost,
        max(case when percent = 75 then units_of_percent end) as included_units,
        max(case when percent = 90 then units_of_percent end) as second_units,
        max(case when percent = 95 then units_of_percent end) as third_units
    from percentiles
    group by period, plan, currency
)

select
    period,
    plan,
    $measure as measure,
    customers,
    p50_units,
    p75_units,
    p90_units,
    p95_units,
    p50_cost,
    p75_cost,
    p90_cost,
    p95_cost,
    included_units,
    nullif(second_units - included_units, 0) as second_step_from,
    case when third_units > second_units then third_units - included_units end as third_step_from,
    currency
from spread
order by period, currency, plan

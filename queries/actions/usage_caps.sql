-- Question:    Which cap follows from what is usual on a plan, whom would it touch, and what would it save?
-- Grain:       one row per period, customer with a plan, and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   measure    calls|tokens|sessions = 'calls'   What is capped.
--   multiple   decimal>=1 = 1.5   How many times the median of the plan: 1.5 to 2 as a rule, never below 1.
--   as_of      date = NULL   The medians are those of the last month that is over on this day; without it, of the period itself.
-- Reads first:
--   usual      text = (
--       select billing_month(
--           date_trunc('month', coalesce(cast($as_of as timestamp), $period_end)) - interval '1 month'
--       )
--   )
-- Ties to:     allocation
-- Notes:       A call is after the cap when as much had been used before it. A session counts when it
--              begins, and is let finish. What is saved is the cost times the list share of the calls
--              after the cap; it is NULL where their prices are in several currencies. A plan whose
--              median is zero has no cap.

with

-- Over customers that called.
medians as (
    select customers.plan, exact_median(used.units) as median_units
    from usage_by_measure(period => $usual) as used
    inner join customers_in_force(period => $usual) as customers
        on used.customer_id = customers.customer_id
    where used.measure = $measure and customers.plan is not null
    group by customers.plan
),

caps as (
    select plan, median_units, usage_cap(median_units, $multiple) as cap
    from medians
),

calls as (
    select
        period,
        customer_id,
        session_id,
        called_at,
        request_id,
        coalesce(input_tokens, 0) as input_tokens,
        coalesce(output_tokens, 0) as output_tokens,
        list_cost,
        price_currency,
        min(called_at) over (partition by period, customer_id, session_id) as session_start
    from priced_calls(period => $period)
    where customer_id is not null
),

-- Calls that agree in all of this are alike, so their order does not matter.
counted as (
    select
        *,
        case when $measure = 'tokens' then input_tokens + output_tokens else 1 end as units,
        case
            when $measure <> 'sessions' then
                row_number() over (
                    partition by period, customer_id
                    order by called_at, request_id, input_tokens, output_tokens, list_cost
                )
            when session_id is not null then
                dense_rank() over (
                    partition by period, customer_id, session_id is null
                    order by session_start, session_id
                )
        end as number
    from calls
),

running as (
    select
        *,
        case
            when $measure = 'tokens' then
                sum(units) over (partition by period, customer_id order by number) - units
            else number - 1
        end as used_before
    from counted
),

after_cap as (
    select
        running.period,
        running.customer_id,
        min(case when used_before + units >= caps.cap then called_at end) as reached_at,
        sum(case when used_before >= caps.cap then 1 else 0 end) as calls,
        sum(case when used_before >= caps.cap then list_cost end) as list_cost,
        sum(list_cost) as whole_list_cost,
        count(distinct price_currency) as price_currencies
    from customers_in_force(period => $period) as customers
    inner join caps on customers.plan = caps.plan
    inner join running
        on customers.period = running.period
        and customers.customer_id = running.customer_id
    group by running.period, running.customer_id
),

compared as (
    select
        costs.period,
        costs.plan,
        caps.median_units,
        caps.cap,
        costs.customer_id,
        coalesce(used.units, 0) as units,
        coalesce(used.units > caps.cap, false) as exceeds,
        after_cap.reached_at,
        coalesce(after_cap.calls, 0) as calls_after,
        costs.mrr,
        costs.cost,
        case
            when coalesce(after_cap.calls, 0) = 0 then 0.000000000000
            when after_cap.price_currencies <= 1 then
                scaled_amount(costs.cost, coalesce(after_cap.list_cost, 0), after_cap.whole_list_cost)
        end as saved,
        costs.currency
    from allocation(period => $period) as costs
    left join caps on costs.plan = caps.plan
    left join usage_by_measure(period => $period) as used
        on costs.period = used.period
        and costs.customer_id = used.customer_id
        and used.measure = $measure
    left join after_cap
        on costs.period = after_cap.period
        and costs.customer_id = after_cap.customer_id
    where costs.customer_id is not null and costs.plan is not null
)

select
    period,
    plan,
    $measure as measure,
    median_units,
    cap,
    customer_id,
    units,
    exceeds,
    reached_at,
    calls_after,
    mrr,
    cost,
    saved,
    sum(case when exceeds then 1 else 0 end) over (partition by period, plan, currency) as plan_customers_touched,
    coalesce(
        sum(case when exceeds then mrr end) over (partition by period, plan, currency), 0.000000000000
    ) as plan_mrr_touched,
    currency
from compared
order by period, currency, plan, saved desc nulls last, customer_id

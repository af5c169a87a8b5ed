-- Question:    What would each customer have paid under other terms of its plan, and what would be left?
-- Grain:       one row per period, customer and currency, and one per period and currency for what is unattributed
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   plans      relation = plans   The terms to try, a row per step.
-- Refused:     (
--       select
--           concat('no customer is on ', string_agg(terms.plan, ', ' order by terms.plan)) as problem,
--           concat(
--               'the plans of customers are ',
--               (select string_agg(distinct plan, ', ' order by plan) from customers)
--           ) as hint
--       from plan_terms(period => $period, terms => plans) as terms
--       left join customers_in_force(period => $period) as customers
--           on terms.period = customers.period
--           and terms.plan = customers.plan
--       having count(customers.customer_id) = 0
--   )
-- Ties to:     allocation
-- Notes:       Customers whose plan has no terms here pay what they pay today (outcome NULL), and so
--              do those who pay in another currency than the terms' own: their price is NULL. Overage
--              and consumption are graduated with one step.

with

terms as (
    select * from plan_terms(period => $period, terms => plans)
),

today as (
    select period, customer_id, plan, tier, mrr, cost, currency
    from allocation(period => $period)
),

-- Where a measure is what the customer costs, its units are money and rows have their own.
measured as (
    select
        today.*,
        terms.plan is not null and today.mrr is not null as has_terms,
        coalesce(terms.currency, today.currency) = today.currency as is_comparable,
        terms.measure,
        terms.mode,
        terms.base_fee,
        terms.included_units,
        terms.steps,
        case
            when terms.measure = 'cost' then greatest(today.cost, 0.000000000000)
            when terms.plan is not null then coalesce(used.units, 0)
        end as units
    from today
    left join terms
        on today.period = terms.period
        and today.plan = terms.plan
    left join usage_by_measure(period => $period) as used
        on today.period = used.period
        and today.customer_id = used.customer_id
        and terms.measure = used.measure
),

charged as (
    select
        *,
        case
            when not has_terms then mrr
            when is_comparable then
                base_fee + tiered_charge(
                    greatest(units - included_units, 0),
                    steps,
                    case mode when 'volume' then 'volume' else 'graduated' end
                )
        end as price
    from measured
)

select
    period,
    customer_id,
    plan,
    tier,
    measure,
    mode,
    case when has_terms then units end as units,
    mrr,
    price,
    case when has_terms then price - mrr end as change,
    cost,
    coalesce(mrr, 0) - cost as margin_today,
    case when is_comparable or not has_terms then coalesce(price, 0) - cost end as margin,
    case when price > 0 then rounded_ratio(cost * 100, price, 6) end as cost_pct_of_price,
    case
        when not has_terms then null
        when price < mrr then 'pays less'
        when price > mrr then 'pays more'
        when price = mrr then 'pays the same'
    end as outcome,
    currency
from charged
order by period, currency, change desc nulls last, customer_id nulls last

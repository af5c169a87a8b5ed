-- Question:    Who wins and who loses under other terms, and what is left of the revenue, plan by plan and in total?
-- Grain:       one row per period, currency and plan, and one per period and currency for all of them
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   plans      relation = plans   As in plan_simulation.
-- Ties to:     plan_simulation
-- Notes:       price and margin are NULL where one of the customers has none: a sum of the others would
--              not stand beside mrr.

select
    period,
    case when grouping(plan) = 1 then 'total' else 'plan' end as scope,
    plan,
    count(customer_id) as customers,
    count(case when outcome = 'pays less' then 1 end) as pay_less,
    count(case when outcome = 'pays the same' then 1 end) as pay_the_same,
    count(case when outcome = 'pays more' then 1 end) as pay_more,
    sum(mrr) as mrr,
    case when count(price) = count(mrr) then sum(price) end as price,
    sum(cost) as cost,
    sum(margin_today) as margin_today,
    case when count(margin) = count(*) then sum(margin) end as margin,
    currency
from plan_simulation(period => $period, plans => plans)
group by grouping sets ((period, currency, plan), (period, currency))
order by period, currency, scope, plan nulls last

-- Claim:       Who calls is in customers, once for a time, with plan, revenue and a tier with bands.
-- Severity:    warning
-- Grain:       one row per customer and currency of its cost
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.

with

judged as (
    select
        costs.period,
        costs.customer_id,
        in_force.plan,
        in_force.tier,
        case
            when in_force.customer_id is null then 'no row in force'
            when in_force.mrr is null then 'no revenue in force'
            when in_force.mrr > 0 and margin_band(in_force.tier, 0, 1) is null
                then 'no band for the tier'
            when in_force.plan is null then 'no plan'
        end as finding,
        costs.cost,
        costs.currency
    from allocation(period => $period) as costs
    left join customers_in_force(period => $period) as in_force
        on costs.period = in_force.period
        and costs.customer_id = in_force.customer_id
    where costs.customer_id is not null and (costs.calls > 0 or costs.cost <> 0)
)

select * from judged
where finding is not null
union all by name
-- One of them would be taken, and nobody would know which.
select customer_id, 'several rows from one day on' as finding
from customers
group by customer_id, effective_from
having count(*) > 1
order by period, customer_id, currency

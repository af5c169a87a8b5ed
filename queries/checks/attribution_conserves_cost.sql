-- Claim:       The rows of each charge sum to the charge.
-- Severity:    error
-- Grain:       one row per charge whose rows do not
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.

with

charges as (
    select charge_key, charge_id, period, provider, currency, amount
    from charges(period => $period)
    where selected and scope = 'inference'
),

attributed as (
    select charge_key, period, sum(cost) as cost
    from attributed_costs(period => $period)
    group by charge_key, period
)

select
    charges.period,
    charges.provider,
    charges.charge_id,
    charges.currency,
    charges.amount,
    coalesce(attributed.cost, 0) as attributed_cost,
    charges.amount - coalesce(attributed.cost, 0) as difference
from charges
left join attributed
    on charges.charge_key = attributed.charge_key
    and charges.period = attributed.period
where charges.amount <> coalesce(attributed.cost, 0)
order by charges.period, charges.provider, charges.charge_key

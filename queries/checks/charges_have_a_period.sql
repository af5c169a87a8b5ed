-- Claim:       Every charge ends after it starts.
-- Severity:    error
-- Grain:       one row per provider, billing period and charge period
-- Notes:       A charge over no time covers no call: its whole cost would be unattributed.

select
    provider,
    billing_period,
    charge_period_start,
    charge_period_end,
    count(*) as charges,
    min(charge_id) as for_example,
    sum(billed_cost) as billed_cost,
    currency
from billing
where not coalesce(charge_period_end > charge_period_start, false)
group by provider, billing_period, charge_period_start, charge_period_end, currency
order by provider, billing_period, charge_period_start, charge_period_end, currency

-- Question:    For which providers and days is there usage that no charge covers?
-- Grain:       one row per provider and day
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in attributed_costs.
--   idle       leave|spread = 'leave'   As in attributed_costs.

select
    provider,
    cast(slot_start as date) as day,
    sum(calls) as calls,
    sum(list_cost) as list_cost
from unbilled_cells(
    period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle
)
group by provider, cast(slot_start as date)
order by provider, day

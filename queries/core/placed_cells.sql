-- Question:    Which usage may a charge cover, and whose is it where a charge names its customer?
-- Grain:       one row per usage cell, answers from the product's own cache left out
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
-- Notes:       named_customer_id is NULL for customers that no charge names: to the bill they are alike,
--              so that what covers what is settled without them.

with

named as (
    select distinct customer_id
    from resolved_charges(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where customer_id is not null
)

select
    cells.* exclude (response_cached),
    coalesce(cells.service_tier, 'standard') as tier,
    named.customer_id as named_customer_id
from named
right join usage_cells(period => $period, basis => $basis, depth => $depth) as cells
    on named.customer_id = cells.customer_id
where not cells.response_cached

-- Question:    What is there for charges to cover, as finely as the bill can tell calls apart?
-- Grain:       one row per slot of time, dimension of a charge, and currency of the price
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
-- Notes:       A place has no customer but one that a charge names: there are as few places as the bill
--              has detail, however many customers call.

select
    slot_start,
    period,
    provider,
    sub_account,
    model,
    tier,
    named_customer_id,
    billed_request_id,
    price_currency,
    sum(calls) as calls
from placed_cells(
    period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
    depth => $depth
)
group by
    slot_start, period, provider, sub_account, model, tier, named_customer_id, billed_request_id,
    price_currency

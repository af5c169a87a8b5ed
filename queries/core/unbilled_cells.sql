-- Question:    Which usage does no charge cover?
-- Grain:       one row per usage cell of the asked calendar months
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
-- Notes:       Only Usage and Purchase charges bill a call: a tax does not make it billed. Answers from
--              the product's own cache, and failed calls without tokens, need no charge.

with

cells as (
    select * from usage_cells(period => $period, basis => $basis, depth => $depth)
    where
        priced_by not in ('cached', 'nothing')
        and period between $period_first and $period_last
),

covered as (
    select distinct
        slot_start,
        provider,
        coalesce(sub_account, '') as sub_account,
        coalesce(model, '') as model,
        coalesce(service_tier, '') as service_tier,
        coalesce(customer_id, '') as customer_id,
        coalesce(billed_request_id, '') as billed_request_id
    from covered_cells(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where charge_category in ('Usage', 'Purchase')
)

select cells.*
from cells
left join covered
    on cells.slot_start = covered.slot_start
    and cells.provider = covered.provider
    and coalesce(cells.sub_account, '') = covered.sub_account
    and coalesce(cells.model, '') = covered.model
    and coalesce(cells.service_tier, '') = covered.service_tier
    and coalesce(cells.customer_id, '') = covered.customer_id
    and coalesce(cells.billed_request_id, '') = covered.billed_request_id
where covered.slot_start is null

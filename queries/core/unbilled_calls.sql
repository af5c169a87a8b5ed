-- Question:    Which calls does no charge cover?
-- Grain:       one row per call
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   salt       text = ''   As in attributed_costs.
-- Reads first:
--   boundaries timestamps = (
--       select array_agg(boundary order by boundary) from charge_boundaries(period => $period)
--   )
-- Notes:       A missing bill must not make a customer look profitable: allocation counts these calls,
--              and attributed_costs(estimate => true) adds their list cost.

with

cells as (
    select distinct
        slot_start, provider, sub_account, model, service_tier, customer_id, billed_request_id
    from unbilled_cells(period => $period, salt => $salt)
),

calls as (
    select *, slot_start(charged_at, $boundaries) as slot_start
    from priced_calls(period => $period)
    where priced_by not in ('cached', 'nothing')
)

select calls.* exclude (slot_start)
from cells
inner join calls
    on cells.slot_start = calls.slot_start
    and cells.provider = calls.provider
    and coalesce(cells.model, '') = coalesce(calls.model, '')
    and coalesce(cells.sub_account, '') = coalesce(calls.sub_account, '')
    and coalesce(cells.service_tier, '') = coalesce(calls.service_tier, '')
    and coalesce(cells.customer_id, '') = coalesce(calls.customer_id, '')
    and (cells.billed_request_id is null or cells.billed_request_id = calls.request_id)

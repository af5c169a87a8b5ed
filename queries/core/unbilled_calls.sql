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
from calls
inner join cells
    on calls.slot_start = cells.slot_start
    and calls.provider = cells.provider
    and coalesce(calls.model, '') = coalesce(cells.model, '')
    and coalesce(calls.sub_account, '') = coalesce(cells.sub_account, '')
    and coalesce(calls.service_tier, '') = coalesce(cells.service_tier, '')
    and coalesce(calls.customer_id, '') = coalesce(cells.customer_id, '')
    and (cells.billed_request_id is null or calls.request_id = cells.billed_request_id)

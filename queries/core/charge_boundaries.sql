-- Question:    Between which instants does no charge begin or end?
-- Grain:       one row per boundary, from the first to the last instant that the asked charges and months reach
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
-- Notes:       Two calls between the same boundaries lie in the same charge periods, whatever these
--              are, so the ledger can be added up between them. Days and months are boundaries too.

with

charges as (
    select charge_period_start, charge_period_end, selected
    from charges(period => $period, basis => $basis)
    where request_id is null
    union all
    select $period_start as charge_period_start, $period_end as charge_period_end, true as selected
),

span as (
    select
        min(charge_period_start) as first_boundary,
        max(charge_period_end) as last_boundary
    from charges
    where selected
),

boundaries as (
    select charge_period_start as boundary from charges
    union
    select charge_period_end as boundary from charges
    union
    select cast(day as timestamp(6)) as boundary
    from unnest(generate_series($period_start, $period_end, interval '1 day')) as days (day)
)

select boundaries.boundary
from boundaries
cross join span
where boundaries.boundary between span.first_boundary and span.last_boundary

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

covered as (
    select distinct
        slot_start, provider, sub_account, model, tier, named_customer_id, billed_request_id
    from covered_places(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where charge_category in ('Usage', 'Purchase')
),

-- Most bills are complete: what is not covered are a few places, and the cells need not be looked up.
uncovered as (
    select distinct
        places.slot_start,
        places.provider,
        places.sub_account,
        places.model,
        places.tier,
        places.named_customer_id,
        places.billed_request_id
    from usage_places(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    ) as places
    left join covered
        on (places.slot_start is not distinct from covered.slot_start)
        and (places.provider is not distinct from covered.provider)
        and (places.sub_account is not distinct from covered.sub_account)
        and (places.model is not distinct from covered.model)
        and (places.tier is not distinct from covered.tier)
        and (places.named_customer_id is not distinct from covered.named_customer_id)
        and (places.billed_request_id is not distinct from covered.billed_request_id)
    where
        covered.slot_start is null
        and places.period between $period_first and $period_last
)

select cells.* exclude (tier, named_customer_id)
from uncovered
inner join placed_cells(
    period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
    depth => $depth
) as cells
    on (uncovered.slot_start is not distinct from cells.slot_start)
    and (uncovered.provider is not distinct from cells.provider)
    and (uncovered.sub_account is not distinct from cells.sub_account)
    and (uncovered.model is not distinct from cells.model)
    and (uncovered.tier is not distinct from cells.tier)
    and (uncovered.named_customer_id is not distinct from cells.named_customer_id)
    and (uncovered.billed_request_id is not distinct from cells.billed_request_id)
where cells.weighing_calls > 0

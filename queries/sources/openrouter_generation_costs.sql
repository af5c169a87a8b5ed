-- Question:    What did OpenRouter charge for each generation?
-- Grain:       one row per generation
-- Relation:    billing
-- Reads:       CSV of OpenRouter's generations
-- Parameters:
--   input relation   The generations.
-- Control total: select
--       'openrouter' as provider,
--       left(created_at, 7) as billing_period,
--       'USD' as currency,
--       sum(to_exact(cost_total)) as control_total
--   from input
--   group by 1, 2, 3
-- Notes:       Each charge names its request, so it needs no weights. Credits cost a dollar each.

with

generations as (
    select
        *,
        date_trunc('day', arrow_cast(created_at, 'Timestamp(Microsecond, None)')) as day
    from input
)

select
    generation_id as charge_id,
    'openrouter' as provider,
    model_permaslug as model,
    generation_id as request_id,
    case when to_amount(cost_total) < 0 then 'Credit' else 'Usage' end as charge_category,
    day as charge_period_start,
    day + interval '1 day' as charge_period_end,
    left(created_at, 7) as billing_period,
    to_amount(cost_total) as billed_cost,
    'USD' as currency
from generations

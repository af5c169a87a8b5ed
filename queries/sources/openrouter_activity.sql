-- Question:    What did OpenRouter charge, by day and model?
-- Grain:       one row per day, model and endpoint
-- Relation:    billing
-- Reads:       JSON of OpenRouter's activity, as the API answers
-- Expects:     data[].usage, data[].date
-- Parameters:
--   input relation   The answers.
-- Control total: select
--       'openrouter' as provider,
--       left(json_as_text(day, 'date'), 7) as billing_period,
--       'USD' as currency,
--       sum(to_exact(json_as_text(day, 'usage'))) as control_total
--   from (select unnest(json_get_array(document, 'data')) as day from input)
--   group by 1, 2, 3
-- Notes:       Credits cost a dollar each. What own keys cost elsewhere (byok) is on that provider's bill.

with

days as (
    select unnest(json_get_array(document, 'data')) as day from input
),

dated as (
    select
        day,
        arrow_cast(left(json_as_text(day, 'date'), 10), 'Timestamp(Microsecond, None)') as date
    from days
)

select
    'openrouter' as provider,
    coalesce(json_as_text(day, 'model_permaslug'), json_as_text(day, 'model')) as model,
    'Usage' as charge_category,
    date as charge_period_start,
    date + interval '1 day' as charge_period_end,
    billing_month(date) as billing_period,
    to_amount(json_as_text(day, 'usage')) as billed_cost,
    'USD' as currency,
    to_amount(json_get_int(day, 'prompt_tokens') + json_get_int(day, 'completion_tokens')) as consumed_quantity,
    'tokens' as consumed_unit,
    json_as_text(day, 'provider_name') as provider_name
from dated

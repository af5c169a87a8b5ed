-- Question:    What does Google Cloud's billing export say was charged?
-- Grain:       one row per line, and one per credit of a line
-- Relation:    billing
-- Reads:       NDJSON of Google Cloud's detailed billing export from BigQuery
-- Expects:     cost, service.description, usage_start_time
-- Parameters:
--   input relation   The lines.
--   customer_label text = 'customer_id'   The label whose value is the customer.
-- Control total: select
--       'google' as provider,
--       concat(left(month, 4), '-', right(month, 2)) as billing_period,
--       currency,
--       sum(amount) as control_total
--   from (
--       select json_as_text(document, 'invoice', 'month') as month, json_as_text(document, 'currency') as currency,
--           to_exact(json_as_text(document, 'cost')) as amount
--       from input
--       union all
--       select month, currency, to_exact(json_as_text(credit, 'amount'))
--       from (
--           select json_as_text(document, 'invoice', 'month') as month, json_as_text(document, 'currency') as currency,
--               unnest(json_get_array(document, 'credits')) as credit
--           from input
--       )
--   )
--   group by 1, 2, 3
-- Notes:       Inference is Vertex AI and the Gemini API; the rest is out of scope. A SKU names the model
--              before what is counted, as in "Gemini 2.5 Flash Text Input - Predictions". Google posts
--              its rounding as lines of their own; they are adjustments.

with

lines as (
    select
        document as line,
        json_as_text(document, 'service', 'description') as service,
        json_as_text(document, 'sku', 'description') as sku,
        json_as_text(document, 'cost_type') as cost_type,
        json_as_text(document, 'invoice', 'month') as month
    from input
),

labelled as (
    select
        line,
        unnest(json_get_array(line, 'labels')) as label
    from lines
),

tags as (
    select line, max(json_as_text(label, 'value')) as customer_tag
    from labelled
    where json_as_text(label, 'key') = $customer_label
    group by line
),

amounts as (
    select *, json_as_text(line, 'cost') as amount, false as is_credit from lines
    union all by name
    select * exclude (credit), json_as_text(credit, 'amount') as amount, true as is_credit
    from (select *, unnest(json_get_array(line, 'credits')) as credit from lines)
)

select
    'google' as provider,
    json_as_text(amounts.line, 'project', 'id') as sub_account,
    nullif(regexp_replace(sku, ' *(Batch )?(Text|Image|Audio|Video|Multimodal)?,? *(Cached )?(Input|Output).*$', ''), sku)
        as model,
    case
        when sku like '%Cached%Input%' then 'cache_read'
        when sku like '%Input%' then 'input'
        when sku like '%Output%' then 'output'
    end as token_type,
    tags.customer_tag,
    case
        when service in ('Vertex AI', 'Gemini API', 'Generative Language API') then 'inference'
        else 'other'
    end as scope,
    case
        when amounts.is_credit then 'Credit'
        when cost_type = 'tax' then 'Tax'
        when cost_type in ('adjustment', 'rounding_error') then 'Adjustment'
        else 'Usage'
    end as charge_category,
    arrow_cast(replace(json_as_text(amounts.line, 'usage_start_time'), ' UTC', ''), 'Timestamp(Microsecond, None)')
        as charge_period_start,
    arrow_cast(replace(json_as_text(amounts.line, 'usage_end_time'), ' UTC', ''), 'Timestamp(Microsecond, None)')
        as charge_period_end,
    concat(left(month, 4), '-', right(month, 2)) as billing_period,
    to_amount(amounts.amount) as billed_cost,
    json_as_text(amounts.line, 'currency') as currency,
    service as service_name,
    sku
from amounts
left join tags on amounts.line = tags.line

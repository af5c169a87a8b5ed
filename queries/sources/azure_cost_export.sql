-- Question:    What does Azure's cost export say was charged?
-- Grain:       one row per line
-- Relation:    billing
-- Reads:       CSV of Azure's cost export (actual cost, EA or MCA)
-- Optional:    Tags, ChargeType, MeterSubCategory, InvoiceId, SubscriptionId
-- Parameters:
--   input relation   The lines.
--   customer_tag_key text = 'customer_id'   The tag whose value is the customer.
-- Control total: select
--       'azure' as provider,
--       case when "Date" like '%/%' then concat(right("Date", 4), '-', left("Date", 2)) else left("Date", 7) end
--           as billing_period,
--       "BillingCurrencyCode" as currency,
--       sum(to_exact("CostInBillingCurrency")) as control_total
--   from input
--   group by 1, 2, 3
-- Notes:       Inference is the meter categories of Azure OpenAI, AI services and Foundry; the rest is out
--              of scope. A meter names a deployment's model in words of its own: an alias of kind model
--              says which. Some exports write a tag list without its braces.

with

lines as (
    select
        *,
        case
            when "Date" like '%/%' then to_timestamp("Date", '%m/%d/%Y')
            else to_timestamp("Date")
        end as day,
        case
            when nullif("Tags", '') is null then null
            when starts_with("Tags", '{') then "Tags"
            else concat('{', "Tags", '}')
        end as tags,
        coalesce(
            "MeterCategory" in (
                'Azure OpenAI', 'Azure OpenAI Service', 'Foundry Models', 'Azure AI Foundry', 'AI Services'
            )
            or "MeterSubCategory" like '%OpenAI%',
            false
        ) as is_inference
    from input
)

select
    'azure' as provider,
    nullif("SubscriptionId", '') as sub_account,
    case
        when is_inference
            then regexp_replace("MeterName", ' *(cached|cchd)? *(inp|inpt|input|outp|opt|output)( |-).*$', '', 'i')
    end as model,
    case
        when not is_inference then null
        when regexp_like("MeterName", 'ca?ch(ed|d)', 'i') then 'cache_read'
        when regexp_like("MeterName", '\b(inp|inpt|input)\b', 'i') then 'input'
        when regexp_like("MeterName", '\b(outp|opt|output)\b', 'i') then 'output'
    end as token_type,
    json_as_text(tags, $customer_tag_key) as customer_tag,
    case when is_inference then 'inference' else 'other' end as scope,
    case coalesce(nullif("ChargeType", ''), 'Usage')
        when 'Usage' then 'Usage'
        when 'Tax' then 'Tax'
        when 'Refund' then 'Adjustment'
        when 'RoundingAdjustment' then 'Adjustment'
        when 'UnusedReservation' then 'Usage'
        when 'UnusedSavingsPlan' then 'Usage'
        else 'Purchase'
    end as charge_category,
    arrow_cast(day, 'Timestamp(Microsecond, None)') as charge_period_start,
    arrow_cast(day, 'Timestamp(Microsecond, None)') + interval '1 day' as charge_period_end,
    billing_month(day) as billing_period,
    to_amount("CostInBillingCurrency") as billed_cost,
    "BillingCurrencyCode" as currency,
    nullif("InvoiceId", '') as invoice_id,
    "MeterCategory" as meter_category,
    "MeterName" as meter_name
from lines

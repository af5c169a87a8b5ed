-- Question:    What does a legacy AWS Cost and Usage Report say was charged?
-- Grain:       one row per line item
-- Relation:    billing
-- Reads:       CSV of the legacy AWS Cost and Usage Report, with columns such as lineItem/UnblendedCost
-- Optional:    resourceTags/user:customer_id, lineItem/ResourceId, reservation/EffectiveCost, savingsPlan/SavingsPlanEffectiveCost, bill/InvoiceId, lineItem/LineItemDescription
-- Parameters:
--   input relation   The lines.
-- Control total: select
--       'aws' as provider,
--       left("bill/BillingPeriodStartDate", 7) as billing_period,
--       "lineItem/CurrencyCode" as currency,
--       sum(to_exact("lineItem/UnblendedCost")) as control_total
--   from input
--   group by 1, 2, 3
-- Notes:       Costs are doubles, read as the decimals that they are written as. Inference is Bedrock:
--              a usage type names the model and the kind of token, as in
--              USE1-Claude4.6Sonnet-input-tokens. Everything else is out of scope.

with

lines as (
    select
        *,
        "lineItem/ProductCode" like 'AmazonBedrock%'
        or "lineItem/UsageType" like '%-tokens' or "lineItem/UsageType" like '%TokenCount%' as is_inference,
        lower("lineItem/UsageType") as usage_type
    from input
)

select
    'aws' as provider,
    "lineItem/UsageAccountId" as sub_account,
    case
        when is_inference then nullif(
            regexp_replace(
                regexp_replace("lineItem/UsageType", '^[A-Z0-9]+-(MP:[A-Z0-9]+_)?', ''),
                '-?(cache-(read|write)-)?(input|output)-?(tokens|token-count|TokenCount-Units).*$', '', 'i'
            ),
            ''
        )
    end as model,
    case
        when not is_inference then null
        when usage_type like '%cache-read%' then 'cache_read'
        when usage_type like '%cache-write%' then 'cache_write'
        when usage_type like '%input%token%' then 'input'
        when usage_type like '%output%token%' then 'output'
    end as token_type,
    nullif("resourceTags/user:customer_id", '') as customer_tag,
    case when is_inference then 'inference' else 'other' end as scope,
    case "lineItem/LineItemType"
        when 'Tax' then 'Tax'
        when 'Credit' then 'Credit'
        when 'Refund' then 'Adjustment'
        when 'Fee' then 'Purchase'
        when 'RIFee' then 'Purchase'
        when 'SavingsPlanUpfrontFee' then 'Purchase'
        when 'SavingsPlanRecurringFee' then 'Purchase'
        else case when to_amount("lineItem/UnblendedCost") < 0 then 'Credit' else 'Usage' end
    end as charge_category,
    arrow_cast("lineItem/UsageStartDate", 'Timestamp(Microsecond, None)') as charge_period_start,
    arrow_cast("lineItem/UsageEndDate", 'Timestamp(Microsecond, None)') as charge_period_end,
    left("bill/BillingPeriodStartDate", 7) as billing_period,
    to_amount("lineItem/UnblendedCost") as billed_cost,
    "lineItem/CurrencyCode" as currency,
    nullif("bill/InvoiceId", '') as invoice_id,
    "lineItem/ProductCode" as product_code,
    "lineItem/UsageType" as usage_type,
    "lineItem/LineItemDescription" as line_item_description
from lines

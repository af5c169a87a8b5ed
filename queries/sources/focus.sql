-- Question:    What does a FOCUS export say was charged?
-- Grain:       one row per charge
-- Relation:    billing
-- Reads:       CSV or Parquet of FOCUS 1.0 to 1.3 (AWS, Azure, Google and others)
-- Optional:    ProviderName, ServiceProviderName, SkuMeter, SkuPriceDetails, InvoiceId, Tags, ResourceId, CommitmentDiscountStatus, ConsumedQuantity, ConsumedUnit, SubAccountId, ChargeDescription, EffectiveCost, ServiceName
-- Parameters:
--   input relation   The charges.
--   customer_tag_key text = 'customer_id'   The tag whose value is the customer.
-- Control total: select
--       lower(coalesce(nullif("ServiceProviderName", 'NULL'), nullif("ProviderName", 'NULL'))) as provider,
--       left(cast("BillingPeriodStart" as varchar), 7) as billing_period,
--       cast("BillingCurrency" as varchar) as currency,
--       sum(to_exact(nullif(cast("BilledCost" as varchar), 'NULL'))) as control_total
--   from input
--   group by 1, 2, 3
-- Notes:       Inference is what stands under the service category AI and Machine Learning; the rest is
--              out of scope. Some exports write NULL as text. The model and the direction of tokens
--              come from SkuPriceDetails and SkuMeter, where they are given.

with

plain as (
    select
        lower(coalesce(
            nullif(cast("ServiceProviderName" as varchar), 'NULL'), nullif(cast("ProviderName" as varchar), 'NULL')
        )) as provider,
        nullif(cast("SubAccountId" as varchar), 'NULL') as sub_account,
        nullif(cast("SkuMeter" as varchar), 'NULL') as meter,
        nullif(cast("SkuPriceDetails" as varchar), 'NULL') as details,
        nullif(cast("Tags" as varchar), 'NULL') as tags,
        nullif(cast("ServiceCategory" as varchar), 'NULL') as service_category,
        cast("ChargeCategory" as varchar) as charge_category,
        arrow_cast("ChargePeriodStart", 'Timestamp(Microsecond, None)') as charge_period_start,
        arrow_cast("ChargePeriodEnd", 'Timestamp(Microsecond, None)') as charge_period_end,
        left(cast("BillingPeriodStart" as varchar), 7) as billing_period,
        to_amount(nullif(cast("BilledCost" as varchar), 'NULL')) as billed_cost,
        to_amount(nullif(cast("EffectiveCost" as varchar), 'NULL')) as effective_cost,
        nullif(cast("CommitmentDiscountStatus" as varchar), 'NULL') as commitment_discount_status,
        cast("BillingCurrency" as varchar) as currency,
        nullif(cast("ConsumedQuantity" as varchar), 'NULL') as consumed_quantity,
        nullif(cast("ConsumedUnit" as varchar), 'NULL') as consumed_unit,
        nullif(cast("InvoiceId" as varchar), 'NULL') as invoice_id,
        nullif(cast("ServiceName" as varchar), 'NULL') as service_name,
        nullif(cast("ResourceId" as varchar), 'NULL') as resource_id,
        nullif(cast("ChargeDescription" as varchar), 'NULL') as charge_description
    from input
)

select
    provider,
    sub_account,
    json_as_text(details, 'ModelId') as model,
    case
        when json_as_text(details, 'TokenDirection') = 'Output' or meter = 'Output Tokens' then 'output'
        when json_as_text(details, 'TokenCacheAction') = 'Read' then 'cache_read'
        when json_as_text(details, 'TokenCacheAction') = 'Write' then 'cache_write'
        when json_as_text(details, 'TokenCacheAction') = 'Uncached' then 'input'
        when json_as_text(details, 'TokenDirection') = 'Input' or meter = 'Input Tokens' then 'all_input'
    end as token_type,
    json_as_text(tags, $customer_tag_key) as customer_tag,
    case service_category when 'AI and Machine Learning' then 'inference' else 'other' end as scope,
    charge_category,
    charge_period_start,
    charge_period_end,
    billing_period,
    billed_cost,
    effective_cost,
    commitment_discount_status,
    currency,
    case when lower(consumed_unit) = 'tokens' then to_amount(consumed_quantity) end as consumed_quantity,
    case when lower(consumed_unit) = 'tokens' then 'tokens' end as consumed_unit,
    invoice_id,
    service_name,
    resource_id,
    charge_description
from plain

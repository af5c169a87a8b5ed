-- Question:    What does a legacy AWS Cost and Usage Report say was charged?
-- Grain:       one row per line item
-- Relation:    billing
-- Reads:       CSV of the legacy AWS Cost and Usage Report, with columns such as lineItem/UnblendedCost
-- Optional:    resourceTags/user:customer_id, lineItem/ResourceId, bill/InvoiceId, lineItem/LineItemDescription
-- Parameters:
--   input relation   The lines.
-- Control total: select
--       'aws' as provider,
--       left("bill/BillingPeriodStartDate", 7) as billing_period,
--       "lineItem/CurrencyCode" as currency,
--       sum(to_exact("lineItem/UnblendedCost")) as control_total
--   from input
--   group by 1, 2, 3
-- Notes:       As in aws_line_items.

with

lines as (
    select
        "lineItem/UsageAccountId" as account_id,
        "lineItem/LineItemType" as line_item_type,
        "lineItem/UsageStartDate" as usage_start,
        "lineItem/UsageEndDate" as usage_end,
        "lineItem/ProductCode" as product_code,
        "lineItem/UsageType" as usage_type,
        "bill/BillingPeriodStartDate" as billing_period_start,
        "lineItem/UnblendedCost" as unblended_cost,
        "lineItem/CurrencyCode" as currency,
        nullif("resourceTags/user:customer_id", '') as customer_tag,
        nullif("bill/InvoiceId", '') as invoice_id,
        "lineItem/ResourceId" as resource_id,
        "lineItem/LineItemDescription" as line_item_description
    from input
)

select * from aws_line_items(lines => lines)

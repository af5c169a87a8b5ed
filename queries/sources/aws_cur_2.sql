-- Question:    What does an AWS Cost and Usage Report 2.0 say was charged?
-- Grain:       one row per line item
-- Relation:    billing
-- Reads:       Parquet or CSV of the AWS Cost and Usage Report 2.0, with columns such as line_item_unblended_cost
-- Optional:    resource_tags, line_item_iam_principal, line_item_resource_id, bill_invoice_id, line_item_line_item_description
-- Parameters:
--   input relation   The lines.
--   customer_tag_key text = 'user_customer_id'   The resource tag whose value is the customer.
-- Control total: select
--       'aws' as provider,
--       left(cast(bill_billing_period_start_date as varchar), 7) as billing_period,
--       cast(line_item_currency_code as varchar) as currency,
--       sum(to_exact(line_item_unblended_cost)) as control_total
--   from input
--   group by 1, 2, 3
-- Notes:       As in aws_line_items.

with

lines as (
    select
        line_item_usage_account_id as account_id,
        cast(line_item_line_item_type as varchar) as line_item_type,
        line_item_usage_start_date as usage_start,
        line_item_usage_end_date as usage_end,
        cast(line_item_product_code as varchar) as product_code,
        cast(line_item_usage_type as varchar) as usage_type,
        cast(bill_billing_period_start_date as varchar) as billing_period_start,
        line_item_unblended_cost as unblended_cost,
        line_item_currency_code as currency,
        nullif(json_as_text(resource_tags, $customer_tag_key), '') as customer_tag,
        nullif(bill_invoice_id, '') as invoice_id,
        nullif(line_item_resource_id, '') as resource_id,
        nullif(line_item_iam_principal, '') as iam_principal,
        line_item_line_item_description as line_item_description
    from input
)

select * from aws_line_items(lines => lines)

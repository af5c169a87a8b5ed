-- Question:    What does an AWS Cost and Usage Report 2.0 say was charged?
-- Grain:       one row per line item
-- Relation:    billing
-- Reads:       Parquet of the AWS Cost and Usage Report 2.0, with columns such as line_item_unblended_cost
-- Optional:    line_item_iam_principal, line_item_resource_id, bill_invoice_id, line_item_line_item_description
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
-- Notes:       Costs are doubles, each read as the shortest decimal that is that double. Inference is
--              Bedrock: a usage type names the model and the kind of token, as in
--              USE1-Claude4.6Sonnet-input-tokens. Everything else is out of scope.

with

lines as (
    select
        *,
        cast(line_item_usage_type as varchar) as meter,
        cast(line_item_product_code as varchar) like 'AmazonBedrock%'
        or cast(line_item_usage_type as varchar) like '%-tokens'
        or cast(line_item_usage_type as varchar) like '%TokenCount%' as is_inference
    from input
)

select
    'aws' as provider,
    line_item_usage_account_id as sub_account,
    case
        when is_inference then nullif(
            regexp_replace(
                regexp_replace(meter, '^[A-Z0-9]+-(MP:[A-Z0-9]+_)?', ''),
                '-?(cache-(read|write)-)?(input|output)-?(tokens|token-count|TokenCount-Units).*$', '', 'i'
            ),
            ''
        )
    end as model,
    case
        when not is_inference then null
        when lower(meter) like '%cache-read%' then 'cache_read'
        when lower(meter) like '%cache-write%' then 'cache_write'
        when lower(meter) like '%input%token%' then 'input'
        when lower(meter) like '%output%token%' then 'output'
    end as token_type,
    map_extract(resource_tags, $customer_tag_key)[1] as customer_tag,
    case when is_inference then 'inference' else 'other' end as scope,
    case cast(line_item_line_item_type as varchar)
        when 'Tax' then 'Tax'
        when 'Credit' then 'Credit'
        when 'Refund' then 'Adjustment'
        when 'Fee' then 'Purchase'
        when 'RIFee' then 'Purchase'
        when 'SavingsPlanUpfrontFee' then 'Purchase'
        when 'SavingsPlanRecurringFee' then 'Purchase'
        else case when to_amount(line_item_unblended_cost) < 0 then 'Credit' else 'Usage' end
    end as charge_category,
    arrow_cast(line_item_usage_start_date, 'Timestamp(Microsecond, None)') as charge_period_start,
    arrow_cast(line_item_usage_end_date, 'Timestamp(Microsecond, None)') as charge_period_end,
    left(cast(bill_billing_period_start_date as varchar), 7) as billing_period,
    to_amount(line_item_unblended_cost) as billed_cost,
    line_item_currency_code as currency,
    bill_invoice_id as invoice_id,
    line_item_product_code as product_code,
    meter as usage_type,
    line_item_iam_principal,
    line_item_resource_id
from lines

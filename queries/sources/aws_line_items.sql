-- Question:    What do the line items of AWS's cost and usage reports mean?
-- Grain:       one row per row of lines
-- Parameters:
--   lines relation   account_id, line_item_type, usage_start, usage_end, product_code, usage_type, billing_period_start, unblended_cost, currency and customer_tag, and what is to be kept besides.
-- Notes:       Costs are doubles, each read as the shortest decimal that is that double. Inference is
--              Bedrock: a usage type names the model and the kind of token, as in
--              USE1-Claude4.6Sonnet-input-tokens. Everything else is out of scope.

with

judged as (
    select
        *,
        coalesce(
            product_code like 'AmazonBedrock%' or usage_type like '%-tokens' or usage_type like '%TokenCount%',
            false
        ) as is_inference,
        lower(usage_type) as meter
    from lines
)

select
    'aws' as provider,
    account_id as sub_account,
    case
        when is_inference then nullif(
            regexp_replace(
                regexp_replace(usage_type, '^[A-Z0-9]+-(MP:[A-Z0-9]+_)?', ''),
                '-?(cache-(read|write)-)?(input|output)-?(tokens|token-count|TokenCount-Units).*$', '', 'i'
            ),
            ''
        )
    end as model,
    case
        when not is_inference then null
        when meter like '%cache-read%' then 'cache_read'
        when meter like '%cache-write%' then 'cache_write'
        when meter like '%input%token%' then 'input'
        when meter like '%output%token%' then 'output'
    end as token_type,
    case when is_inference then 'inference' else 'other' end as scope,
    case line_item_type
        when 'Tax' then 'Tax'
        when 'Credit' then 'Credit'
        when 'Refund' then 'Adjustment'
        when 'Fee' then 'Purchase'
        when 'RIFee' then 'Purchase'
        when 'SavingsPlanUpfrontFee' then 'Purchase'
        when 'SavingsPlanRecurringFee' then 'Purchase'
        else case when to_amount(unblended_cost) < 0 then 'Credit' else 'Usage' end
    end as charge_category,
    arrow_cast(usage_start, 'Timestamp(Microsecond, None)') as charge_period_start,
    arrow_cast(usage_end, 'Timestamp(Microsecond, None)') as charge_period_end,
    left(billing_period_start, 7) as billing_period,
    to_amount(unblended_cost) as billed_cost,
    judged.* exclude (
        account_id, line_item_type, usage_start, usage_end, billing_period_start, unblended_cost, is_inference, meter
    )
from judged

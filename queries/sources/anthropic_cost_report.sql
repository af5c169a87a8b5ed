-- Question:    What does Anthropic say was charged, by day, workspace, model and kind of token?
-- Grain:       one row per result of a bucket
-- Relation:    billing
-- Reads:       JSON of Anthropic's organization cost report: pages of daily buckets, as the API answers
-- Expects:     data[].results[].amount, data[].starting_at
-- Parameters:
--   input relation   The pages.
-- Control total: select
--       'anthropic' as provider,
--       left(json_as_text(bucket, 'starting_at'), 7) as billing_period,
--       upper(json_as_text(result, 'currency')) as currency,
--       arrow_cast(sum(to_exact(json_as_text(result, 'amount'))) * 0.01, 'Decimal256(76, 30)') as control_total
--   from (
--       select bucket, unnest(json_get_array(bucket, 'results')) as result
--       from (select unnest(json_get_array(document, 'data')) as bucket from input)
--   )
--   group by 1, 2, 3
-- Notes:       Amounts are cents, with digits behind the point. The default workspace has no id. Cost of
--              the priority tier is on no report. What is not counted in tokens is out of scope.

with

charges as (
    select
        json_as_text(bucket, 'starting_at') as starting_at,
        json_as_text(bucket, 'ending_at') as ending_at,
        json_as_text(result, 'workspace_id') as workspace_id,
        json_as_text(result, 'model') as model,
        json_as_text(result, 'service_tier') as service_tier,
        json_as_text(result, 'cost_type') as cost_type,
        json_as_text(result, 'token_type') as token_type,
        json_as_text(result, 'description') as description,
        to_amount(to_exact(json_as_text(result, 'amount')) * 0.01) as amount,
        json_as_text(result, 'currency') as currency
    from page_results(pages => input)
)

select
    'anthropic' as provider,
    workspace_id as sub_account,
    model,
    service_tier,
    case token_type
        when 'uncached_input_tokens' then 'input'
        when 'cache_read_input_tokens' then 'cache_read'
        when 'cache_creation.ephemeral_5m_input_tokens' then 'cache_write_5m'
        when 'cache_creation.ephemeral_1h_input_tokens' then 'cache_write_1h'
        when 'output_tokens' then 'output'
    end as token_type,
    case when coalesce(cost_type, 'tokens') = 'tokens' then 'inference' else 'other' end as scope,
    case when amount < 0 then 'Credit' else 'Usage' end as charge_category,
    arrow_cast(starting_at, 'Timestamp(Microsecond, None)') as charge_period_start,
    arrow_cast(ending_at, 'Timestamp(Microsecond, None)') as charge_period_end,
    left(starting_at, 7) as billing_period,
    amount as billed_cost,
    upper(currency) as currency,
    description
from charges

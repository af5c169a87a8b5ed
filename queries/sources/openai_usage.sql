-- Question:    How many tokens did OpenAI itself count?
-- Grain:       one row per result of a bucket
-- Relation:    provider_usage
-- Reads:       JSON of OpenAI's organization usage of completions: pages of buckets, as the API answers
-- Expects:     data[].results[].input_tokens, data[].start_time
-- Parameters:
--   input relation   The pages.
-- Notes:       Input has the tokens of caches in it.

select
    'openai' as provider,
    json_as_text(result, 'project_id') as sub_account,
    json_as_text(result, 'model') as model,
    case
        when json_get_bool(result, 'batch') then 'batch'
        else json_as_text(result, 'service_tier')
    end as service_tier,
    arrow_cast(to_timestamp_seconds(json_get_int(bucket, 'start_time')), 'Timestamp(Microsecond, None)') as period_start,
    arrow_cast(to_timestamp_seconds(json_get_int(bucket, 'end_time')), 'Timestamp(Microsecond, None)') as period_end,
    json_get_int(result, 'input_tokens') as input_tokens,
    json_get_int(result, 'output_tokens') as output_tokens
from page_results(pages => input)

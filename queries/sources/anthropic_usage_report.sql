-- Question:    How many tokens did Anthropic itself count?
-- Grain:       one row per result of a bucket
-- Relation:    provider_usage
-- Reads:       JSON of Anthropic's usage report of messages: pages of buckets, as the API answers
-- Expects:     data[].results[].uncached_input_tokens, data[].starting_at
-- Parameters:
--   input relation   The pages.
-- Notes:       Anthropic counts input beside what its caches read and wrote; input_tokens here is all.

select
    'anthropic' as provider,
    json_as_text(result, 'workspace_id') as sub_account,
    json_as_text(result, 'model') as model,
    json_as_text(result, 'service_tier') as service_tier,
    arrow_cast(json_as_text(bucket, 'starting_at'), 'Timestamp(Microsecond, None)') as period_start,
    arrow_cast(json_as_text(bucket, 'ending_at'), 'Timestamp(Microsecond, None)') as period_end,
    json_get_int(result, 'uncached_input_tokens')
    + coalesce(json_get_int(result, 'cache_read_input_tokens'), 0)
    + coalesce(json_get_int(result, 'cache_creation', 'ephemeral_5m_input_tokens'), 0)
    + coalesce(json_get_int(result, 'cache_creation', 'ephemeral_1h_input_tokens'), 0) as input_tokens,
    json_get_int(result, 'output_tokens') as output_tokens
from page_results(pages => input)

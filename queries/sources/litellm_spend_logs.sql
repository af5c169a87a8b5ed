-- Question:    Which calls did a LiteLLM proxy log?
-- Grain:       one row per request
-- Relation:    ledger
-- Reads:       CSV or Parquet of LiteLLM's table LiteLLM_SpendLogs
-- Optional:    session_id, status, end_user, team_id, cache_hit, metadata
-- Parameters:
--   input relation   The table's rows.
-- Notes:       The customer is end_user. Tokens of caches and reasoning are in metadata.usage_object;
--              prompt_tokens has those of caches in it. cache_hit is the proxy's own cache. A batch
--              is logged when it is fetched. spend is what the proxy thinks that the call costs, used
--              where the price book has no price; zero is that of a model it has no price for.

with

rows as (
    select
        *,
        nullif(custom_llm_provider, '') as llm_provider,
        cast(metadata as varchar) as details
    from input
)

select
    nullif(request_id, '') as request_id,
    arrow_cast("startTime", 'Timestamp(Microsecond, None)') as called_at,
    nullif(cast(end_user as varchar), '') as customer_id,
    nullif(cast(session_id as varchar), '') as session_id,
    coalesce(llm_provider, case when model like '%/%' then split_part(model, '/', 1) end) as provider,
    case
        when starts_with(model, concat(llm_provider, '/')) then substr(model, length(llm_provider) + 2)
        else model
    end as model,
    nullif(cast(team_id as varchar), '') as sub_account,
    case
        when call_type like '%retrieve_batch' then 'batch'
        else json_as_text(details, 'usage_object', 'service_tier')
    end as service_tier,
    case cast(status as varchar) when 'failure' then 'error' when 'success' then 'ok' end as status,
    cast(prompt_tokens as bigint) as input_tokens,
    coalesce(
        json_get_int(details, 'usage_object', 'cache_read_input_tokens'),
        json_get_int(details, 'usage_object', 'prompt_tokens_details', 'cached_tokens')
    ) as cache_read_tokens,
    coalesce(
        json_get_int(details, 'usage_object', 'cache_creation_input_tokens'),
        json_get_int(details, 'usage_object', 'prompt_tokens_details', 'cache_creation_tokens'),
        json_get_int(details, 'usage_object', 'prompt_tokens_details', 'cache_write_tokens')
    ) as cache_write_tokens,
    json_get_int(
        details, 'usage_object', 'prompt_tokens_details', 'cache_creation_token_details', 'ephemeral_1h_input_tokens'
    ) as cache_write_1h_tokens,
    cast(completion_tokens as bigint) as output_tokens,
    json_get_int(details, 'usage_object', 'completion_tokens_details', 'reasoning_tokens') as reasoning_tokens,
    lower(cast(cache_hit as varchar)) = 'true' as response_cached,
    nullif(to_amount(spend), 0) as list_cost
from rows

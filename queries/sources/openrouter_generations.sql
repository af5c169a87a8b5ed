-- Question:    Which calls went through OpenRouter?
-- Grain:       one row per generation
-- Relation:    ledger
-- Reads:       CSV of OpenRouter's generations
-- Optional:    user, app_name, cancelled, finish_reason_normalized, tokens_reasoning, tokens_cached, api_key_name
-- Parameters:
--   input relation   The generations.
-- Notes:       The customer is the user that was sent along. The same file is a bill by request:
--              openrouter_generation_costs.

select
    generation_id as request_id,
    arrow_cast(created_at, 'Timestamp(Microsecond, None)') as called_at,
    nullif("user", '') as customer_id,
    'openrouter' as provider,
    model_permaslug as model,
    nullif(api_key_name, '') as sub_account,
    nullif(app_name, '') as feature,
    case
        when lower(cancelled) = 'true' then 'cancelled'
        when finish_reason_normalized = 'error' then 'error'
        else 'ok'
    end as status,
    cast(tokens_prompt as bigint) as input_tokens,
    cast(nullif(tokens_cached, '') as bigint) as cache_read_tokens,
    cast(tokens_completion as bigint) as output_tokens,
    cast(nullif(tokens_reasoning, '') as bigint) as reasoning_tokens
from input

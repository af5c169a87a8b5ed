-- Question:    How did each customer use the product in a month, in the figures that patterns are
--              found by?
-- Grain:       one row per period and customer that called
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   precision  exact|approximate = 'exact'   Whether sessions are counted, or estimated by a sketch (approx_distinct).
-- Notes:       A session is a customer's session_id; calls without one are in no session. A figure
--              is NULL where the customer's calls do not carry its columns; token counts that cannot
--              be are left out. Those that are quotients are rounded once, half to even, at eighteen
--              decimals. The cache hit rate counts what the provider's cache read and the input of
--              calls that the product's own cache answered.

with

calls as (
    select
        charged_at,
        customer_id,
        session_id,
        query_type = 'reasoning' as is_reasoning_call,
        response_cached,
        case when is_valid_usage then input_tokens end as input_tokens,
        case when is_valid_usage then cache_read_tokens end as cache_read_tokens,
        case when is_valid_usage then cache_write_tokens end as cache_write_tokens,
        case when is_valid_usage then output_tokens end as output_tokens,
        case when is_valid_usage then reasoning_tokens end as reasoning_tokens
    from calls_between(since => $period_start, until => $period_end)
    where customer_id is not null
),

customers as (
    select
        billing_month(charged_at) as period,
        customer_id,
        count(*) as calls,
        nullif(
            case
                when $precision = 'exact' then exact_distinct(session_id)
                else cast(approx_distinct(session_id) as bigint)
            end,
            0
        ) as sessions,
        count(is_reasoning_call) > 0 as is_typed,
        count(case when is_reasoning_call then 1 end) as reasoning_calls,
        coalesce(sum(input_tokens), 0) as input_tokens,
        coalesce(sum(case when session_id is not null then input_tokens end), 0) as session_input_tokens,
        coalesce(sum(case when response_cached then input_tokens end), 0) as response_cached_tokens,
        coalesce(
            sum(case
                when not response_cached
                    then coalesce(input_tokens, 0) - coalesce(cache_read_tokens, 0)
                        - coalesce(cache_write_tokens, 0)
            end),
            0
        ) as uncached_tokens,
        sum(case when not response_cached then cache_read_tokens end) as cache_read_tokens,
        coalesce(sum(output_tokens), 0) as output_tokens,
        sum(reasoning_tokens) as reasoning_tokens
    from calls
    group by billing_month(charged_at), customer_id
)

select
    period,
    customer_id,
    calls,
    sessions,
    rounded_ratio(session_input_tokens, sessions, 18) as context,
    rounded_ratio(cache_read_tokens + response_cached_tokens, input_tokens, 18) as cache_hit_rate,
    rounded_ratio(cache_read_tokens, input_tokens, 18) as cache_read_rate,
    case
        when cache_read_tokens is not null
            then rounded_ratio(response_cached_tokens, input_tokens, 18)
    end as response_cache_rate,
    rounded_ratio(reasoning_tokens, output_tokens, 18) as reasoning_token_share,
    case when is_typed then rounded_ratio(reasoning_calls, calls, 18) end as reasoning_call_share,
    reasoning_calls,
    input_tokens,
    uncached_tokens,
    coalesce(cache_read_tokens, 0) as cache_read_tokens,
    output_tokens,
    coalesce(reasoning_tokens, 0) as reasoning_tokens
from customers

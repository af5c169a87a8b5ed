-- Question:    How did each customer use the product in a month, in the figures that patterns are
--              found by?
-- Grain:       one row per period and customer that called
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   precision  exact|approximate = 'exact'   Whether sessions are counted or estimated.
-- Notes:       A figure is NULL where the customer's calls do not carry its columns. Those that are
--              quotients are rounded once, half to even, at eighteen decimals. A session is a
--              customer's session_id; calls without one are in no session. The cache hit rate
--              counts what the provider's cache read and the input of calls that the product's own
--              cache answered. Estimated, sessions are a sketch's (approx_distinct), and the calls
--              need not be grouped by them; all other figures are the same.

with

used as (
    select
        period, customer_id, session_id, is_reasoning_call, response_cached, calls, input_tokens,
        cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    from session_usage(period => $period)
    where $precision = 'exact'
    union all by name
    select
        to_char(date_trunc('month', charged_at), '%Y-%m') as period,
        customer_id,
        session_id,
        query_type = 'reasoning' as is_reasoning_call,
        response_cached,
        1 as calls,
        case when price_id <> -5 then input_tokens end as input_tokens,
        case when price_id <> -5 then cache_read_tokens end as cache_read_tokens,
        case when price_id <> -5 then cache_write_tokens end as cache_write_tokens,
        case when price_id <> -5 then output_tokens end as output_tokens,
        case when price_id <> -5 then reasoning_tokens end as reasoning_tokens
    from calls_between(since => $period_start, until => $period_end)
    where $precision = 'approximate' and customer_id is not null
),

sessions as (
    select
        period,
        customer_id,
        case when $precision = 'exact' then session_id end as session_id,
        approx_distinct(session_id) as estimated_sessions,
        sum(calls) as calls,
        sum(case when is_reasoning_call is not null then calls end) as typed_calls,
        sum(case when is_reasoning_call then calls end) as reasoning_calls,
        sum(input_tokens) as input_tokens,
        sum(case when session_id is not null then input_tokens end) as session_input_tokens,
        sum(case when response_cached then input_tokens end) as response_cached_tokens,
        sum(case
            when not response_cached
                then coalesce(input_tokens, 0) - coalesce(cache_read_tokens, 0)
                    - coalesce(cache_write_tokens, 0)
        end) as uncached_tokens,
        sum(case when not response_cached then cache_read_tokens end) as cache_read_tokens,
        sum(output_tokens) as output_tokens,
        sum(reasoning_tokens) as reasoning_tokens
    from used
    group by period, customer_id, case when $precision = 'exact' then session_id end
),

customers as (
    select
        period,
        customer_id,
        case
            when $precision = 'exact' then count(session_id)
            else cast(sum(estimated_sessions) as bigint)
        end as sessions,
        sum(calls) as calls,
        sum(typed_calls) as typed_calls,
        coalesce(sum(reasoning_calls), 0) as reasoning_calls,
        coalesce(sum(input_tokens), 0) as input_tokens,
        coalesce(sum(session_input_tokens), 0) as session_input_tokens,
        coalesce(sum(response_cached_tokens), 0) as response_cached_tokens,
        coalesce(sum(uncached_tokens), 0) as uncached_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        coalesce(sum(output_tokens), 0) as output_tokens,
        sum(reasoning_tokens) as reasoning_tokens
    from sessions
    group by period, customer_id
)

select
    period,
    customer_id,
    calls,
    case when sessions > 0 then sessions end as sessions,
    case when sessions > 0 then rounded_ratio(session_input_tokens, sessions, 18) end as context,
    rounded_ratio(cache_read_tokens + response_cached_tokens, input_tokens, 18) as cache_hit_rate,
    rounded_ratio(cache_read_tokens, input_tokens, 18) as cache_read_rate,
    case
        when cache_read_tokens is not null
            then rounded_ratio(response_cached_tokens, input_tokens, 18)
    end as response_cache_rate,
    rounded_ratio(reasoning_tokens, output_tokens, 18) as reasoning_token_share,
    case
        when typed_calls is not null then rounded_ratio(reasoning_calls, calls, 18)
    end as reasoning_call_share,
    reasoning_calls,
    input_tokens,
    uncached_tokens,
    coalesce(cache_read_tokens, 0) as cache_read_tokens,
    output_tokens,
    coalesce(reasoning_tokens, 0) as reasoning_tokens
from customers

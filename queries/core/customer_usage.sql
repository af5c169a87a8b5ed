-- Question:    How did each customer use the product in a month, in the figures that patterns are
--              found by?
-- Grain:       one row per period and customer that called
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   precision  exact|approximate = 'exact'   As in customer_sessions.
-- Notes:       A figure is NULL where the customer's calls do not carry its columns. Those that are
--              quotients are rounded once, half to even, at eighteen decimals. The cache hit rate
--              counts what the provider's cache read and the input of calls that the product's own
--              cache answered.

with

customers as (
    select
        period,
        customer_id,
        sum(calls) as calls,
        sum(case when is_reasoning_call is not null then calls end) as typed_calls,
        coalesce(sum(case when is_reasoning_call then calls end), 0) as reasoning_calls,
        coalesce(sum(input_tokens), 0) as input_tokens,
        coalesce(sum(case when is_in_session then input_tokens end), 0) as session_input_tokens,
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
    from kinds_of_usage(period => $period)
    group by period, customer_id
)

select
    customers.period,
    customers.customer_id,
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
left join customer_sessions(period => $period, precision => $precision) as counted
    on customers.period = counted.period
    and customers.customer_id = counted.customer_id

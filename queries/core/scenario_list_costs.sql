-- Question:    What would each customer's calls have cost at list, had it used the product as its
--              peers do?
-- Grain:       one row per period, customer that called, and scenario
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   min_customers integer>=1 = 5   As in peer_medians.
-- Notes:       A scenario names the drivers that it moves to the median: `as it is` none of them;
--              `sessions`, `context`, `cache` and `reasoning` that one; `to context`, `to cache`
--              and `to reasoning` it and those before it. Sessions: all calls times median ÷ own.
--              Context: every kind of input times median ÷ own, each call at the price of its new
--              length. Cache: as much of the uncached input as brings the hit rate to the median is
--              read from the cache, or the other way round. Reasoning: reasoning tokens (or calls)
--              so many that their share is the median, answers as they are. Prices are so much a
--              token, so what is scaled is the cost of tokens, by the exact ratio of two figures;
--              each scaling is rounded once, at twelve decimals, half to even. A threshold sees the
--              scaled input, up to the next whole token; where the price book has no price for it,
--              the call keeps its own. A driver that is not measured, or of which the customer has
--              none, is not moved. list_cost is NULL where a customer's calls are priced in several
--              currencies.

with

scenarios as (
    select *
    from (values
        ('as it is', false, false, false, false),
        ('sessions', true, false, false, false),
        ('context', false, true, false, false),
        ('cache', false, false, true, false),
        ('reasoning', false, false, false, true),
        ('to context', true, true, false, false),
        ('to cache', true, true, true, false),
        ('to reasoning', true, true, true, true)
    ) as scenarios (scenario, moves_sessions, moves_context, moves_cache, moves_reasoning)
),

medians as (
    select
        period,
        customer_id,
        max(case when figure = 'sessions' then own end) as sessions,
        max(case when figure = 'sessions' then wide_median end) as median_sessions,
        max(case when figure = 'context' and own > 0 then own end) as context,
        max(case when figure = 'context' then wide_median end) as median_context,
        max(case when figure = 'cache_hit_rate' then wide_median - own end) as missing_hits,
        max(case when figure = 'reasoning_token_share' then wide_median end) as token_share,
        max(case when figure = 'reasoning_call_share' then wide_median end) as call_share,
        max(case when figure = 'reasoning_token_share' then own end) is not null as counts_tokens
    from (
        select *, cast(median as decimal(76, 19)) as wide_median
        from usage_figures(period => $period, min_customers => $min_customers)
    ) as figures
    group by period, customer_id
),

-- How far a driver is from the median, as a numerator and a denominator: what is scaled is
-- multiplied by the one and divided by the other.
drivers as (
    select
        usage.period,
        usage.customer_id,
        medians.sessions,
        medians.median_sessions,
        medians.context,
        medians.median_context,
        usage.uncached_tokens as all_uncached,
        least(greatest(usage.input_tokens * medians.missing_hits, 0), usage.uncached_tokens)
            as uncached_to_read,
        usage.cache_read_tokens as all_read,
        least(greatest(0 - usage.input_tokens * medians.missing_hits, 0), usage.cache_read_tokens)
            as read_to_uncached,
        (usage.output_tokens - usage.reasoning_tokens) * medians.token_share
            as median_reasoning_tokens,
        usage.reasoning_tokens * (1 - medians.token_share) as reasoning_tokens,
        case
            when not medians.counts_tokens
                then (usage.calls - usage.reasoning_calls) * medians.call_share
        end as median_reasoning_calls,
        case
            when not medians.counts_tokens
                then usage.reasoning_calls * (1 - medians.call_share)
        end as reasoning_calls
    from customer_usage(period => $period) as usage
    inner join medians
        on usage.period = medians.period
        and usage.customer_id = medians.customer_id
),

-- The price of each call at its own length and at that of the median context.
cells as (
    select
        usage.*,
        coalesce(usage.input_tokens, 0) - coalesce(usage.cache_read_tokens, 0)
        - coalesce(usage.cache_write_tokens, 0) as uncached_tokens,
        case
            when usage.call_input_tokens is null or drivers.context is null then usage.price_id
            else price_id(
                usage.provider,
                usage.model,
                usage.called_at,
                cast(ceil(rounded_ratio(
                    usage.call_input_tokens * drivers.median_context, drivers.context, 6
                )) as bigint),
                0,
                service_tier => usage.service_tier
            )
        end as median_price_id
    from kinds_of_usage(period => $period) as usage
    inner join drivers
        on usage.period = drivers.period
        and usage.customer_id = drivers.customer_id
    where usage.is_charged and (usage.price_id >= 0 or usage.stated_list_cost is not null)
),

lengths as (
    select *, false as at_median_context, price_id as length_price_id from cells
    union all
    select
        *,
        true as at_median_context,
        case when median_price_id >= 0 then median_price_id else price_id end as length_price_id
    from cells
),

summed as (
    select
        period,
        customer_id,
        coalesce(is_reasoning_call, false) as is_reasoning_call,
        at_median_context,
        length_price_id,
        sum(calls) as calls,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(reasoning_tokens) as reasoning_tokens,
        sum(uncached_tokens) as uncached_tokens,
        sum(stated_list_cost) as stated_list_cost
    from lengths
    group by all
),

priced as (
    select
        *,
        price_cost_parts(
            length_price_id, calls, input_tokens, output_tokens, cache_read_tokens,
            cache_write_tokens, cache_write_1h_tokens, reasoning_tokens
        ) as parts,
        price_cost_parts(length_price_id, 0, uncached_tokens, 0, uncached_tokens)['cache_read']
            as uncached_if_read,
        price_cost_parts(length_price_id, 0, cache_read_tokens, 0)['input'] as read_if_uncached
    from summed
),

-- What the ledger itself says that a call costs has no kinds of token in it: only fewer or more
-- sessions change it.
costs as (
    select
        period,
        customer_id,
        is_reasoning_call,
        at_median_context,
        coalesce(parts['currency'], 'USD') as price_currency,
        coalesce(sum(parts['input']), 0) as uncached_cost,
        coalesce(sum(uncached_if_read), 0) as uncached_if_read,
        coalesce(sum(parts['cache_read']), 0) as read_cost,
        coalesce(sum(read_if_uncached), 0) as read_if_uncached,
        coalesce(sum(parts['cache_write_5m'] + parts['cache_write_1h']), 0) as write_cost,
        coalesce(sum(parts['output']), 0) as answer_cost,
        coalesce(sum(parts['reasoning']), 0) as reasoning_cost,
        coalesce(sum(parts['request']), 0) + coalesce(sum(stated_list_cost), 0) as other_cost
    from priced
    group by all
),

cached as (
    select
        costs.*,
        scenarios.*,
        drivers.* exclude (period, customer_id),
        uncached_cost + read_cost + write_cost
        + case
            when moves_cache and uncached_to_read > 0
                then rounded_ratio(
                    (uncached_if_read - uncached_cost) * uncached_to_read, all_uncached, 12
                )
            when moves_cache and read_to_uncached > 0
                then rounded_ratio(
                    (read_if_uncached - read_cost) * read_to_uncached, all_read, 12
                )
            else 0
        end as input_cost
    from costs
    inner join scenarios on costs.at_median_context = scenarios.moves_context
    inner join drivers
        on costs.period = drivers.period
        and costs.customer_id = drivers.customer_id
),

scaled as (
    select
        *,
        case
            when moves_context and context is not null
                then rounded_ratio(input_cost * median_context, context, 12)
            else input_cost
        end
        + answer_cost
        + case
            when moves_reasoning and reasoning_tokens > 0
                then rounded_ratio(reasoning_cost * median_reasoning_tokens, reasoning_tokens, 12)
            else reasoning_cost
        end
        + other_cost as cost
    from cached
),

reasoned as (
    select
        *,
        case
            when moves_reasoning and is_reasoning_call and reasoning_calls > 0
                then rounded_ratio(cost * median_reasoning_calls, reasoning_calls, 12)
            else cost
        end as reasoned_cost
    from scaled
),

totals as (
    select
        period,
        customer_id,
        scenario,
        moves_sessions,
        sessions,
        median_sessions,
        count(distinct price_currency) as currencies,
        sum(reasoned_cost) as cost
    from reasoned
    group by all
)

select
    period,
    customer_id,
    scenario,
    case
        when currencies > 1 then null
        when moves_sessions and sessions is not null
            then rounded_ratio(cost * median_sessions, sessions, 12)
        else cost
    end as list_cost
from totals

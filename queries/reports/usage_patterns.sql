-- Question:    Which customers use the product in a way that makes them dear, and what does it
--              cost?
-- Grain:       one row per period, customer that called, pattern and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   session_multiple decimal>0 = 3   From so many times the median on, sessions are many.
--   context_multiple decimal>0 = 3   From so many times the median on, contexts are long.
--   low_cache_hit_rate decimal>=0<=1 = 0.10   Below it, and below the median, a hit rate is low.
--   high_reasoning_share decimal>=0<=1 = 0.30   From it on, with more output than the median, reasoning is heavy.
--   min_customers integer>=1 = 5   So many of a plan make its median; else the tier's counts, then all's.
--   currency   text = NULL   As in allocation.
--   precision  exact|approximate = 'exact'   As in usage_figures: what is approximate says so, and has no saving.
-- Notes:       own and median are those of the figure, shown with six decimals; population says
--              whose median it is, of so many peers. A pattern whose columns the customer's calls
--              do not carry is not measured, and none is found against a median of zero. Without
--              reasoning tokens, reasoning is the share of calls of the query type `reasoning`.
--              saving is what the customer would have cost less, had this one figure been at the
--              median: cost × (1 − list cost then ÷ list cost now), as in scenario_list_costs.

with

figures as (
    select * from usage_figures(
        period => $period, min_customers => $min_customers, precision => $precision
    )
),

customers as (
    select
        period,
        customer_id,
        max(case when figure = 'sessions' then own end) as sessions,
        max(case when figure = 'sessions' then median end) as median_sessions,
        max(case when figure = 'context' then own end) as context,
        max(case when figure = 'context' then median end) as median_context,
        max(case when figure = 'cache_hit_rate' then own end) as cache_hit_rate,
        max(case when figure = 'cache_hit_rate' then median end) as median_cache_hit_rate,
        max(case when figure = 'reasoning_token_share' then own end) as token_share,
        max(case when figure = 'reasoning_call_share' then own end) as call_share,
        max(case when figure = 'output_tokens' then own end) as output_tokens,
        max(case when figure = 'output_tokens' then median end) as median_output_tokens
    from figures
    group by period, customer_id
),

flagged as (
    select
        *,
        usage_pattern_flags(
            sessions, median_sessions, context, median_context,
            cache_hit_rate, median_cache_hit_rate,
            coalesce(token_share, call_share), output_tokens, median_output_tokens,
            $session_multiple, $context_multiple, $low_cache_hit_rate, $high_reasoning_share
        ) as flags
    from customers
),

patterns as (
    select
        flagged.period,
        flagged.customer_id,
        patterns.pattern,
        patterns.scenario,
        case
            when
                patterns.scenario = 'reasoning'
                and flagged.token_share is null
                and flagged.call_share is not null
                then 'reasoning_call_share'
            else patterns.figure
        end as figure,
        case patterns.scenario
            when 'sessions' then flagged.flags['high_session_frequency']
            when 'context' then flagged.flags['long_context']
            when 'cache' then flagged.flags['low_cache_hit_rate']
            when 'reasoning' then flagged.flags['reasoning_heavy']
        end as is_found,
        case when patterns.scenario = 'reasoning' then flagged.output_tokens end as output_tokens,
        case when patterns.scenario = 'reasoning' then flagged.median_output_tokens end
            as median_output_tokens
    from flagged
    cross join (values
        ('high session frequency', 'sessions', 'sessions'),
        ('long context', 'context', 'context'),
        ('low cache hit rate', 'cache', 'cache_hit_rate'),
        ('reasoning-heavy', 'reasoning', 'reasoning_token_share')
    ) as patterns (pattern, scenario, figure)
),

list_costs as (
    select
        moved.period,
        moved.customer_id,
        moved.scenario,
        unmoved.list_cost,
        cast(moved.list_cost as decimal(76, 12)) as moved_list_cost
    from scenario_list_costs(period => $period, min_customers => $min_customers) as moved
    inner join scenario_list_costs(period => $period, min_customers => $min_customers) as unmoved
        on moved.period = unmoved.period
        and moved.customer_id = unmoved.customer_id
        and unmoved.scenario = 'as it is'
    where $precision = 'exact'
)

select
    patterns.period,
    patterns.customer_id,
    figures.plan,
    figures.tier,
    patterns.pattern,
    case
        when patterns.is_found then 'found'
        when not patterns.is_found then 'not found'
        else 'not measured'
    end as finding,
    patterns.figure,
    rounded_ratio(figures.own, 1, 6) as own,
    rounded_ratio(figures.median, 1, 6) as median,
    figures.ratio,
    figures.population,
    figures.peers,
    case when patterns.scenario = 'cache' then rounded_ratio(usage.cache_read_rate, 1, 6) end
        as cache_read_rate,
    case when patterns.scenario = 'cache' then rounded_ratio(usage.response_cache_rate, 1, 6) end
        as response_cache_rate,
    rounded_ratio(patterns.output_tokens, 1, 6) as output_tokens,
    rounded_ratio(patterns.median_output_tokens, 1, 6) as median_output_tokens,
    $precision as precision,
    costs.cost,
    case
        when patterns.is_found
            then costs.cost
                - rounded_ratio(costs.cost * list_costs.moved_list_cost, list_costs.list_cost, 12)
    end as saving,
    costs.currency
from patterns
inner join figures
    on patterns.period = figures.period
    and patterns.customer_id = figures.customer_id
    and patterns.figure = figures.figure
inner join customer_usage(period => $period, precision => $precision) as usage
    on patterns.period = usage.period
    and patterns.customer_id = usage.customer_id
inner join allocation(period => $period, currency => $currency) as costs
    on patterns.period = costs.period
    and patterns.customer_id = costs.customer_id
left join list_costs
    on patterns.period = list_costs.period
    and patterns.customer_id = list_costs.customer_id
    and patterns.scenario = list_costs.scenario
order by period, customer_id, pattern, currency

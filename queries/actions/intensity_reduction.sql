-- Question:    What would cheaper models, fuller caches and shorter prompts save, each alone and all together?
-- Grain:       one row per period, customer, feature and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   route      relation = (select '' as query_type, '' as provider, '' as model where false)   Which other provider and model answers the calls of a query_type; without it, none.
--   cache_to   decimal>=0<=100 = NULL   The cache hit rate to reach, in percent of the input; without it, the median of the plan.
--   prompt_saving decimal>=0<100 = 0   How much shorter prompts become, in percent of the input.
-- Refused:     (
--       select
--           concat('the route has the query type `', query_type, '` twice') as problem,
--           'name one model for each' as hint
--       from route
--       group by query_type
--       having count(*) > 1
--       union all
--       select
--           concat('the price book has no price of `', model, '` of `', provider, '` in ', $period) as problem,
--           concat('`apportion prices show ', model, '` says what it has') as hint
--       from route
--       where
--           call_cost(provider, model, $period_start, 0, 0) is null
--           and call_cost(provider, model, $period_end, 0, 0) is null
--       union all
--       select
--           concat('no call of ', $period, ' is of the query type `', query_type, '`') as problem,
--           concat(
--               'there are ',
--               (
--                   select string_agg(distinct query_type, ', ' order by query_type)
--                   from priced_calls(period => $period)
--               )
--           ) as hint
--       from route
--       where query_type not in (
--           select query_type from priced_calls(period => $period) where query_type is not null
--       )
--   )
-- Ties to:     attributed_costs
-- Notes:       Every call is priced again from the price book, and what it would save there is scaled to
--              what its model was billed for. A call is routed where the other model is cheaper for it.
--              Customers below the cache hit rate read as much more of their input from the cache as
--              brings them there; tokens stay whole. Together the measures save less than their sum, as
--              each works on what the others leave; more only where the model that is routed to discounts
--              cache reads more deeply than the call's own. Calls without a price in the book save nothing.

with

-- What is written for five minutes and for an hour, read, and neither, apart: each becomes shorter.
calls as (
    select
        period,
        customer_id,
        feature,
        query_type,
        provider,
        model,
        service_tier,
        called_at,
        response_cached,
        priced_by,
        list_cost,
        price_currency,
        cache_read_tokens,
        input_tokens,
        coalesce(input_tokens, 0) - coalesce(cache_read_tokens, 0) - coalesce(cache_write_tokens, 0) as plain,
        coalesce(cache_read_tokens, 0) as cache_read,
        coalesce(cache_write_tokens, 0) - coalesce(cache_write_1h_tokens, 0) as cache_write_5m,
        coalesce(cache_write_1h_tokens, 0) as cache_write_1h,
        output_tokens,
        reasoning_tokens
    from priced_calls(period => $period)
    where customer_id is not null
),

-- An answer from the product's own cache is input that was not paid for, like a cache read.
rates as (
    select
        calls.period,
        calls.customer_id,
        max(customers.plan) as plan,
        sum(case when response_cached then input_tokens else cache_read end) as hits,
        sum(input_tokens) as input,
        sum(case when priced_by = 'book' then plain end) as movable
    from customers_in_force(period => $period) as customers
    right join calls
        on customers.period = calls.period
        and customers.customer_id = calls.customer_id
    group by calls.period, calls.customer_id
    having count(cache_read_tokens) > 0
),

medians as (
    select
        period,
        plan,
        rounded_ratio(exact_median(rounded_ratio(hits, input, 18)), 1, 18) as rate
    from rates
    where plan is not null and input > 0
    group by period, plan
),

-- Which part of a customer's uncached input has to be read from the cache.
moves as (
    select
        rates.period,
        rates.customer_id,
        least(
            rounded_ratio(
                greatest(coalesce(rounded_ratio($cache_to, 100, 18), medians.rate) * input - hits, 0), movable, 18
            ),
            1
        ) as part
    from rates
    left join medians
        on rates.period = medians.period
        and rates.plan = medians.plan
),

scenarios as (
    select * from (values
        ('routing', true, false, false),
        ('caching', false, true, false),
        ('prompts', false, false, true),
        ('together', true, true, true)
    ) as t (scenario, routes, caches, shortens)
),

shortened as (
    select
        calls.* exclude (plain, cache_read, cache_write_5m, cache_write_1h),
        scenarios.*,
        plain - case when shortens then cast(plain * $prompt_saving / 100 as bigint) else 0 end as plain,
        cache_read - case when shortens then cast(cache_read * $prompt_saving / 100 as bigint) else 0 end as cache_read,
        cache_write_5m
        - case when shortens then cast(cache_write_5m * $prompt_saving / 100 as bigint) else 0 end as cache_write_5m,
        cache_write_1h
        - case when shortens then cast(cache_write_1h * $prompt_saving / 100 as bigint) else 0 end as cache_write_1h
    from scenarios
    cross join calls
),

cached as (
    select
        shortened.* exclude (input_tokens, cache_read_tokens),
        plain + cache_read + cache_write_5m + cache_write_1h as input_tokens,
        cache_read
        + case when caches then cast(plain * coalesce(moves.part, 0) as bigint) else 0 end as cache_read_tokens,
        cache_write_5m + cache_write_1h as cache_write_tokens
    from moves
    right join shortened
        on moves.period = shortened.period
        and moves.customer_id = shortened.customer_id
),

repriced as (
    select
        cached.*,
        call_cost(
            cached.provider, cached.model, called_at, input_tokens, output_tokens, cache_read_tokens,
            cache_write_tokens, cache_write_1h, reasoning_tokens, service_tier
        ) as own_cost,
        call_cost_parts(
            route.provider, route.model, called_at, input_tokens, output_tokens, cache_read_tokens,
            cache_write_tokens, cache_write_1h, reasoning_tokens, service_tier
        ) as other
    from route
    right join cached
        on route.query_type = cached.query_type
        and cached.routes
),

compared as (
    select
        *,
        case
            when priced_by <> 'book' then list_cost
            when other['currency'] = price_currency then least(
                own_cost,
                other['input'] + other['cache_read'] + other['cache_write_5m'] + other['cache_write_1h']
                + other['output'] + other['reasoning'] + other['request']
            )
            else own_cost
        end as reduced_cost
    from repriced
),

reduced as (
    select
        period,
        customer_id,
        feature,
        provider,
        model,
        scenario,
        count(distinct price_currency) as price_currencies,
        sum(list_cost) as list_cost,
        sum(list_cost - reduced_cost) as saving
    from compared
    group by period, customer_id, feature, provider, model, scenario
),

costs as (
    select period, customer_id, feature, provider, model, currency, sum(cost) as cost
    from attributed_costs(period => $period, by => 'feature,model')
    where customer_id is not null
    group by period, customer_id, feature, provider, model, currency
),

scaled as (
    select
        costs.*,
        scenarios.scenario,
        case when price_currencies <= 1 then scaled_amount(costs.cost, saving, list_cost) end as saving
    from costs
    cross join scenarios
    left join reduced
        on costs.period = reduced.period
        and costs.customer_id = reduced.customer_id
        and costs.provider = reduced.provider
        and costs.model = reduced.model
        and (costs.feature is not distinct from reduced.feature)
        and scenarios.scenario = reduced.scenario
)

select
    period,
    customer_id,
    feature,
    sum(case when scenario = 'together' then cost end) as cost,
    coalesce(sum(case when scenario = 'routing' then saving end), 0.000000000000) as routing_saving,
    coalesce(sum(case when scenario = 'caching' then saving end), 0.000000000000) as caching_saving,
    coalesce(sum(case when scenario = 'prompts' then saving end), 0.000000000000) as prompt_saving,
    coalesce(sum(case when scenario = 'together' then saving end), 0.000000000000) as saving,
    currency
from scaled
group by period, customer_id, feature, currency
order by period, currency, saving desc, customer_id, feature nulls last

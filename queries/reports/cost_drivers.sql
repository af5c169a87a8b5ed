-- Question:    Why does each customer cost more, or less, than is usual on its plan?
-- Grain:       one row per period, customer with cost or calls, and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   min_customers integer>=1 = 5   As in peer_medians.
--   currency   text = NULL   As in allocation.
-- Notes:       sessions, context, cache and reasoning say by how much the cost falls when that
--              figure, too, is moved to the median of its peers, in this order, each on top of the
--              last (see scenario_list_costs); remainder is what is left. They sum to above_median
--              exactly. The peers are the customers of the report. main_driver is the largest of the
--              five, of customers above the median.

with

costs as (
    select *
    from allocation(period => $period, currency => $currency)
    where customer_id is not null and (calls > 0 or cost <> 0)
),

medians as (
    select *
    from peer_medians(
        period => $period,
        min_customers => $min_customers,
        figures => (select period, customer_id, currency as figure, cost as own from costs)
    )
),

list_costs as (
    select
        period,
        customer_id,
        max(case when scenario = 'as it is' then list_cost end) as as_it_is,
        max(case when scenario = 'sessions' then wide_cost end) as to_sessions,
        max(case when scenario = 'to context' then wide_cost end) as to_context,
        max(case when scenario = 'to cache' then wide_cost end) as to_cache,
        max(case when scenario = 'to reasoning' then wide_cost end) as to_reasoning
    from (
        select *, cast(list_cost as decimal(76, 12)) as wide_cost
        from scenario_list_costs(period => $period, min_customers => $min_customers)
    ) as scenarios
    group by period, customer_id
),

-- Without list cost, as where tags alone say who bears a cost, there is no ratio to scale by: all that
-- is above the median is remainder.
moved as (
    select
        costs.period,
        costs.customer_id,
        costs.plan,
        costs.tier,
        costs.currency,
        costs.cost,
        medians.population,
        medians.peers,
        rounded_ratio(medians.median, 1, 12) as median_cost,
        coalesce(
            rounded_ratio(costs.cost * list_costs.to_sessions, list_costs.as_it_is, 12),
            costs.cost
        ) as cost_to_sessions,
        coalesce(
            rounded_ratio(costs.cost * list_costs.to_context, list_costs.as_it_is, 12),
            costs.cost
        ) as cost_to_context,
        coalesce(
            rounded_ratio(costs.cost * list_costs.to_cache, list_costs.as_it_is, 12),
            costs.cost
        ) as cost_to_cache,
        coalesce(
            rounded_ratio(costs.cost * list_costs.to_reasoning, list_costs.as_it_is, 12),
            costs.cost
        ) as cost_to_reasoning
    from costs
    inner join medians
        on costs.period = medians.period
        and costs.customer_id = medians.customer_id
        and costs.currency = medians.figure
    left join list_costs
        on costs.period = list_costs.period
        and costs.customer_id = list_costs.customer_id
),

steps as (
    select
        period,
        customer_id,
        plan,
        tier,
        population,
        peers,
        cost,
        median_cost,
        cost - median_cost as above_median,
        cost - cost_to_sessions as sessions,
        cost_to_sessions - cost_to_context as context,
        cost_to_context - cost_to_cache as cache,
        cost_to_cache - cost_to_reasoning as reasoning,
        cost_to_reasoning - median_cost as remainder,
        currency
    from moved
)

select
    *,
    case
        when above_median <= 0 then null
        when sessions = greatest(sessions, context, cache, reasoning, remainder) then 'sessions'
        when context = greatest(context, cache, reasoning, remainder) then 'context'
        when cache = greatest(cache, reasoning, remainder) then 'cache'
        when reasoning = greatest(reasoning, remainder) then 'reasoning'
        else 'remainder'
    end as main_driver
from steps
order by period, currency, above_median desc, customer_id

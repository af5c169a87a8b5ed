-- Question:    Which customers renew soon, where is their cost heading, and which price would meet the target?
-- Grain:       one row per customer and currency, of customers whose revenue is in that currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period; of a range, its last month.
--   within_days integer>=0 = 90   How many days ahead renewals are looked for.
--   target     decimal>0<=100 = NULL   What cost may be of the price, in percent; without it, the tier's own target.
--   as_of      date = NULL   The day from which is looked ahead; without it, the first day after the period.
-- Reads first:
--   history    text = (
--       select concat(
--           greatest(
--               least(min(billing_period), $period_last),
--               billing_month($period_end - interval '12 months')
--           ),
--           '..', $period_last
--       )
--       from billing
--   )
-- Ties to:     allocation
-- Notes:       The trend is that of cost_trend over the last twelve months. A price is NULL where the
--              customer has costs in several currencies; a customer below the target needs no
--              uplift. Where calls are not billed yet (complete is false) the price is too low.

with

value as (
    select
        customer_id,
        string_agg(
            concat(regexp_replace(cast(quantity as text), '\.?0+$', ''), ' ', measure), ', ' order by measure
        ) as value_delivered
    from (
        select customer_id, measure, sum(quantity) as quantity
        from value_delivered
        where period between split_part($history, '..', 1) and $period_last
        group by customer_id, measure
    ) as summed
    group by customer_id
),

dated as (
    select
        customer_id,
        renewal_date,
        cast(renewal_date as integer)
        - cast(coalesce($as_of, cast($period_end as date)) as integer) as days_left
    from customers_in_force(period => $period_last)
),

renewing as (
    select * from dated
    where days_left between 0 and $within_days
),

limits as (
    select lower(tier) as tier, target_pct from bands
),

priced as (
    select
        costs.*,
        renewing.renewal_date,
        renewing.days_left,
        coalesce($target, limits.target_pct) as target_pct,
        -- With costs in several currencies there is neither a ratio nor this band.
        case
            when costs.cost_pct_of_mrr is not null or costs.band = 'no_revenue'
                then target_price(costs.cost, coalesce($target, limits.target_pct))
        end as target_price
    from allocation(period => $period_last) as costs
    inner join renewing on costs.customer_id = renewing.customer_id
    left join limits on lower(costs.tier) = limits.tier
    where costs.mrr is not null
),

raised as (
    select
        *,
        case
            when target_price is not null then greatest(target_price - mrr, 0.000000000000)
        end as uplift
    from priced
)

select
    raised.renewal_date,
    raised.days_left,
    raised.customer_id,
    raised.plan,
    raised.tier,
    raised.band,
    trends.first_period,
    trends.first_pct,
    raised.cost_pct_of_mrr,
    trends.slope,
    trends.months_to_alert,
    raised.mrr,
    raised.cost,
    raised.target_pct,
    raised.target_price,
    raised.uplift,
    case when raised.mrr > 0 then rounded_ratio(raised.uplift * 100, raised.mrr, 6) end as uplift_pct,
    value.value_delivered,
    raised.complete,
    raised.currency
from raised
left join cost_trend(period => $history) as trends
    on raised.customer_id = trends.customer_id
    and raised.currency = trends.currency
left join value on raised.customer_id = value.customer_id
order by raised.renewal_date, raised.customer_id, raised.currency

-- Question:    What should whoever looks after an account know of its cost, and do about it?
-- Grain:       one row per period, account and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   trend_months month = (select concat(min(billing_period), '..', $period_last) from billing)   The months of the trend.
--   within_days integer>=0 = 60   An account that renews within so many days is repriced then.
--   min_customers integer>=1 = 5   As in peer_medians.
--   currency   text = NULL   As in allocation.
-- Notes:       Made to be written as CSV and imported into a CRM by customer_id. patterns are those
--              that usage_patterns finds with its own thresholds, the most costly first, and saving
--              is that of the first: they overlap, and do not add up. main_driver is that of
--              cost_drivers; trend, slope and months_to_alert are those of cost_trend. above_target
--              is the cost beyond the tier's target of MRR; without revenue it is the whole.

with

found as (
    select
        period,
        customer_id,
        currency,
        string_agg(pattern, ', ' order by saving desc nulls last, pattern) as patterns,
        first_value(pattern order by saving desc nulls last, pattern) as first_pattern,
        max(saving) as saving
    from usage_patterns(period => $period, min_customers => $min_customers, currency => $currency)
    where finding = 'found'
    group by period, customer_id, currency
),

accounts as (
    select
        costs.period,
        costs.customer_id,
        costs.plan,
        costs.tier,
        costs.mrr,
        costs.cost,
        costs.cost_pct_of_mrr,
        costs.band,
        case
            when costs.band = 'no_revenue' then costs.cost
            else costs.cost - rounded_ratio(
                cast(costs.mrr as decimal(76, 12)) * limits.target_pct, 100, 12
            )
        end as over_target,
        trends.trend,
        trends.slope,
        trends.months_to_alert,
        in_force.renewal_date,
        coalesce(trends.renews_soon, false) as renews_soon,
        found.patterns,
        found.first_pattern,
        drivers.main_driver,
        found.saving,
        costs.complete,
        costs.currency
    from allocation(period => $period, currency => $currency) as costs
    left join customers_in_force(period => $period) as in_force
        on costs.period = in_force.period
        and costs.customer_id = in_force.customer_id
    left join (select lower(tier) as tier, target_pct from bands) as limits
        on lower(costs.tier) = limits.tier
    left join found
        on costs.period = found.period
        and costs.customer_id = found.customer_id
        and costs.currency = found.currency
    left join cost_drivers(
        period => $period, min_customers => $min_customers, currency => $currency
    ) as drivers
        on costs.period = drivers.period
        and costs.customer_id = drivers.customer_id
        and costs.currency = drivers.currency
    left join cost_trend(
        period => $trend_months, within_days => $within_days, currency => $currency
    ) as trends
        on costs.customer_id = trends.customer_id
        and costs.currency = trends.currency
    where costs.customer_id is not null
)

select
    period,
    customer_id,
    plan,
    tier,
    mrr,
    cost,
    cost_pct_of_mrr,
    band,
    case when over_target > 0 then over_target end as above_target,
    trend,
    slope,
    months_to_alert,
    renewal_date,
    patterns,
    main_driver,
    saving,
    case
        when band in ('target', 'watch') and not renews_soon and months_to_alert <= 3
            then 'speak before the alert'
        when band = 'target' then 'none'
        when band = 'watch' and renews_soon then 'reprice at renewal'
        when band = 'watch' then 'watch'
        when first_pattern = 'high session frequency' then 'agree on a cap or a larger plan'
        when first_pattern = 'long context' then 'shorten contexts'
        when first_pattern = 'low cache hit rate' then 'cache prompts'
        when first_pattern = 'reasoning-heavy' then 'reason less'
        when band = 'no_revenue' then 'move to a paid plan'
        when band = 'alert' then 'reprice at renewal'
    end as proposed_action,
    complete,
    currency
from accounts
order by period, currency, above_target desc nulls last, customer_id

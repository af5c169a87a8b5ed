-- Question:    Which accounts' cost climbs, and how long is it until the alert, and until the
--              renewal?
-- Grain:       one row per customer and currency with a ratio in at least one of the months
-- Parameters:
--   period     month = (select concat(min(billing_period), '..', max(billing_period)) from billing)   The months.
--   within_days integer>=0 = 60   Accounts that renew within so many days of the last month's end come first.
--   currency   text = NULL   As in allocation.
-- Notes:       A month is present where the customer has a ratio in it. slope is that of the least
--              squares through those months, in points of MRR a month, of three months or more.
--              growth_pct is how much greater the last month's ratio is than the first's.
--              months_to_alert is (alert − last) ÷ slope where the slope is positive, and 0 where
--              the last month is above the alert. The steepest growth among those who renew soon
--              stands at the top.

with

months as (
    select
        *,
        cast(left(period, 4) as bigint) * 12 + cast(right(period, 2) as bigint) as month_number
    from allocation(period => $period, currency => $currency)
    where customer_id is not null and cost_pct_of_mrr is not null
),

sums as (
    select
        customer_id,
        currency,
        count(*) as months,
        min(period) as first_period,
        max(period) as last_period,
        first_value(cost_pct_of_mrr order by period) as first_pct,
        last_value(cost_pct_of_mrr order by period) as last_pct,
        last_value(tier order by period) as tier,
        last_value(band order by period) as band,
        array_agg(cost_pct_of_mrr order by period) as ratios,
        sum(month_number) as sum_x,
        sum(month_number * month_number) as sum_xx,
        sum(cost_pct_of_mrr) as sum_y,
        sum(month_number * cost_pct_of_mrr) as sum_xy
    from months
    group by customer_id, currency
),

fitted as (
    select
        *,
        case
            when months >= 3
                then rounded_ratio(
                    months * sum_xy - sum_x * sum_y, months * sum_xx - sum_x * sum_x, 6
                )
        end as slope
    from sums
)

select
    fitted.customer_id,
    in_force.plan,
    fitted.tier,
    in_force.renewal_date,
    fitted.months,
    fitted.first_period,
    fitted.last_period,
    sparkline(fitted.ratios) as trend,
    fitted.first_pct,
    fitted.last_pct,
    fitted.band,
    rounded_ratio((fitted.last_pct - fitted.first_pct) * 100, fitted.first_pct, 6) as growth_pct,
    fitted.slope,
    case
        when fitted.band = 'alert' then 0
        when fitted.slope > 0
            then rounded_ratio(limits.alert_pct - fitted.last_pct, fitted.slope, 6)
    end as months_to_alert,
    coalesce(
        in_force.renewal_date >= cast($period_end as date)
        and in_force.renewal_date < cast($period_end as date) + cast($within_days as integer),
        false
    ) as renews_soon,
    fitted.currency
from fitted
left join customers_in_force(period => $period) as in_force
    on fitted.customer_id = in_force.customer_id
    and in_force.period = $period_last
left join (select lower(tier) as tier, alert_pct from bands) as limits
    on lower(fitted.tier) = limits.tier
order by renews_soon desc, growth_pct desc nulls last, customer_id, currency

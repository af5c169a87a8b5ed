-- Question:    Which customers are sold at a loss or near it, why, and how much is at stake?
-- Grain:       one row per period, customer and currency in the band alert or no_revenue, or above
--              its MRR
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   trend_months month = (select concat(min(billing_period), '..', $period_last) from billing)   The months of the trend.
--   min_customers integer>=1 = 5   As in peer_medians.
--   currency   text = NULL   As in allocation.
-- Notes:       above_target, the cost beyond the tier's target of MRR, is what is at stake; saving
--              is how much of the cost the most costly pattern makes. The columns are those of
--              account_cards.

select
    period,
    customer_id,
    plan,
    tier,
    mrr,
    cost,
    cost_pct_of_mrr,
    band,
    above_target,
    patterns,
    main_driver,
    saving,
    trend,
    slope,
    complete,
    currency
from account_cards(
    period => $period, trend_months => $trend_months, min_customers => $min_customers,
    currency => $currency
)
where band in ('alert', 'no_revenue') or cost_pct_of_mrr > 100
order by period, currency, above_target desc nulls last, customer_id

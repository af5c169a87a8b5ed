-- Question:    What did each feature of the product cost?
-- Grain:       one row per period, feature and currency; NULL is what the ledger does not say
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   currency   text = NULL   As in allocation.
-- Ties to:     allocation
-- Notes:       What nobody bears is in it, so that the rows sum to the bill.

with

costs as (
    select
        period,
        feature,
        currency,
        count(distinct customer_id) as customers,
        sum(cost) as cost
    from attributed_costs(period => $period, currency => $currency, by => 'feature')
    group by period, feature, currency
)

select
    period,
    feature,
    customers,
    cost,
    rounded_ratio(cost * 100, sum(cost) over (partition by period, currency), 6) as cost_pct,
    currency
from costs
order by period, currency, cost desc, feature nulls last

-- Question:    What did each kind of query cost?
-- Grain:       one row per period, query_type and currency; NULL is what the ledger does not say
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   currency   text = NULL   As in allocation.
-- Ties to:     allocation
-- Notes:       What nobody bears is in it, so that the rows sum to the bill.

with

costs as (
    select
        period,
        query_type,
        currency,
        count(distinct customer_id) as customers,
        sum(cost) as cost
    from attributed_costs(period => $period, currency => $currency, by => 'query_type')
    group by period, query_type, currency
)

select
    period,
    query_type,
    customers,
    cost,
    rounded_ratio(cost * 100, sum(cost) over (partition by period, currency), 6) as cost_pct,
    currency
from costs
order by period, currency, cost desc, query_type nulls last

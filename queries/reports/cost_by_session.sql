-- Question:    What did each session cost?
-- Grain:       one row per period, customer, session and currency; NULL is calls in no session
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   currency   text = NULL   As in allocation.
-- Ties to:     allocation
-- Notes:       A session is a customer's session_id. What nobody bears is in it, so that the rows
--              sum to the bill; a customer's rows sum to its cost.

with

costs as (
    select period, customer_id, session_id, currency, sum(cost) as cost
    from attributed_costs(period => $period, currency => $currency, by => 'session_id')
    group by period, customer_id, session_id, currency
)

select
    period,
    customer_id,
    session_id,
    cost,
    rounded_ratio(cost * 100, sum(cost) over (partition by period, customer_id, currency), 6)
        as pct_of_customer,
    currency
from costs
order by period, currency, cost desc, customer_id nulls last, session_id nulls last

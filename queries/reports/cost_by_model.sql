-- Question:    What did each model cost?
-- Grain:       one row per period, provider, model and currency; NULL is what neither ledger nor
--              bill says
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   currency   text = NULL   As in allocation.
-- Ties to:     allocation
-- Notes:       The model is that of the calls; of a charge without calls, that which the charge
--              states. What nobody bears is in it, so that the rows sum to the bill.

with

costs as (
    select
        period,
        provider,
        coalesce(model, charge_model) as model,
        currency,
        count(distinct customer_id) as customers,
        sum(cost) as cost
    from attributed_costs(period => $period, currency => $currency, by => 'model')
    group by period, provider, coalesce(model, charge_model), currency
)

select
    period,
    provider,
    model,
    customers,
    cost,
    rounded_ratio(cost * 100, sum(cost) over (partition by period, currency), 6) as cost_pct,
    currency
from costs
order by period, currency, cost desc, provider, model nulls last

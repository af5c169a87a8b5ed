-- Claim:       Where costs meet revenue or prices in another currency, there is a rate.
-- Severity:    warning
-- Grain:       one row per period, finding, provider and pair of currencies without a rate
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       Without one, ratios and bands of such customers are NULL whatever currency is asked for,
--              and a price in another currency counts as no price.

with

costs as (
    select period, provider, customer_id, currency, min(charge_id) as charge_id, sum(cost) as cost
    from attributed_costs(period => $period)
    group by period, provider, customer_id, currency
),

bills as (
    select
        period, provider, currency,
        min(charge_id) as charge_id,
        sum(cost) as cost
    from costs
    group by period, provider, currency
),

prices as (
    select distinct period, provider, price_currency
    from usage_cells(period => $period)
    where priced_by in ('book', 'ledger')
),

pairs as (
    select
        bills.period,
        'a bill in two currencies' as finding,
        bills.provider,
        bills.currency,
        others.currency as other_currency,
        bills.cost,
        bills.charge_id as for_example
    from bills
    inner join bills as others
        on bills.period = others.period
        and bills.provider = others.provider
        and bills.currency > others.currency
    union all by name
    select
        bills.period,
        'a bill and its list prices' as finding,
        bills.provider,
        bills.currency,
        prices.price_currency as other_currency,
        bills.cost,
        bills.charge_id as for_example
    from bills
    inner join prices
        on bills.period = prices.period
        and bills.provider = prices.provider
        and bills.currency <> prices.price_currency
    union all by name
    select
        costs.period,
        'cost and revenue of customers' as finding,
        costs.provider,
        costs.currency,
        customers.currency as other_currency,
        costs.cost,
        costs.customer_id as for_example
    from costs
    inner join customers_in_force(period => $period) as customers
        on costs.period = customers.period
        and costs.customer_id = customers.customer_id
        and costs.currency <> customers.currency
    where costs.cost <> 0 and customers.mrr <> 0
)

select
    pairs.period,
    pairs.finding,
    pairs.provider,
    pairs.currency,
    pairs.other_currency,
    sum(pairs.cost) as cost,
    count(*) as found,
    min(pairs.for_example) as for_example
from pairs
where not exists (
    select 1 from fx_rates
    where
        fx_rates.period = pairs.period
        and (
            (
                fx_rates.from_currency = pairs.currency
                and fx_rates.to_currency = pairs.other_currency
            )
            or (
                fx_rates.from_currency = pairs.other_currency
                and fx_rates.to_currency = pairs.currency
            )
        )
)
group by pairs.period, pairs.finding, pairs.provider, pairs.currency, pairs.other_currency
order by pairs.period, pairs.finding, pairs.provider, pairs.currency, pairs.other_currency

-- Claim:       Every charge is borne by a customer.
-- Severity:    warning
-- Grain:       one row per provider, reason and currency of what is not
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       for_example is the first unknown tag or request, or else the first charge.

with

unattributed as (
    select period, provider, reason, currency, charge_key, charge_id, sum(cost) as cost
    from attributed_costs(period => $period)
    where method = 'unattributed' and cost <> 0
    group by period, provider, reason, currency, charge_key, charge_id
)

select
    unattributed.period,
    unattributed.provider,
    unattributed.reason,
    unattributed.currency,
    count(*) as charges,
    sum(unattributed.cost) as cost,
    min(case unattributed.reason
        when 'unknown tag' then charges.customer_tag
        when 'unknown request' then charges.request_id
        else unattributed.charge_id
    end) as for_example
from unattributed
inner join charges(period => $period) as charges
    on unattributed.charge_key = charges.charge_key
    and unattributed.period = charges.period
group by
    unattributed.period, unattributed.provider, unattributed.reason, unattributed.currency
order by
    unattributed.period, unattributed.provider, unattributed.reason, unattributed.currency

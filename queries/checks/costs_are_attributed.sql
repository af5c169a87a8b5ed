-- Claim:       Every charge is borne by a customer.
-- Severity:    warning
-- Grain:       one row per provider, reason and currency of what is not
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.

select period, provider, reason, currency, count(distinct charge_key) as charges, sum(cost) as cost
from attributed_costs(period => $period)
where method = 'unattributed' and cost <> 0
group by period, provider, reason, currency
order by period, provider, reason, currency

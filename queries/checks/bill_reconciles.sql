-- Claim:       What a bill's file sums to arrives, in attributed costs, scopes and stated rounding.
-- Severity:    error
-- Grain:       one row per input, provider, period and currency that does not
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.

select period, provider, input, currency, control_total, inference, out_of_scope, difference
from reconciliation(period => $period)
where difference <> 0
order by period, provider, input, currency

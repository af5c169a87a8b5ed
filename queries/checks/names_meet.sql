-- Claim:       A name on the bill is one that calls carry, not another spelling of it.
-- Severity:    warning
-- Grain:       one row per kind, name, provider and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       The rows are the aliases that would make them meet, with the cost at stake.

select * from proposed_aliases(period => $period)
order by kind, provider, name, currency

-- Claim:       Every call that a provider answered is covered by a charge.
-- Severity:    warning
-- Grain:       one row per provider and day with calls that are not
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.

select * from missing_bills(period => $period)
order by provider, day

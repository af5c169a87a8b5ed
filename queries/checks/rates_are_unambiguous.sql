-- Claim:       A period has one rate between two currencies.
-- Severity:    error
-- Grain:       one row per period and pair of currencies with several

select period, from_currency, to_currency, count(distinct rate) as rates
from fx_rates
group by period, from_currency, to_currency
having count(distinct rate) > 1
order by period, from_currency, to_currency

-- Claim:       A period has one rate between two currencies, and it is above zero.
-- Severity:    error
-- Grain:       one row per period and pair of currencies with several, or with one that is not

select period, from_currency, to_currency, count(distinct rate) as rates, min(rate) as lowest
from fx_rates
group by period, from_currency, to_currency
having count(distinct rate) > 1 or min(rate) <= 0
order by period, from_currency, to_currency

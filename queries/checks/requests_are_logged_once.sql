-- Claim:       A request stands on one row of the ledger.
-- Severity:    warning
-- Grain:       one row per input and provider with requests that do not
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       It may stand on several: what a charge bills for it is split among them. But rows that
--              an export repeats, such as retries and updates, count as calls and weigh as much.

with

repeated as (
    select input, provider, request_id, count(*) as calls
    from priced_calls(period => $period)
    where request_id is not null
    group by input, provider, request_id
    having count(*) > 1
)

select
    input,
    provider,
    count(*) as requests,
    sum(calls) as calls,
    min(request_id) as for_example
from repeated
group by input, provider
order by input, provider

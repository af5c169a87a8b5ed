-- Claim:       Every call has a time.
-- Severity:    error
-- Grain:       one row per provider and model
-- Notes:       A call that was made at no time is in no month: no charge covers it, and others bear its cost.

select
    provider,
    model,
    count(*) as calls,
    min(request_id) as for_example
from ledger
where called_at is null and completed_at is null
group by provider, model
order by provider, model

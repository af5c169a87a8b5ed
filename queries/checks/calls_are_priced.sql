-- Claim:       Every call has a published price.
-- Severity:    warning
-- Grain:       one row per provider, model and reason
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.

select
    provider,
    model,
    unpriced_reason,
    nearest_models,
    count(*) as calls,
    min(request_id) as for_example,
    min(called_at) as first_called_at,
    max(called_at) as last_called_at
from unpriced_calls(period => $period)
group by provider, model, unpriced_reason, nearest_models
order by provider, model, unpriced_reason

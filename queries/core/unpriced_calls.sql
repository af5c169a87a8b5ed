-- Question:    Which calls have no published price, and why?
-- Grain:       one row per call
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       Reasons: model (not in the price book), date (no row in force then), tier (no row for
--              the service tier), threshold, invalid usage (token counts that cannot be).
--              nearest_models are names of the price book, where it does not have the call's.

select
    *,
    case when unpriced_reason = 'model' then nearest_models(provider, model) end as nearest_models
from priced_calls(period => $period)
where unpriced_reason is not null

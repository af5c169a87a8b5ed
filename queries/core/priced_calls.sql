-- Question:    What did each call of a month cost at published prices?
-- Grain:       one row per call
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       A call without a price has list_cost NULL, never 0, and the reason beside it.

select
    billing_month(charged_at) as period,
    * exclude (price_id, stated_list_cost, is_valid_usage)
from calls_between(since => $period_start, until => $period_end)

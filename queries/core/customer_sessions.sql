-- Question:    How many sessions did each customer have in a month?
-- Grain:       one row per period and customer that called in a session
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   precision  exact|approximate = 'exact'   Whether sessions are counted, or estimated by a sketch (approx_distinct).
-- Notes:       A session is a customer's session_id; calls without one are in no session.

with

calls as (
    select date_trunc('month', charged_at) as month_start, customer_id, session_id
    from calls_between(since => $period_start, until => $period_end)
    where customer_id is not null and session_id is not null
),

sessions as (
    select month_start, customer_id, session_id, count(*) as calls
    from calls
    where $precision = 'exact'
    group by month_start, customer_id, session_id
),

counted as (
    select month_start, customer_id, count(*) as sessions
    from sessions
    group by month_start, customer_id
    union all
    select month_start, customer_id, cast(approx_distinct(session_id) as bigint) as sessions
    from calls
    where $precision = 'approximate'
    group by month_start, customer_id
)

select billing_month(month_start) as period, customer_id, sessions
from counted

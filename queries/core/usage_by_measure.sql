-- Question:    How much did each customer use in a month, by each measure that a plan can have?
-- Grain:       one row per period, customer and measure
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       Tokens are input and output. A session is a customer's session_id: calls without one
--              are of no session.

with

used as (
    select
        period,
        customer_id,
        count(*) as calls,
        sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens,
        exact_distinct(session_id) as sessions
    from priced_calls(period => $period)
    where customer_id is not null
    group by period, customer_id
)

select period, customer_id, 'calls' as measure, calls as units from used
union all
select period, customer_id, 'tokens' as measure, tokens as units from used
union all
select period, customer_id, 'sessions' as measure, sessions as units from used

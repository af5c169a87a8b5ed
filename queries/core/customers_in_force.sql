-- Question:    Which customers had a plan in each month, on which terms?
-- Grain:       one row per customer and month
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The months.
-- Notes:       Of several rows of a customer, the one in force at the month's last instant holds. One
--              who ended before the month keeps the plan and has no revenue.

with

months as (
    select
        month_start,
        month_start + interval '1 month' as month_end
    from unnest(generate_series($period_start, $period_end - interval '1 month', interval '1 month'))
        as months (month_start)
),

-- A row without a beginning holds from the first day on.
begun as (
    select *, coalesce(cast(effective_from as timestamp), timestamp '1700-01-01') as holds_from
    from customers
),

-- A row holds until the customer's next one begins.
terms as (
    select
        *,
        lead(holds_from) over (
            partition by customer_id
            order by holds_from, mrr desc nulls first, plan desc nulls first, tier desc nulls first
        ) as holds_until
    from begun
),

dated as (
    select
        to_char(months.month_start, '%Y-%m') as period,
        terms.* exclude (holds_from, holds_until),
        (terms.started_on is null or cast(terms.started_on as timestamp) < months.month_end)
        and (terms.ended_on is null or cast(terms.ended_on as timestamp) >= months.month_start)
            as is_active
    from months
    inner join terms
        on terms.holds_from < months.month_end
        and (terms.holds_until is null or terms.holds_until >= months.month_end)
)

select
    * exclude (is_active) replace (case when is_active then mrr end as mrr),
    is_active
from dated

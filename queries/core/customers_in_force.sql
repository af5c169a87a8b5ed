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

dated as (
    select
        to_char(months.month_start, '%Y-%m') as period,
        customers.*,
        (customers.started_on is null or cast(customers.started_on as timestamp) < months.month_end)
        and (customers.ended_on is null or cast(customers.ended_on as timestamp) >= months.month_start)
            as is_active,
        row_number() over (
            partition by months.month_start, customers.customer_id
            order by customers.effective_from desc nulls last, customers.mrr, customers.plan, customers.tier
        ) as recency
    from months
    cross join customers
    where
        customers.effective_from is null
        or cast(customers.effective_from as timestamp) < months.month_end
)

select
    * exclude (recency, is_active) replace (case when is_active then mrr end as mrr),
    is_active
from dated
where recency = 1

-- Question:    Which customers had a plan in each month, on which terms?
-- Grain:       one row per customer and month
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The months.
-- Notes:       Of several rows of a customer, the one in force at the month's last instant holds. One
--              who ended before the month keeps the plan and has no revenue.

with

-- A row without a beginning holds from the first day on.
begun as (
    select *, coalesce(effective_from, date '0001-01-01') as holds_from
    from customers
),

-- Few customers have several rows: only theirs need a look at the next one.
several as (
    select customer_id
    from begun
    group by customer_id
    having count(*) > 1
),

-- A row holds until the customer's next one begins.
terms as (
    select
        begun.*,
        lead(begun.holds_from) over (
            partition by begun.customer_id
            order by
                begun.holds_from, begun.mrr desc nulls first, begun.plan desc nulls first,
                begun.tier desc nulls first, begun.currency, begun.renewal_date, begun.started_on,
                begun.ended_on
        ) as holds_until
    from several
    inner join begun on several.customer_id = begun.customer_id
    union all by name
    select begun.*, cast(null as date) as holds_until
    from several
    right join begun on several.customer_id = begun.customer_id
    where several.customer_id is null
),

months as (
    select
        billing_month(month_start) as period,
        cast(month_start as date) as month_start,
        cast(month_start + interval '1 month' as date) as month_end
    from (
        select unnest(generate_series($period_start, $period_end - interval '1 month', interval '1 month'))
            as month_start
    ) as starts
),

dated as (
    select
        months.period,
        terms.* exclude (holds_from, holds_until),
        (terms.started_on is null or terms.started_on < months.month_end)
        and (terms.ended_on is null or terms.ended_on >= months.month_start)
            as is_active
    from months
    cross join terms
    where
        terms.holds_from < months.month_end
        and (terms.holds_until is null or terms.holds_until >= months.month_end)
)

select
    * exclude (is_active) replace (case when is_active then mrr end as mrr),
    is_active
from dated

-- Question:    A bill, a ledger or a name was corrected: what changed for each customer, and why?
-- Grain:       one row per period, provider, customer, cause and currency with a change
-- Parameters:
--   before     relation   Rows of attributed_costs as they were, such as a file that was kept.
--   after      relation   Rows of attributed_costs as they are.
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       The changes of a period and currency sum to the change of its bill. The causes:
--              charge added, charge removed; amount changed is what the new amount would have
--              changed if it were split as before, and split changed, which is zero over a charge's
--              parties, the rest: other calls, prices, tags or names. Under monthly => 'ledger' the
--              variance, and with estimate => true the estimate, are causes of their own.

with

months as (
    select billing_month(month_start) as period
    from unnest(
        generate_series($period_start, $period_end - interval '1 day', interval '1 month')
    ) as months (month_start)
),

parts as (
    select *, true as was, false as is_now, cost as before_cost, 0 as after_cost from before
    union all by name
    select *, false as was, true as is_now, 0 as before_cost, cost as after_cost from after
),

parties as (
    select
        period,
        provider,
        currency,
        -- A charge that has an id is the same charge by another name or tag.
        coalesce(charge_id, charge_key) as charge,
        case
            when charge_key is null then 'estimate changed'
            when reason = 'variance' then 'variance changed'
        end as cause_of_its_own,
        customer_id,
        bool_or(was) as was,
        bool_or(is_now) as is_now,
        sum(before_cost) as before_cost,
        sum(after_cost) as after_cost
    from parts
    inner join months using (period)
    group by
        period, provider, currency, coalesce(charge_id, charge_key), cause_of_its_own, customer_id
),

charges as (
    select
        * exclude (was, is_now),
        bool_or(was) over charges as was,
        bool_or(is_now) over charges as is_now,
        sum(before_cost) over charges as before_amount,
        sum(after_cost) over charges as after_amount
    from parties
    window charges as (
        partition by period, provider, currency, charge, cause_of_its_own
    )
),

split_as_before as (
    select
        *,
        apportion(
            after_amount,
            case
                when before_amount <> 0 then abs(before_cost)
                when after_amount <> 0 then abs(after_cost)
                else 1
            end
        ) over (
            partition by period, provider, currency, charge, cause_of_its_own
            order by customer_id
        ) as scaled_cost
    from charges
),

-- Where the odd units of a split fall may change with its amount: that is no other split.
compared as (
    select
        *,
        was and is_now and cause_of_its_own is null as is_compared,
        max(abs(after_cost - scaled_cost)) over (
            partition by period, provider, currency, charge, cause_of_its_own
        ) > 0.000000000001 as splits_otherwise
    from split_as_before
),

changes as (
    select
        *,
        case
            when cause_of_its_own is not null then cause_of_its_own
            when not was then 'charge added'
            when not is_now then 'charge removed'
            else 'amount changed'
        end as cause,
        case when is_compared and splits_otherwise then scaled_cost else after_cost end
        - before_cost as change
    from compared
    union all by name
    select *, 'split changed' as cause, after_cost - scaled_cost as change
    from compared
    where is_compared and splits_otherwise
)

select
    period,
    provider,
    customer_id,
    cause,
    count(*) as charges,
    min(charge) as for_example,
    currency,
    sum(change) as change
from changes
where change <> 0
group by period, provider, customer_id, cause, currency
order by period, provider, customer_id, cause, currency

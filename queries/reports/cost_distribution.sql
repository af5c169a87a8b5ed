-- Question:    How unevenly do customers cause the cost, behind the pooled ratio?
-- Grain:       one row per period, currency and group of customers: all, each tenth, the costliest
--              few
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   plan       text = NULL   Only the customers of this plan.
--   currency   text = NULL   As in allocation.
-- Refused:     (
--       select
--           concat('no customer has the plan `', $plan, '` in ', $period) as problem,
--           concat('the plans are ', string_agg(distinct plan, ', ' order by plan)) as hint
--       from customers_in_force(period => $period)
--       having $plan is not null and coalesce(sum(case when plan = $plan then 1 end), 0) = 0
--   )
-- Notes:       Customers stand in the order of their cost, the cheapest first; equals by id.
--              `decile 1` is the cheapest tenth, and the last rows of `top` are the costliest 1, 5,
--              10 and 20 %, rounded up to whole customers. The deciles' customers_pct and
--              lorenz_pct are the points of the Lorenz curve: that part of the customers, from the
--              cheapest on, causes that part of the cost. pooled_pct_of_mrr is the group's cost ÷
--              its MRR; the three beside it are the least, the median and the greatest of its
--              customers' own ratios. The Gini coefficient of costs that sum to zero or less is
--              NULL.

with

ranked as (
    select
        *,
        cast(row_number() over (partition by period, currency order by cost, customer_id) as bigint)
            as place,
        count(*) over (partition by period, currency) as customers,
        ntile(10) over (partition by period, currency order by cost, customer_id) as decile,
        sum(cost) over (partition by period, currency) as total,
        sum(cost) over (
            partition by period, currency order by cost, customer_id
            rows between unbounded preceding and current row
        ) as cost_so_far
    from allocation(period => $period, currency => $currency)
    where customer_id is not null and ($plan is null or plan = $plan)
),

groups as (
    select *, 'all' as part, 0 as part_number from ranked
    union all
    select *, concat('decile ', decile) as part, decile as part_number from ranked
    union all
    select
        ranked.*,
        concat('top ', tops.percent, ' %') as part,
        100 - tops.percent as part_number
    from ranked
    cross join (values (20), (10), (5), (1)) as tops (percent)
    where ranked.place > ranked.customers - (ranked.customers * tops.percent + 99) / 100
)

select
    period,
    part,
    count(*) as customers,
    rounded_ratio(max(place) * 100, max(customers), 6) as customers_pct,
    sum(cost) as cost,
    rounded_ratio(sum(cost) * 100, max(total), 6) as cost_pct,
    rounded_ratio(last_value(cost_so_far order by place) * 100, max(total), 6) as lorenz_pct,
    sum(mrr) as mrr,
    case
        when bool_and(coalesce(mrr, 0) <= 0 or cost_pct_of_mrr is not null)
            then rounded_ratio(sum(cost) * 100, sum(mrr), 6)
    end as pooled_pct_of_mrr,
    min(cost_pct_of_mrr) as least_pct_of_mrr,
    rounded_ratio(exact_median(cost_pct_of_mrr), 1, 6) as median_pct_of_mrr,
    max(cost_pct_of_mrr) as greatest_pct_of_mrr,
    case
        when part = 'all' and sum(cost) > 0
            then rounded_ratio(
                sum((2 * place - customers - 1) * cost), max(customers) * sum(cost), 6
            )
    end as gini,
    currency
from groups
group by period, currency, part, part_number
order by period, currency, part_number

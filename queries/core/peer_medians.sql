-- Question:    How do customers' figures stand to the medians of their peers?
-- Grain:       one row per period, customer and figure
-- Parameters:
--   figures    relation   Of columns period, customer_id, figure and own; own is NULL where not measured.
--   period     month = (select max(billing_period) from billing)   The months, for plans and tiers.
--   min_customers integer>=1 = 5   So many of a plan make its median; else the tier's counts, then all's.
--   precision exact|approximate = 'exact'   Whether medians are of all values, or of a sketch (approx_median).
-- Notes:       Peers are the customers with the same plan whose figure is measured, the customer
--              itself among them. The ratio is rounded at twelve decimals, half to even.

with

placed as (
    select
        figures.period,
        figures.customer_id,
        in_force.plan,
        in_force.tier,
        figures.figure,
        cast(figures.own as decimal(38, 18)) as own
    from figures
    left join customers_in_force(period => $period) as in_force
        on figures.period = in_force.period
        and figures.customer_id = in_force.customer_id
),

compared as (
    select
        *,
        count(own) over (partition by period, figure, plan) as plan_customers,
        case
            when $precision = 'exact' then exact_median(own) over (partition by period, figure, plan)
            else cast(approx_median(own) over (partition by period, figure, plan) as decimal(38, 19))
        end as plan_median,
        count(own) over (partition by period, figure, tier) as tier_customers,
        case
            when $precision = 'exact' then exact_median(own) over (partition by period, figure, tier)
            else cast(approx_median(own) over (partition by period, figure, tier) as decimal(38, 19))
        end as tier_median,
        count(own) over (partition by period, figure) as all_customers,
        case
            when $precision = 'exact' then exact_median(own) over (partition by period, figure)
            else cast(approx_median(own) over (partition by period, figure) as decimal(38, 19))
        end as all_median
    from placed
),

chosen as (
    select
        *,
        case
            when own is null then null
            when plan is not null and plan_customers >= $min_customers then 'plan'
            when tier is not null and tier_customers >= $min_customers then 'tier'
            else 'all'
        end as population
    from compared
),

measured as (
    select
        *,
        case population
            when 'plan' then plan_median
            when 'tier' then tier_median
            when 'all' then all_median
        end as median,
        case population
            when 'plan' then plan_customers
            when 'tier' then tier_customers
            when 'all' then all_customers
        end as peers
    from chosen
)

select
    period,
    customer_id,
    plan,
    tier,
    figure,
    own,
    median,
    rounded_ratio(own, median, 12) as ratio,
    population,
    peers
from measured

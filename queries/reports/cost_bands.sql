-- Question:    How many customers stand in each band, month by month, and who moved?
-- Grain:       one row per period and pair of bands, of the month before and of this one
-- Parameters:
--   period     month = (select concat(min(billing_period), '..', max(billing_period)) from billing)   The months.
--   currency   text = NULL   As in allocation.
-- Notes:       `none` is a customer without a band: no cost and no revenue, an unknown tier, or costs
--              in several currencies. `new` in the first month of the range, and of a
--              customer that the month before does not know; `gone` of one that this month does not
--              know. customer_ids name who moved; those who stayed are counted.

with

months as (
    select
        period,
        customer_id,
        case
            when count(distinct band) = 1 then max(band)
            else 'none'
        end as band,
        cast(left(period, 4) as bigint) * 12 + cast(right(period, 2) as bigint) as month_number
    from allocation(period => $period, currency => $currency)
    where customer_id is not null
    group by period, customer_id
),

moves as (
    select
        coalesce(here.month_number, before.month_number + 1) as month_number,
        coalesce(before.band, 'new') as from_band,
        coalesce(here.band, 'gone') as to_band,
        coalesce(here.customer_id, before.customer_id) as customer_id
    from months as here
    full join months as before
        on here.customer_id = before.customer_id
        and here.month_number = before.month_number + 1
)

select
    concat(
        lpad(cast((month_number - 1) / 12 as text), 4, '0'), '-',
        lpad(cast((month_number - 1) % 12 + 1 as text), 2, '0')
    ) as period,
    from_band,
    to_band,
    count(*) as customers,
    case
        when from_band <> to_band and from_band <> 'new'
            then array_agg(customer_id order by customer_id)
    end as customer_ids
from moves
where month_number <= (select max(month_number) from months)
group by month_number, from_band, to_band
order by month_number, from_band, to_band

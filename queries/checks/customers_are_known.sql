-- Claim:       Every customer that calls is in customers, once for a time, with a tier that has a band.
-- Severity:    warning
-- Grain:       one row per customer
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.

select
    period,
    customer_id,
    tier,
    case
        when mrr is null then 'no row in force'
        else 'no band for the tier'
    end as finding,
    cost,
    currency
from allocation(period => $period)
where customer_id is not null and (mrr is null or (mrr > 0 and margin_band(tier, 0, 1) is null))
union all by name
-- One of them would be taken, and nobody would know which.
select customer_id, 'several rows from one day on' as finding
from customers
group by customer_id, effective_from
having count(*) > 1
order by period, customer_id, currency

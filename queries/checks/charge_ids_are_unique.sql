-- Claim:       A charge_id stands on one row of a month's bill.
-- Severity:    warning
-- Grain:       one row per input, provider, period, finding and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       Rows that are equal in all but their amounts are one charge and are summed; if a file
--              repeats a row, its amount counts twice. Rows that differ are charges of their own.

with

rows as (
    select
        input,
        canonical('provider', provider, charge_period_start) as provider,
        billing_period as period,
        currency,
        charge_id,
        count(*) as rows,
        count(distinct billed_cost) as amounts,
        sum(billed_cost) as billed_cost
    from billing
    where charge_id is not null and billing_period between $period_first and $period_last
    group by
        input, canonical('provider', provider, charge_period_start), billing_period, currency,
        charge_id
    having count(*) > 1
),

charges as (
    select input, provider, period, currency, charge_id, count(*) as charges
    from charges(period => $period)
    where selected and charge_id is not null
    group by input, provider, period, currency, charge_id
),

judged as (
    select
        rows.*,
        case
            when charges.charges > 1 then 'rows that differ: each is a charge'
            when rows.amounts > 1 then 'rows of one charge: their amounts are summed'
            else 'equal rows: is the file repeated?'
        end as finding
    from rows
    inner join charges
        on (rows.input is not distinct from charges.input)
        and (rows.provider is not distinct from charges.provider)
        and rows.period = charges.period
        and (rows.currency is not distinct from charges.currency)
        and rows.charge_id = charges.charge_id
)

select
    period,
    provider,
    input,
    finding,
    count(*) as charge_ids,
    sum(rows) as rows,
    min(charge_id) as for_example,
    sum(billed_cost) as billed_cost,
    currency
from judged
group by period, provider, input, finding, currency
order by period, provider, input, finding, currency

-- Claim:       Every charge has a provider, a billing period, a currency and a charge period.
-- Severity:    error
-- Grain:       one row per input and what is missing
-- Notes:       Such a charge belongs to no month, so no report would show it.

with

judged as (
    select
        input,
        charge_id,
        billed_cost,
        case
            when provider is null then 'no provider'
            when billing_period is null then 'no billing_period'
            when not regexp_like(billing_period, '^[0-9]{4}-(0[1-9]|1[0-2])$')
                then 'billing_period is not a month: ' || billing_period
            when currency is null then 'no currency'
            when billed_cost is null then 'no billed_cost'
            when charge_period_start is null or charge_period_end is null then 'no charge period'
            when charge_period_end < charge_period_start then 'the charge period ends before it starts'
            when charge_category is null then 'no charge_category'
            when charge_category not in ('Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment')
                then 'unknown charge_category: ' || charge_category
        end as finding
    from billing
)

select
    input,
    finding,
    count(*) as charges,
    min(charge_id) as for_example,
    sum(billed_cost) as billed_cost
from judged
where finding is not null
group by input, finding
order by input, finding

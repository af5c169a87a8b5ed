-- Claim:       The ledger has calls of its provider in the time of each charge, and spans it.
-- Severity:    warning
-- Grain:       one row per period, provider, finding and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       Usage and Purchase charges of inference that name no request. Their time is compared by
--              the day, with the first and the last call of whatever provider.

with

calls as (
    select provider, cast(slot_start as date) as day
    from usage_cells(period => $period)
    where not response_cached
    group by provider, cast(slot_start as date)
),

ledger_days as (
    select min(day) as first_day, max(day) as last_day from calls
),

charges as (
    select
        charge_key,
        charge_id,
        period,
        provider,
        amount,
        currency,
        cast(charge_period_start as date) as first_day,
        cast(charge_period_end - interval '1 microsecond' as date) as last_day
    from charges(period => $period)
    where
        selected
        and scope = 'inference'
        and charge_category in ('Usage', 'Purchase')
        and request_id is null
        and amount <> 0
),

called as (
    select distinct charges.charge_key, charges.period
    from charges
    inner join calls
        on charges.provider = calls.provider
        and calls.day between charges.first_day and charges.last_day
),

judged as (
    select
        charges.*,
        ledger_days.first_day as first_called,
        ledger_days.last_day as last_called,
        case
            when called.charge_key is null then 'no call of the provider in the days of the charge'
            when charges.first_day < ledger_days.first_day then 'the charge starts before the ledger'
            when charges.last_day > ledger_days.last_day then 'the charge ends after the ledger'
        end as finding
    from charges
    cross join ledger_days
    left join called
        on charges.charge_key = called.charge_key
        and charges.period = called.period
)

select
    period,
    provider,
    finding,
    count(*) as charges,
    min(charge_id) as for_example,
    sum(amount) as billed_cost,
    currency,
    min(first_day) as first_billed_day,
    max(last_day) as last_billed_day,
    first_called as first_ledger_day,
    last_called as last_ledger_day
from judged
where finding is not null
group by period, provider, finding, currency, first_called, last_called
order by period, provider, finding, currency

-- Claim:       An invoice's total is the sum of the charges that name it.
-- Severity:    error
-- Grain:       one row per provider, invoice and currency that differs
-- Parameters:
--   tolerance  decimal = 0.01   The least difference that counts: invoices are rounded to cents.
-- Notes:       Of all months, whatever the charges are for: an invoice is not of inference alone. A
--              difference is a part of the bill that is not here, or is here twice.

with

stated as (
    select
        canonical('provider', provider) as provider,
        invoice_id,
        currency,
        sum(total) as invoice_total
    from invoices
    group by canonical('provider', provider), invoice_id, currency
),

charged as (
    select
        canonical('provider', provider) as provider,
        invoice_id,
        currency,
        count(*) as charges,
        min(charge_id) as for_example,
        min(billing_period) as first_billing_period,
        max(billing_period) as last_billing_period,
        sum(billed_cost) as billed_cost
    from billing
    where invoice_id is not null
    group by canonical('provider', provider), invoice_id, currency
),

-- Charges in another currency than their invoice are a difference too.
compared as (
    select
        coalesce(stated.provider, charged.provider) as provider,
        coalesce(stated.invoice_id, charged.invoice_id) as invoice_id,
        coalesce(stated.currency, charged.currency) as currency,
        coalesce(stated.invoice_total, 0.000000000000) as invoice_total,
        coalesce(charged.billed_cost, 0.000000000000) as billed_cost,
        coalesce(charged.charges, 0) as charges,
        charged.for_example,
        charged.first_billing_period,
        charged.last_billing_period
    from stated
    full join charged
        on stated.provider = charged.provider
        and stated.invoice_id = charged.invoice_id
        and stated.currency = charged.currency
)

select
    compared.provider,
    compared.invoice_id,
    compared.invoice_total,
    compared.billed_cost,
    compared.invoice_total - compared.billed_cost as difference,
    compared.currency,
    compared.charges,
    compared.for_example,
    compared.first_billing_period,
    compared.last_billing_period
from compared
inner join (select distinct provider, invoice_id from stated) as known
    on compared.provider = known.provider
    and compared.invoice_id = known.invoice_id
where abs(compared.invoice_total - compared.billed_cost) >= $tolerance
order by compared.provider, compared.invoice_id, compared.currency

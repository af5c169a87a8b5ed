-- Question:    Does every unit of the bill arrive, and how does the bill stand to list prices?
-- Grain:       one row per input, provider, period and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   currency   text = NULL   Also show what converting the charges to it rounds.
--   missing    scale|leave = 'scale'   As in attributed_costs.
--   monthly    bill|ledger = 'bill'   As in attributed_costs.
--   salt       text = ''   As in attributed_costs.
-- Notes:       control_total is the input's own sum over its raw column. control_total +
--              import_rounding = inference + out_of_scope, and inference = tagged_cost + request_cost +
--              usage_cost + unattributed_cost: difference is what is left, and is zero.
--              list_cost, and variance, which is the bill less it, are of the provider over all its
--              inputs, where both are known in one currency; cost_variance says why. untested names
--              dimensions that charges state and no call carries.

with

control as (
    select
        input,
        canonical('provider', provider, try_cast(billing_period || '-01' as timestamp(6))) as provider,
        billing_period as period,
        currency,
        sum(control_total) as control_total
    from control_totals
    where billing_period between $period_first and $period_last
    group by
        input, canonical('provider', provider, try_cast(billing_period || '-01' as timestamp(6))),
        billing_period, currency
),

imported as (
    select
        input,
        canonical('provider', provider, try_cast(billing_period || '-01' as timestamp(6))) as provider,
        billing_period as period,
        currency,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(case when charge_category = 'Purchase' then billed_cost else 0 end) as prepaid_cost
    from billing
    where billing_period between $period_first and $period_last
    group by
        input, canonical('provider', provider, try_cast(billing_period || '-01' as timestamp(6))),
        billing_period, currency
),

charges as (
    select * from charges(period => $period)
    where selected
),

out_of_scope as (
    select input, provider, period, currency, sum(amount) as cost
    from charges
    where scope <> 'inference'
    group by input, provider, period, currency
),

attributed as (
    select
        input,
        provider,
        period,
        currency,
        sum(case when method = 'tag' then cost else 0 end) as tagged_cost,
        sum(case when method = 'request' then cost else 0 end) as request_cost,
        sum(case when method = 'usage' then cost else 0 end) as usage_cost,
        sum(case when method = 'unattributed' then cost else 0 end) as unattributed_cost,
        sum(cost) as cost
    from attributed_costs(
        period => $period, missing => $missing, monthly => $monthly, salt => $salt
    )
    group by input, provider, period, currency
),

-- The list cost of the provider's calls of the month, once per provider and not per input.
listed as (
    select provider, period, price_currency as currency, sum(list_cost) as list_cost
    from usage_cells(period => $period)
    where period between $period_first and $period_last
    group by provider, period, price_currency
),

counted as (
    select
        charges.input,
        charges.provider,
        charges.period,
        charges.currency,
        sum(cells.tokens) as covered_tokens,
        sum(charges.stated_tokens) as stated_tokens
    from resolved_charges(period => $period, salt => $salt) as charges
    inner join (
        select charge_number, sum(type_tokens + type_tokens_unpriced) as tokens
        from charge_usage(period => $period, salt => $salt)
        group by charge_number
    ) as cells on charges.charge_number = cells.charge_number
    where charges.selected and charges.stated_tokens is not null
    group by charges.input, charges.provider, charges.period, charges.currency
),

dimensions as (
    select input, provider, period, currency, 'sub_account' as dimension
    from resolved_charges(period => $period, salt => $salt)
    where selected and request_id is null and sub_account is not null and not tests_sub_account
    union
    select input, provider, period, currency, 'model' as dimension
    from resolved_charges(period => $period, salt => $salt)
    where selected and request_id is null and model is not null and not tests_model
    union
    select input, provider, period, currency, 'service_tier' as dimension
    from resolved_charges(period => $period, salt => $salt)
    where selected and request_id is null and service_tier is not null and not tests_service_tier
),

untested as (
    select
        input, provider, period, currency,
        string_agg(dimension, ', ' order by dimension) as dimensions
    from dimensions
    group by input, provider, period, currency
),

invoiced as (
    select
        charges.input,
        charges.provider,
        charges.period,
        charges.currency,
        sum(invoices.total) as invoice_total
    from (
        select distinct input, provider, period, currency, invoice_id from charges
    ) as charges
    inner join invoices
        on charges.provider = canonical('provider', invoices.provider)
        and charges.invoice_id = invoices.invoice_id
        and charges.currency = invoices.currency
    group by charges.input, charges.provider, charges.period, charges.currency
),

rates as (
    select period, from_currency, to_currency, max(rate) as rate
    from fx_rates
    group by period, from_currency, to_currency
),

converted as (
    select
        charges.input,
        charges.provider,
        charges.period,
        charges.original_currency as currency,
        sum(charges.amount) as converted_cost,
        sum(
            cast(charges.amount as decimal(76, 24))
            - cast(charges.original_amount as decimal(76, 12)) * rates.rate
        ) as conversion_rounding
    from charges(period => $period, currency => $currency) as charges
    inner join rates
        on charges.period = rates.period
        and charges.original_currency = rates.from_currency
        and charges.currency = rates.to_currency
    where charges.selected and charges.currency <> charges.original_currency
    group by charges.input, charges.provider, charges.period, charges.original_currency
)

select
    imported.period,
    imported.provider,
    imported.input,
    control.control_total,
    imported.billed_cost - control.control_total as import_rounding,
    coalesce(attributed.cost, 0.000000000000) as inference,
    coalesce(out_of_scope.cost, 0.000000000000) as out_of_scope,
    coalesce(attributed.tagged_cost, 0.000000000000) as tagged_cost,
    coalesce(attributed.request_cost, 0.000000000000) as request_cost,
    coalesce(attributed.usage_cost, 0.000000000000) as usage_cost,
    coalesce(attributed.unattributed_cost, 0.000000000000) as unattributed_cost,
    to_amount(
        control.control_total
        + (imported.billed_cost - control.control_total)
        - coalesce(out_of_scope.cost, 0)
        - coalesce(attributed.tagged_cost, 0)
        - coalesce(attributed.request_cost, 0)
        - coalesce(attributed.usage_cost, 0)
        - coalesce(attributed.unattributed_cost, 0)
    ) as difference,
    listed.list_cost,
    sum(attributed.cost) over (
        partition by imported.period, imported.provider, imported.currency
    ) - listed.list_cost as variance,
    rounded_ratio(counted.covered_tokens, counted.stated_tokens, 6) as coverage,
    imported.billed_cost,
    imported.effective_cost,
    imported.prepaid_cost,
    invoiced.invoice_total,
    converted.converted_cost,
    converted.conversion_rounding,
    untested.dimensions as untested,
    imported.currency
from imported
inner join control
    on (imported.input is not distinct from control.input)
    and (imported.provider is not distinct from control.provider)
    and imported.period = control.period
    and (imported.currency is not distinct from control.currency)
left join attributed
    on (imported.input is not distinct from attributed.input)
    and (imported.provider is not distinct from attributed.provider)
    and imported.period = attributed.period
    and (imported.currency is not distinct from attributed.currency)
left join out_of_scope
    on (imported.input is not distinct from out_of_scope.input)
    and (imported.provider is not distinct from out_of_scope.provider)
    and imported.period = out_of_scope.period
    and (imported.currency is not distinct from out_of_scope.currency)
left join listed
    on (imported.provider is not distinct from listed.provider)
    and imported.period = listed.period
    and (imported.currency is not distinct from listed.currency)
left join counted
    on (imported.input is not distinct from counted.input)
    and (imported.provider is not distinct from counted.provider)
    and imported.period = counted.period
    and (imported.currency is not distinct from counted.currency)
left join invoiced
    on (imported.input is not distinct from invoiced.input)
    and (imported.provider is not distinct from invoiced.provider)
    and imported.period = invoiced.period
    and (imported.currency is not distinct from invoiced.currency)
left join converted
    on (imported.input is not distinct from converted.input)
    and (imported.provider is not distinct from converted.provider)
    and imported.period = converted.period
    and (imported.currency is not distinct from converted.currency)
left join untested
    on (imported.input is not distinct from untested.input)
    and (imported.provider is not distinct from untested.provider)
    and imported.period = untested.period
    and (imported.currency is not distinct from untested.currency)
order by imported.period, imported.provider, imported.input, imported.currency

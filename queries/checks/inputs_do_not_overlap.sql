-- Claim:       No two inputs of a relation hold the same calls or the same charges.
-- Severity:    error
-- Grain:       one row per relation, the inputs that overlap, and provider and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Reads first:
--   is_of_several boolean = (select count(distinct input) > 1 from ledger)
-- Notes:       What is read twice counts twice. A call is the same if its request_id is, or, where it
--              has none, all that the ledger says of it; a charge if its charge_id, period,
--              dimensions and amount are. Amounts of zero do not count.

with

calls as (
    select
        provider,
        coalesce(
            request_id,
            md5(concat_ws(
                chr(31), coalesce(model, ''), charged_at, called_at, coalesce(customer_id, ''),
                coalesce(session_id, ''), coalesce(sub_account, ''), coalesce(service_tier, ''),
                coalesce(feature, ''), coalesce(query_type, ''), coalesce(input_tokens, -1),
                coalesce(output_tokens, -1)
            ))
        ) as call,
        min(request_id) as request_id,
        string_agg(distinct input, ', ' order by input) as inputs,
        count(*) as rows
    from priced_calls(period => $period)
    where $is_of_several
    group by all
    having count(distinct input) > 1
),

charges as (
    select
        provider,
        currency,
        charge_id,
        amount,
        string_agg(distinct input, ', ' order by input) as inputs,
        count(*) as rows
    from charges(period => $period)
    where selected and amount <> 0
    group by
        provider, currency, charge_id, amount, sub_account, model, service_tier, token_type,
        request_id, customer_tag, scope, charge_category, charge_period_start, charge_period_end,
        period
    having count(distinct input) > 1
)

select
    'ledger' as relation,
    inputs,
    provider,
    count(*) as held_twice,
    sum(rows) as rows,
    min(request_id) as for_example,
    arrow_cast(null, 'Decimal128(38, 12)') as billed_cost,
    arrow_cast(null, 'Utf8') as currency
from calls
group by inputs, provider
union all by name
select
    'billing' as relation,
    inputs,
    provider,
    count(*) as held_twice,
    sum(rows) as rows,
    min(charge_id) as for_example,
    sum(amount) as billed_cost,
    currency
from charges
group by inputs, provider, currency
order by relation, inputs, provider, currency

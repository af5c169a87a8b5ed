-- Question:    Which charges does a period's bill hold, once names and currency are settled?
-- Grain:       one row per charge and period; rows of the bill that are equal in all but their amounts are one charge
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   What was invoiced, or prepayments spread over their use.
--   currency   text = NULL   Convert every charge to it, once, where fx_rates has a rate.
-- Refused:     (
--       with
--       months as (
--           select
--               billing_month(month_start) as month,
--               cast(month_start as timestamp(6)) as month_start,
--               cast(month_start + interval '1 month' as timestamp(6)) as month_end
--           from unnest(
--               generate_series($period_start, $period_end - interval '1 day', interval '1 month')
--           ) as months (month_start)
--       ),
--       unbilled as (
--           select month from months
--           where not exists (
--               select 1 from billing
--               where
--                   billing_period = month
--                   or (charge_period_start < month_end and charge_period_end > month_start)
--           )
--       ),
--       called as (
--           select billing_month(coalesce(completed_at, called_at)) as month from ledger
--           where
--               (completed_at is null and called_at >= $period_start and called_at < $period_end)
--               or (completed_at >= $period_start and completed_at < $period_end)
--       )
--       select
--           concat(
--               'there is nothing in ', string_agg(month, ', ' order by month),
--               ': no charge and no call'
--           ) as problem,
--           concat(
--               'the bill has the months ',
--               (select string_agg(distinct billing_period, ', ' order by billing_period) from billing)
--           ) as hint
--       from unbilled
--       where month not in (select month from called)
--       having count(*) > 0
--       union all
--       select
--           concat(
--               'charges without a billed_cost: ', count(*), ', the first is ',
--               first_value(
--                   concat(coalesce(charge_id, 'one without a charge_id'), ' of ', coalesce(provider, 'no provider'))
--                   order by charge_id, provider
--               )
--           ) as problem,
--           'run `apportion check`, which lists them' as hint
--       from billing
--       where billed_cost is null and billing_period between $period_first and $period_last
--       having count(*) > 0
--       union all
--       select
--           concat(
--               'rates that are not above zero: ', count(*), ', the first is ',
--               min(concat(
--                   'that from ', from_currency, ' to ', to_currency, ' in ', period, ', ',
--                   cast(rate as text)
--               ))
--           ) as problem,
--           'correct fx_rates; `apportion check` lists them' as hint
--       from fx_rates
--       where rate <= 0 and period between $period_first and $period_last
--       having count(*) > 0
--   )
-- Notes:       Charges of other billing periods that reach into the asked months are here too, with
--              selected = false: they bill calls of these months, and add no cost to them.
--              stated_tokens is what the provider counted: the charge's own quantity where its unit is
--              one of tokens, else the rows of provider_usage that agree with every dimension the
--              charge states and lie in its period. A charge that names a customer or a request takes
--              none of the report, and the report tells only all, all input and output tokens.

with

-- An effective cost that only some of the equal rows state would lose the others' billed cost.
summed as (
    select
        input,
        charge_id,
        canonical('provider', provider, charge_period_start) as provider,
        canonical('sub_account', sub_account, charge_period_start) as sub_account,
        canonical('model', model, charge_period_start) as model,
        case service_tier when 'default' then 'standard' else service_tier end as service_tier,
        token_type,
        request_id,
        coalesce(
            canonical('customer', customer_tag, charge_period_start),
            canonical(
                'sub_account_customer',
                canonical('sub_account', sub_account, charge_period_start),
                charge_period_start
            )
        ) as customer_tag,
        coalesce(scope, 'inference') as scope,
        charge_category,
        charge_period_start,
        charge_period_end,
        billing_period,
        currency,
        consumed_unit,
        commitment_discount_status,
        invoice_id,
        sum(billed_cost) as billed_cost,
        case
            when count(effective_cost) > 0 then sum(coalesce(effective_cost, billed_cost))
        end as effective_cost,
        sum(consumed_quantity) as consumed_quantity
    from billing
    group by all
),

rates as (
    select period, from_currency, max(rate) as rate
    from fx_rates
    where to_currency = $currency
    group by period, from_currency
),

charged as (
    select
        *,
        case
            when $basis = 'effective' then coalesce(effective_cost, billed_cost)
            else billed_cost
        end as original_amount
    from summed
),

-- Converted before anything is split: the rounding is then one per charge, and can be shown.
converted as (
    select
        charged.* replace (
            case when rates.rate is null then charged.currency else $currency end as currency
        ),
        md5(concat_ws(
            chr(31), coalesce(input, ''), coalesce(charge_id, ''), coalesce(provider, ''),
            coalesce(sub_account, ''),
            coalesce(model, ''), coalesce(service_tier, ''), coalesce(token_type, ''),
            coalesce(request_id, ''), coalesce(customer_tag, ''), scope, charge_category,
            coalesce(cast(cast(charge_period_start as bigint) as text), ''),
            coalesce(cast(cast(charge_period_end as bigint) as text), ''), billing_period,
            coalesce(charged.currency, ''),
            coalesce(consumed_unit, ''), coalesce(commitment_discount_status, ''),
            coalesce(invoice_id, '')
        )) as charge_key,
        charged.currency as original_currency,
        case
            when rates.rate is null then original_amount
            else converted_amount(original_amount, rates.rate)
        end as amount,
        coalesce(
            $basis = 'effective'
            and effective_cost is null
            and charge_period_end - charge_period_start
            > try_cast(billing_period || '-01' as timestamp(6)) + interval '1 month'
            - try_cast(billing_period || '-01' as timestamp(6)),
            false
        ) as is_spread
    from charged
    left join rates
        on charged.billing_period = rates.period
        and charged.currency = rates.from_currency
        and charged.currency <> $currency
),

-- A prepayment without an effective cost belongs to its days; their sum is the payment. They are counted,
-- for a series of instants has no year beyond 2262.
days as (
    select
        charge_key,
        charge_period_start,
        charge_period_end,
        amount,
        cast(
            arrow_cast(
                unnest(generate_series(
                    cast(cast(charge_period_start as date) as integer),
                    cast(cast(charge_period_end - interval '1 microsecond' as date) as integer)
                )),
                'Date32'
            ) as timestamp(6)
        ) as day
    from converted
    where is_spread
),

daily as (
    select
        *,
        apportion(
            amount,
            cast(
                least(charge_period_end, day + interval '1 day') as bigint
            ) - cast(greatest(charge_period_start, day) as bigint)
        ) over (partition by charge_key order by day) as day_amount
    from days
),

pieces as (
    select
        charge_key,
        billing_month(day) as period,
        greatest(min(charge_period_start), min(day)) as piece_start,
        least(max(charge_period_end), max(day) + interval '1 day') as piece_end,
        sum(day_amount) as amount
    from daily
    group by charge_key, billing_month(day)
),

periodic as (
    select
        * exclude (is_spread),
        billing_period as period
    from converted
    where not is_spread
    union all by name
    select
        converted.* exclude (is_spread) replace (
            pieces.piece_start as charge_period_start,
            pieces.piece_end as charge_period_end,
            pieces.amount as amount,
            pieces.amount as original_amount,
            -- Of the whole payment, and of no month.
            cast(NULL as decimal(38, 12)) as consumed_quantity
        ),
        pieces.period
    from converted
    inner join pieces on converted.charge_key = pieces.charge_key
),

reported as (
    select
        canonical('provider', provider, period_start) as provider,
        canonical('sub_account', sub_account, period_start) as sub_account,
        canonical('model', model, period_start) as model,
        case service_tier when 'default' then 'standard' else service_tier end as service_tier,
        period_start,
        period_end,
        cast(input_tokens as decimal(38, 12)) as input_tokens,
        cast(output_tokens as decimal(38, 12)) as output_tokens,
        case
            when input_tokens is not null or output_tokens is not null
                then cast(coalesce(input_tokens, 0) as decimal(38, 12)) + coalesce(output_tokens, 0)
        end as tokens
    from provider_usage
),

keyed as (
    select
        charge_key,
        period,
        provider,
        token_type,
        charge_period_start,
        charge_period_end,
        sub_account is not null as states_sub_account,
        model is not null as states_model,
        service_tier is not null as states_service_tier,
        coalesce(sub_account, '') as key_sub_account,
        coalesce(model, '') as key_model,
        coalesce(service_tier, '') as key_service_tier
    from periodic
    where
        charge_category in ('Usage', 'Purchase')
        and request_id is null
        and customer_tag is null
),

-- A row of the report as each set of stated dimensions sees it: what is not stated is blank on both
-- sides, and what is stated and not reported is NULL, which equals nothing.
shaped as (
    select
        shapes.*,
        case when states_sub_account then reported.sub_account else '' end as key_sub_account,
        case when states_model then reported.model else '' end as key_model,
        case when states_service_tier then reported.service_tier else '' end as key_service_tier,
        reported.period_start,
        reported.period_end,
        reported.input_tokens,
        reported.output_tokens,
        reported.tokens
    from reported
    inner join (
        select distinct provider, states_sub_account, states_model, states_service_tier from keyed
    ) as shapes on reported.provider = shapes.provider
),

counted as (
    select
        keyed.charge_key,
        keyed.period,
        sum(
            case
                when keyed.token_type is null then shaped.tokens
                when keyed.token_type = 'all_input' then shaped.input_tokens
                when keyed.token_type = 'output' then shaped.output_tokens
            end
        ) as tokens
    from keyed
    inner join shaped
        on keyed.provider = shaped.provider
        and keyed.states_sub_account = shaped.states_sub_account
        and keyed.states_model = shaped.states_model
        and keyed.states_service_tier = shaped.states_service_tier
        and keyed.key_sub_account = shaped.key_sub_account
        and keyed.key_model = shaped.key_model
        and keyed.key_service_tier = shaped.key_service_tier
        and shaped.period_start >= keyed.charge_period_start
        and shaped.period_end <= keyed.charge_period_end
    group by keyed.charge_key, keyed.period
)

select
    periodic.*,
    periodic.period between $period_first and $period_last as selected,
    coalesce(
        consumed_quantity * case lower(consumed_unit)
            when 'token' then 1
            when 'tokens' then 1
            when '1k tokens' then 1000
            when '1000 tokens' then 1000
            when '1000_tokens' then 1000
            when '1m tokens' then 1000000
            when '1000000 tokens' then 1000000
        end,
        counted.tokens
    ) as stated_tokens
from periodic
left join counted
    on periodic.charge_key = counted.charge_key
    and periodic.period = counted.period
where
    periodic.period between $period_first and $period_last
    or (
        scope = 'inference'
        and charge_category in ('Usage', 'Purchase')
        and charge_period_start < $period_end
        and charge_period_end > $period_start
    )

-- Question:    By how much does the bill differ from the list cost of the month's calls, and why?
-- Grain:       one row per period, provider, day, model, cause and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   currency   text = NULL   Convert every charge to it where fx_rates has a rate.
--   salt       text = ''   As in attributed_costs.
-- Ties to:     reconciliation
-- Notes:       variance = billed_cost - list_cost, row by row; both sum to the inference and the list
--              cost of reconciliation, where that knows both in one currency. Each unit billed and
--              each unit of list cost has one cause, the first of these that holds:
--              credits and taxes: the charge is neither Usage nor Purchase;
--              unknown request, unknown tag: it names one that nobody knows;
--              missing calls: 1 - coverage of a charge whose tokens the ledger does not have;
--              charges without calls: nothing that the charge covers weighs anything;
--              another month: billed here for calls of another month, or the list cost of calls that
--              only another month's bill covers;
--              unpriced calls: billed for calls without a price, or with one in a currency that has
--              no rate;
--              unbilled calls: the list cost of calls that no charge covers;
--              price: billed for priced calls beside their list cost: discounts, contracts, fees.
--              A part of a charge stands on the model and the days of the calls that bear it, by
--              weight; where there are none in the month, on what the charge itself states: its
--              model, and its day if it is no longer than one. Otherwise they are NULL.

with

charges as (
    select
        *,
        case
            when
                cast(charge_period_start as date)
                = cast(charge_period_end - interval '1 microsecond' as date)
                then cast(charge_period_start as date)
        end as own_day
    from resolved_charges(period => $period, currency => $currency, salt => $salt, depth => 2)
),

parts as (
    select
        charge_key,
        period,
        model,
        case
            when (charge_category in ('Usage', 'Purchase')) is not true then 'credits and taxes'
            when reason = 'not in the ledger' then 'missing calls'
            when reason in ('unknown request', 'unknown tag') then reason
            when reason in ('no calls covered', 'no weight', 'idle') then 'charges without calls'
        end as cause,
        sum(cost) as cost
    from attributed_costs(
        period => $period, by => 'model', currency => $currency, missing => 'leave', salt => $salt
    )
    group by all
),

-- Days are told apart in the asked months alone: what lies in another has no day here.
weights as (
    select
        charges.charge_key,
        charges.period,
        usage.model,
        case when billing_month(usage.day) = charges.period then usage.day end as day,
        case
            when billing_month(usage.day) <> charges.period then 'another month'
            when usage.is_priced then 'price'
            else 'unpriced calls'
        end as cause,
        sum(usage.weight) as weight
    from weighed_usage(
        period => $period, currency => $currency, salt => $salt, depth => 2, by_day => true
    ) as usage
    inner join charges on usage.charge_number = charges.charge_number
    where usage.weight > 0
    group by all
),

-- A part without calls of its model is whole, and stands where its charge says.
laid as (
    select
        charges.period,
        charges.provider,
        charges.currency,
        coalesce(weights.day, charges.own_day) as day,
        case
            when weights.weight is null then coalesce(parts.model, charges.model)
            else parts.model
        end as model,
        coalesce(parts.cause, weights.cause, 'charges without calls') as cause,
        apportion_down(parts.cost, coalesce(weights.weight, 1)) over (
            partition by parts.charge_key, parts.period, parts.model, parts.cause
            order by weights.day, weights.cause
        ) as cost
    from parts
    inner join charges
        on parts.charge_key = charges.charge_key
        and parts.period = charges.period
    left join weights
        on parts.charge_key = weights.charge_key
        and parts.period = weights.period
        and (parts.model is not distinct from weights.model)
        and coalesce(parts.cause, 'credits and taxes') = 'credits and taxes'
),

covered as (
    select
        places.slot_start,
        places.provider,
        places.sub_account,
        places.model,
        places.tier,
        places.named_customer_id,
        places.billed_request_id,
        bool_or(places.period = charges.period) as is_of_its_month
    from covered_places(
        period => $period, currency => $currency, salt => $salt, depth => 2
    ) as places
    inner join charges on places.charge_number = charges.charge_number
    where charges.charge_category in ('Usage', 'Purchase')
    group by
        places.slot_start, places.provider, places.sub_account, places.model, places.tier,
        places.named_customer_id, places.billed_request_id
),

called as (
    select
        period, slot_start, provider, sub_account, model, tier, named_customer_id,
        billed_request_id, price_currency,
        sum(list_cost) as list_cost
    from placed_cells(period => $period, currency => $currency, salt => $salt, depth => 2)
    where period between $period_first and $period_last and list_cost <> 0
    group by
        period, slot_start, provider, sub_account, model, tier, named_customer_id,
        billed_request_id, price_currency
),

listed as (
    select
        called.period,
        called.provider,
        cast(called.slot_start as date) as day,
        called.model,
        case
            when covered.is_of_its_month then 'price'
            when covered.slot_start is not null then 'another month'
            else 'unbilled calls'
        end as cause,
        called.price_currency,
        sum(called.list_cost) as list_cost
    from called
    left join covered
        on called.slot_start = covered.slot_start
        and (called.provider is not distinct from covered.provider)
        and (called.sub_account is not distinct from covered.sub_account)
        and (called.model is not distinct from covered.model)
        and (called.tier is not distinct from covered.tier)
        and (called.named_customer_id is not distinct from covered.named_customer_id)
        and (called.billed_request_id is not distinct from covered.billed_request_id)
    group by all
),

rates as (
    select period, from_currency, to_currency, max(rate) as rate
    from fx_rates
    group by period, from_currency, to_currency
),

-- List cost stands in the currency that the provider bills in: its own, if that is one of several.
currencies as (
    select
        listed.period,
        listed.provider,
        listed.price_currency,
        coalesce(
            first_value(
                billed.currency
                order by billed.currency <> listed.price_currency, billed.currency
            ),
            $currency,
            listed.price_currency
        ) as currency,
        count(billed.currency) > 0 as is_billed
    from (select distinct period, provider, price_currency from listed) as listed
    left join (
        select distinct period, provider, currency from charges where selected
    ) as billed
        on listed.period = billed.period
        and (listed.provider is not distinct from billed.provider)
    group by listed.period, listed.provider, listed.price_currency
),

stated as (
    select
        listed.* exclude (price_currency, list_cost),
        case
            when listed.price_currency = currencies.currency then listed.list_cost
            when rates.rate is not null then converted_amount(listed.list_cost, rates.rate)
            when not currencies.is_billed then listed.list_cost
        end as list_cost,
        case
            when rates.rate is null and not currencies.is_billed then listed.price_currency
            else currencies.currency
        end as currency
    from listed
    inner join currencies
        on listed.period = currencies.period
        and (listed.provider is not distinct from currencies.provider)
        and listed.price_currency = currencies.price_currency
    left join rates
        on listed.period = rates.period
        and listed.price_currency = rates.from_currency
        and currencies.currency = rates.to_currency
),

sides as (
    select
        period, provider, day, model, cause,
        cost as billed_cost,
        0.000000000000 as list_cost,
        currency
    from laid
    where cost <> 0
    union all by name
    select
        period, provider, day, model, cause,
        0.000000000000 as billed_cost,
        list_cost,
        currency
    from stated
    where list_cost is not null
)

select
    period,
    provider,
    day,
    model,
    cause,
    sum(billed_cost) as billed_cost,
    sum(list_cost) as list_cost,
    sum(billed_cost) - sum(list_cost) as variance,
    currency
from sides
group by period, provider, day, model, cause, currency
order by period, provider, currency, day nulls last, model nulls last, cause

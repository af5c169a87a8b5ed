-- Question:    What did each party use of what each charge is split over?
-- Grain:       one row per charge, customer, and group of calls below the customer; with by_day also
--              per day of the calls, and whether they have a price
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
--   by_day     boolean = false   Whether days, and priced and unpriced calls, stand apart.
-- Notes:       Everything that may weigh is here, by what it is for: the charge's token type, all input,
--              the whole call. What has a price and what has none are counted apart.

with

charges as (
    select charge_number, period, token_type, customer_id, way, currency
    from resolved_charges(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where selected
),

rates as (
    select period, from_currency, to_currency, max(rate) as rate
    from fx_rates
    group by period, from_currency, to_currency
),

-- A price in a currency that has no rate counts as no price.
bearing as (
    select
        charges.charge_number,
        charges.token_type,
        charges.way,
        charges.customer_id as tagged_customer_id,
        places.slot_start,
        places.provider,
        places.sub_account,
        places.model,
        places.tier,
        places.named_customer_id,
        places.billed_request_id,
        places.price_currency,
        case
            when places.price_currency = charges.currency then 1.000000000000
            else rates.rate
        end as rate
    from covered_places(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    ) as places
    inner join charges on places.charge_number = charges.charge_number
    left join rates
        on charges.period = rates.period
        and places.price_currency = rates.from_currency
        and charges.currency = rates.to_currency
    where places.bears
),

rated as (
    select
        bearing.charge_number,
        bearing.token_type,
        bearing.rate,
        case when bearing.way = 'tag' then bearing.tagged_customer_id else cells.customer_id end
            as customer_id,
        case when $by_day then cast(bearing.slot_start as date) end as day,
        cells.* exclude (
            customer_id, named_customer_id, slot_start, provider, sub_account, service_tier, tier,
            billed_request_id, price_currency, period
        )
    from bearing
    inner join placed_cells(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    ) as cells
        on (bearing.slot_start is not distinct from cells.slot_start)
        and (bearing.provider is not distinct from cells.provider)
        and (bearing.sub_account is not distinct from cells.sub_account)
        and (bearing.model is not distinct from cells.model)
        and (bearing.tier is not distinct from cells.tier)
        and (bearing.named_customer_id is not distinct from cells.named_customer_id)
        and (bearing.billed_request_id is not distinct from cells.billed_request_id)
        and (bearing.price_currency is not distinct from cells.price_currency)
),

-- A ledger's own list cost is not known by token type.
typed as (
    select
        *,
        rate is not null and priced_by = 'book' as is_priced_by_type,
        rate is not null and priced_by in ('book', 'ledger') as is_priced,
        case token_type
            when 'input' then input_cost
            when 'cache_read' then cache_read_cost
            when 'cache_write' then cache_write_5m_cost + cache_write_1h_cost
            when 'cache_write_5m' then cache_write_5m_cost
            when 'cache_write_1h' then cache_write_1h_cost
            when 'all_input' then input_cost + cache_read_cost + cache_write_5m_cost + cache_write_1h_cost
            when 'output' then output_cost
        end as type_cost,
        case
            when token_type is null then all_input_weight + output_weight
            when token_type = 'input' then input_weight
            when token_type = 'cache_read' then cache_read_weight
            when token_type = 'cache_write' then cache_write_weight
            when token_type = 'cache_write_5m' then cache_write_5m_weight
            when token_type = 'cache_write_1h' then cache_write_1h_weight
            when token_type = 'all_input' then all_input_weight
            when token_type = 'output' then output_weight
            else 0
        end as type_tokens,
        token_type in ('input', 'all_input', 'cache_read', 'cache_write', 'cache_write_5m', 'cache_write_1h')
            as is_input,
        input_cost + cache_read_cost + cache_write_5m_cost + cache_write_1h_cost as all_input_cost,
        all_input_weight + output_weight as all_tokens
    from rated
)

select
    charge_number,
    token_type,
    customer_id,
    feature,
    case when $depth >= 2 then model end as model,
    query_type,
    session_id,
    request_id,
    day,
    case when $by_day then is_priced end as is_priced,
    sum(case when is_priced_by_type then cast(type_cost as decimal(76, 12)) * rate end) as type_cost,
    sum(case when is_priced_by_type then type_tokens else 0 end) as type_tokens,
    sum(case when is_priced_by_type then 0 else type_tokens end) as type_tokens_unpriced,
    sum(case when is_priced_by_type and is_input then cast(all_input_cost as decimal(76, 12)) * rate end) as input_cost,
    sum(case when is_priced_by_type then all_input_weight else 0 end) as input_tokens,
    sum(case when is_priced_by_type then 0 else all_input_weight end) as input_tokens_unpriced,
    sum(case when is_priced then cast(list_cost as decimal(76, 12)) * rate end) as list_cost,
    sum(case when is_priced then all_tokens else 0 end) as list_tokens,
    sum(case when is_priced then 0 else all_tokens end) as list_tokens_unpriced,
    sum(all_tokens) as tokens,
    sum(weighing_calls) as weighing_calls
from typed
group by
    charge_number, token_type, customer_id, feature, case when $depth >= 2 then model end,
    query_type, session_id, request_id, day, case when $by_day then is_priced end

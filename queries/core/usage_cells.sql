-- Question:    How much did each customer use of what, as finely as the bill can tell apart?
-- Grain:       one row per slot of time between two bounds of charges, dimension of a charge, party,
--              and price
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   depth      integer = 0   How far below the customer: 1 feature, 2 model, 3 query_type, 4 session_id, 5 request_id.
-- Reads first:
--   boundaries timestamps = (
--       select array_agg(boundary order by boundary)
--       from charge_boundaries(period => $period, basis => $basis)
--   )
--   names_requests boolean = (
--       select count(*) > 0 from (select 1 from billing where request_id is not null limit 1)
--   )
-- Notes:       The ledger is added up here, before any charge is split: what follows is as small as
--              customers times what the bill tells apart. Only calls that a charge names keep their
--              request_id, as billed_request_id.

with

requests as (
    select
        request_id as billed_request_id,
        bool_or(selected) as is_selected
    from charges(period => $period, basis => $basis)
    where $names_requests and request_id is not null and scope = 'inference'
    group by request_id
),

-- Without a charge that names a request, only the charges' own time is read.
placed as (
    select
        slot_start(calls.charged_at, $boundaries) as slot_start,
        calls.provider,
        calls.sub_account,
        calls.model,
        calls.service_tier,
        calls.customer_id,
        calls.feature,
        calls.query_type,
        calls.session_id,
        calls.request_id,
        requests.billed_request_id,
        calls.response_cached,
        calls.weighs_nothing,
        calls.price_id,
        calls.stated_list_cost is not null as states_list_cost,
        calls.input_tokens,
        calls.output_tokens,
        calls.cache_read_tokens,
        calls.cache_write_tokens,
        calls.cache_write_1h_tokens,
        calls.reasoning_tokens,
        calls.stated_list_cost
    from requests
    right join calls_between(
        since => $boundaries_first, until => $boundaries_last, always => $names_requests
    ) as calls
        on requests.billed_request_id = calls.request_id
    where
        not $names_requests
        or coalesce(requests.is_selected, false)
        or (calls.charged_at >= $boundaries_first and calls.charged_at < $boundaries_last)
),

-- Calls of one price are priced alike, token by token: what is added up here is priced below, once a
-- cell. Token counts that cannot be (price_id -5) weigh nothing where they are below zero: calls of which the
-- same are, below_zero, are cut off there together.
summed as (
    select
        slot_start,
        provider,
        sub_account,
        model,
        service_tier,
        customer_id,
        case when $depth >= 1 then feature end as feature,
        case when $depth >= 3 then query_type end as query_type,
        case when $depth >= 4 then session_id end as session_id,
        case when $depth >= 5 then request_id end as request_id,
        billed_request_id,
        response_cached,
        weighs_nothing,
        price_id,
        states_list_cost,
        case
            when price_id = -5 then concat(
                coalesce(input_tokens, 0) < 0,
                coalesce(input_tokens, 0) < coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0),
                coalesce(cache_read_tokens, 0) < 0,
                coalesce(cache_write_tokens, 0) < 0,
                coalesce(cache_write_tokens, 0) < coalesce(cache_write_1h_tokens, 0),
                coalesce(cache_write_1h_tokens, 0) < 0,
                coalesce(output_tokens, 0) < 0
            )
        end as below_zero,
        count(*) as calls,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(reasoning_tokens) as reasoning_tokens,
        sum(case when price_id < 0 then stated_list_cost end) as stated_list_cost
    from placed
    group by all
),

-- NULL is "not measured" and counts as zero.
priced as (
    select
        * replace (
            coalesce(input_tokens, 0) as input_tokens,
            coalesce(output_tokens, 0) as output_tokens,
            coalesce(cache_read_tokens, 0) as cache_read_tokens,
            coalesce(cache_write_tokens, 0) as cache_write_tokens,
            coalesce(cache_write_1h_tokens, 0) as cache_write_1h_tokens
        ),
        case when weighs_nothing then 0 else 1 end as weight,
        case
            when response_cached then 'cached'
            when weighs_nothing then 'nothing'
            when price_id >= 0 then 'book'
            when price_id <> -5 and states_list_cost then 'ledger'
            else 'none'
        end as priced_by,
        price_cost_parts(
            price_id, calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, reasoning_tokens
        ) as parts
    from summed
)

select
    slot_start,
    billing_month(slot_start) as period,
    provider,
    sub_account,
    model,
    service_tier,
    customer_id,
    feature,
    query_type,
    session_id,
    request_id,
    billed_request_id,
    response_cached,
    case
        when price_id >= 0 then parts['currency']
        when priced_by <> 'none' and states_list_cost then 'USD'
    end as price_currency,
    priced_by,
    calls,
    weight * calls as weighing_calls,
    input_tokens,
    output_tokens,
    weight * greatest(input_tokens, 0) as all_input_weight,
    weight * greatest(input_tokens - cache_read_tokens - cache_write_tokens, 0) as input_weight,
    weight * greatest(cache_read_tokens, 0) as cache_read_weight,
    weight * greatest(cache_write_tokens, 0) as cache_write_weight,
    weight * greatest(cache_write_tokens - cache_write_1h_tokens, 0) as cache_write_5m_weight,
    weight * greatest(cache_write_1h_tokens, 0) as cache_write_1h_weight,
    weight * greatest(output_tokens, 0) as output_weight,
    case priced_by
        when 'book' then
            parts['input'] + parts['cache_read'] + parts['cache_write_5m'] + parts['cache_write_1h']
            + parts['output'] + parts['reasoning'] + parts['request']
        when 'ledger' then stated_list_cost
        when 'none' then null
        else 0.000000000000
    end as list_cost,
    case when priced_by = 'book' then parts['input'] end as input_cost,
    case when priced_by = 'book' then parts['cache_read'] end as cache_read_cost,
    case when priced_by = 'book' then parts['cache_write_5m'] end as cache_write_5m_cost,
    case when priced_by = 'book' then parts['cache_write_1h'] end as cache_write_1h_cost,
    case when priced_by = 'book' then parts['output'] + parts['reasoning'] end as output_cost
from priced

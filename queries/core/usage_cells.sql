-- Question:    How much did each customer use of what, as finely as the bill can tell apart?
-- Grain:       one row per slot of time between two bounds of charges, dimension of a charge, party,
--              and way of pricing
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
--       select count(*) > 0 from charges(period => $period, basis => $basis)
--       where request_id is not null and scope = 'inference'
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
    where request_id is not null and scope = 'inference'
    group by request_id
),

-- Without a charge that names a request, only the charges' own time is read.
calls as (
    select *, arrow_cast(null, 'Utf8') as billed_request_id
    from calls_between(since => $boundaries_first, until => $boundaries_last)
    where not $names_requests
    union all by name
    select calls.*, requests.billed_request_id
    from calls_between() as calls
    left join requests on calls.request_id = requests.billed_request_id
    where
        $names_requests
        and (
            coalesce(requests.is_selected, false)
            or (calls.charged_at >= $boundaries_first and calls.charged_at < $boundaries_last)
        )
),

-- Tokens that weigh: as the provider counts kinds, and never below zero.
weighed as (
    select
        slot_start(charged_at, $boundaries) as slot_start,
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
        price_currency,
        priced_by,
        case when weighs_nothing then 0 else 1 end as weight,
        coalesce(input_tokens, 0) as input_tokens,
        coalesce(output_tokens, 0) as output_tokens,
        coalesce(cache_read_tokens, 0) as cache_read_tokens,
        coalesce(cache_write_tokens, 0) as cache_write_tokens,
        coalesce(cache_write_1h_tokens, 0) as cache_write_1h_tokens,
        list_cost,
        input_cost,
        cache_read_cost,
        cache_write_5m_cost,
        cache_write_1h_cost,
        output_cost
    from calls
)

select
    slot_start,
    to_char(slot_start, '%Y-%m') as period,
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
    price_currency,
    priced_by,
    count(*) as calls,
    sum(weight) as weighing_calls,
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens,
    sum(weight * greatest(input_tokens, 0)) as all_input_weight,
    sum(weight * greatest(input_tokens - cache_read_tokens - cache_write_tokens, 0)) as input_weight,
    sum(weight * greatest(cache_read_tokens, 0)) as cache_read_weight,
    sum(weight * greatest(cache_write_tokens, 0)) as cache_write_weight,
    sum(weight * greatest(cache_write_tokens - cache_write_1h_tokens, 0)) as cache_write_5m_weight,
    sum(weight * greatest(cache_write_1h_tokens, 0)) as cache_write_1h_weight,
    sum(weight * greatest(output_tokens, 0)) as output_weight,
    sum(list_cost) as list_cost,
    sum(input_cost) as input_cost,
    sum(cache_read_cost) as cache_read_cost,
    sum(cache_write_5m_cost) as cache_write_5m_cost,
    sum(cache_write_1h_cost) as cache_write_1h_cost,
    sum(output_cost) as output_cost
from weighed
group by
    slot_start, provider, sub_account, model, service_tier, customer_id, feature, query_type,
    session_id, request_id, billed_request_id, price_currency, priced_by

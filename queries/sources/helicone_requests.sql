-- Question:    Which calls went through Helicone?
-- Grain:       one row per request
-- Relation:    ledger
-- Reads:       JSON of Helicone's requests: pages of its query, or the lines of its export
-- Expects:     data[].request_created_at or request_created_at, data[].prompt_tokens or prompt_tokens
-- Parameters:
--   input relation   The pages or lines.
--   customer_property text = 'customer_id'   The property whose value is the customer.
-- Notes:       Helicone counts input beside what caches read and wrote, and output beside reasoning;
--              here input_tokens and output_tokens are all. What its own cache answered has a
--              reference to the answer, and no tokens. Pages that shift while they are read repeat
--              requests: the newest counts. Without the customer's property, the user is the
--              customer. A cost of zero is that of a model that Helicone has no price for.

with

requests as (
    select unnest(json_get_array(document, 'data')) as request from input
    union all
    select document as request from input where json_as_text(document, 'request_id') is not null
),

numbered as (
    select
        request,
        row_number() over (
            partition by json_as_text(request, 'request_id')
            order by json_as_text(request, 'updated_at') desc nulls last, request
        ) as place
    from requests
),

counted as (
    select
        request,
        json_as_text(request, 'request_created_at') as created_at,
        json_get_json(request, 'request_properties') as properties,
        json_get_int(request, 'response_status') as status,
        json_get_int(request, 'prompt_tokens') as uncached,
        json_get_int(request, 'prompt_cache_read_tokens') as cache_read,
        json_get_int(request, 'prompt_cache_write_tokens') as cache_write,
        json_get_int(request, 'completion_tokens') as answered,
        json_get_int(request, 'reasoning_tokens') as reasoning
    from numbered
    where place = 1
)

select
    json_as_text(request, 'response_body', 'id') as request_id,
    arrow_cast(created_at, 'Timestamp(Microsecond, None)') as called_at,
    coalesce(
        nullif(json_as_text(properties, $customer_property), ''),
        nullif(json_as_text(request, 'request_user_id'), '')
    ) as customer_id,
    nullif(json_as_text(properties, 'Helicone-Session-Id'), '') as session_id,
    lower(json_as_text(request, 'provider')) as provider,
    coalesce(
        nullif(json_as_text(request, 'model'), ''),
        nullif(json_as_text(request, 'response_model'), ''),
        nullif(json_as_text(request, 'request_model'), '')
    ) as model,
    json_as_text(request, 'response_body', 'service_tier') as service_tier,
    nullif(json_as_text(properties, 'Helicone-Session-Name'), '') as feature,
    case
        when status between 200 and 299 then 'ok'
        when status = -3 then 'cancelled'
        else 'error'
    end as status,
    uncached + coalesce(cache_read, 0) + coalesce(cache_write, 0) as input_tokens,
    cache_read as cache_read_tokens,
    cache_write as cache_write_tokens,
    answered + coalesce(reasoning, 0) as output_tokens,
    reasoning as reasoning_tokens,
    coalesce(
        json_as_text(request, 'cache_reference_id')
            not in ('', '00000000-0000-0000-0000-000000000000'),
        false
    ) as response_cached,
    nullif(to_amount(json_as_text(request, 'cost')), 0) as list_cost,
    json_as_text(request, 'request_id') as helicone_request_id
from counted

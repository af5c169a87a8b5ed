-- Question:    Which calls to models are among Langfuse's observations?
-- Grain:       one row per generation or embedding
-- Parameters:
--   observations relation   id, trace_id, type, name, start_time, end_time, updated_at, level, model, model_parameters, metadata, usage_details, total_cost, user_id, session_id and trace_name; what has neither type nor trace_id is a trace.
--   customer_key text = 'customer_id'   The key of the metadata whose value is the customer.
-- Notes:       Exports repeat an observation for each of its versions: the newest counts. Its trace
--              says the user and session where it does not itself. Without the key in the metadata,
--              the user is the customer. Langfuse counts each token once: input is beside what
--              caches read and wrote, output beside reasoning; here input_tokens and output_tokens
--              are all. A sender had them within where its total is input and output alone, and
--              they fit. No provider is recorded: it is what the instrumentation names, or whose
--              model it is. A cost of zero is that of a model that Langfuse has no price for.

with

numbered as (
    select
        * replace (
            nullif(user_id, '') as user_id,
            nullif(session_id, '') as session_id,
            nullif(trace_name, '') as trace_name,
            nullif(model, '') as model
        ),
        row_number() over (
            partition by type is null, id
            order by
                arrow_cast(updated_at, 'Timestamp(Microsecond, None)') desc nulls last,
                arrow_cast(end_time, 'Timestamp(Microsecond, None)') desc nulls last
        ) as place
    from observations
    where type in ('GENERATION', 'EMBEDDING') or (type is null and trace_id is null)
),

traces as (
    select
        id as traced,
        name as traced_name,
        metadata as traced_metadata,
        user_id as traced_user,
        session_id as traced_session
    from numbered
    where place = 1 and type is null
),

generations as (
    select
        * exclude (
            place, traced, traced_name, traced_metadata, traced_user, traced_session
        ) replace (
            coalesce(session_id, traced_session) as session_id,
            coalesce(trace_name, traced_name) as trace_name
        ),
        coalesce(
            nullif(json_as_text(metadata, $customer_key), ''),
            nullif(json_as_text(traced_metadata, $customer_key), ''),
            user_id,
            traced_user
        ) as customer_id,
        json_as_text(metadata, 'attributes') as attributes
    from numbered
    left join traces on trace_id = traced
    where place = 1 and type is not null
),

counts as (
    select id, key, cast(json_as_text(usage_details, key) as bigint) as tokens
    from (
        select id, usage_details, unnest(json_object_keys(usage_details)) as key
        from generations
    )
),

usage as (
    select
        id,
        sum(tokens) filter (where key = 'total') as total,
        sum(tokens) filter (where key = 'input') as input,
        sum(tokens) filter (where key = 'output') as output,
        sum(tokens) filter (where regexp_like(key, 'input|prompt')) as input_parts,
        sum(tokens) filter (where regexp_like(key, 'output|completion|reasoning')) as output_parts,
        sum(tokens) filter (where regexp_like(key, 'cache_read|cached')) as cache_read_tokens,
        sum(tokens) filter (where regexp_like(key, 'cache_(creation|write)')) as cache_write_tokens,
        sum(tokens) filter (where regexp_like(key, 'cache_(creation|write).*1h'))
            as cache_write_1h_tokens,
        sum(tokens) filter (where key like '%reasoning%') as reasoning_tokens
    from counts
    group by id
),

judged as (
    select
        *,
        input + output = total
        and input >= coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        and output >= coalesce(reasoning_tokens, 0) as has_parts_within
    from usage
),

calls as (
    select
        * exclude (total, input, output, input_parts, output_parts, has_parts_within),
        case when has_parts_within then input else input_parts end as input_tokens,
        case when has_parts_within then output else output_parts end as output_tokens,
        coalesce(
            json_as_text(attributes, 'gen_ai.provider.name'),
            json_as_text(attributes, 'gen_ai.system'),
            json_as_text(metadata, 'ls_provider'),
            case
                when regexp_like(
                    model,
                    '(^|[./])(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)[.]'
                )
                    then 'bedrock'
                when regexp_like(model, '^(models/)?gemini') then 'google'
                when model like '%/%' then split_part(model, '/', 1)
                when regexp_like(model, '^(ft:)?(gpt-|chatgpt-|o[0-9]|codex-|text-embedding-)')
                    then 'openai'
                when model like 'claude%' then 'anthropic'
                when regexp_like(model, '^((mi|mini|magi|code|dev|vox)stral|pixtral)')
                    then 'mistral'
                when model like 'deepseek%' then 'deepseek'
                when model like 'grok%' then 'xai'
                when model like 'command%' then 'cohere'
            end
        ) as provider
    from generations
    left join judged using (id)
)

select
    json_as_text(attributes, 'gen_ai.response.id') as request_id,
    arrow_cast(start_time, 'Timestamp(Microsecond, None)') as called_at,
    customer_id,
    session_id,
    provider,
    case
        when starts_with(model, concat(provider, '/')) then substr(model, length(provider) + 2)
        else model
    end as model,
    json_as_text(model_parameters, 'service_tier') as service_tier,
    trace_name as feature,
    name as query_type,
    case level when 'ERROR' then 'error' else 'ok' end as status,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    nullif(to_amount(total_cost), 0) as list_cost,
    trace_id,
    id as observation_id
from calls

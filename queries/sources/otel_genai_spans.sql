-- Question:    Which calls to models did OpenTelemetry's spans record?
-- Grain:       one row per span of a call
-- Relation:    ledger
-- Reads:       JSON of OpenTelemetry spans (OTLP), with the current or older gen_ai attributes
-- Expects:     resourceSpans[].scopeSpans[].spans[].attributes
-- Parameters:
--   input relation   The exports.
--   customer_attribute text = 'customer.id'   The attribute whose value is the customer.
-- Notes:       Spans that only hold other spans, as of an agent, repeat the usage of those: they are
--              left out by their operation. A span that was exported twice counts once. Input has the
--              tokens of caches in it, as the conventions ask. Without the customer's attribute,
--              enduser.id or user.id is the customer.

with

resources as (
    select unnest(json_get_array(document, 'resourceSpans')) as resource from input
),

scopes as (
    select unnest(json_get_array(resource, 'scopeSpans')) as scope from resources
),

spans as (
    select unnest(json_get_array(scope, 'spans')) as span from scopes
),

attributes as (
    select
        json_as_text(span, 'traceId') as trace_id,
        json_as_text(span, 'spanId') as span_id,
        json_as_text(span, 'startTimeUnixNano') as started_at,
        json_as_text(span, 'status', 'code') as status,
        unnest(json_get_array(span, 'attributes')) as attribute
    from spans
),

named as (
    select
        trace_id,
        span_id,
        started_at,
        status,
        json_as_text(attribute, 'key') as name,
        coalesce(
            json_as_text(attribute, 'value', 'stringValue'), json_as_text(attribute, 'value', 'intValue')
        ) as value
    from attributes
),

calls as (
    select
        trace_id,
        span_id,
        min(started_at) as started_at,
        max(status) as status,
        max(case name when 'gen_ai.operation.name' then value end) as operation,
        max(case name when 'gen_ai.response.id' then value end) as response_id,
        max(case name when $customer_attribute then value end) as customer,
        max(case name when 'enduser.id' then value end) as enduser_id,
        max(case name when 'user.id' then value end) as user_id,
        max(case name when 'gen_ai.conversation.id' then value end) as conversation_id,
        max(case name when 'session.id' then value end) as session_id,
        max(case name when 'gen_ai.provider.name' then value end) as provider_name,
        max(case name when 'gen_ai.system' then value end) as system,
        max(case name when 'gen_ai.response.model' then value end) as response_model,
        max(case name when 'gen_ai.request.model' then value end) as request_model,
        max(case name when 'gen_ai.agent.name' then value end) as agent_name,
        max(case name when 'openai.response.service_tier' then value end) as service_tier,
        max(case name when 'gen_ai.openai.response.service_tier' then value end) as older_service_tier,
        max(case name when 'gen_ai.usage.input_tokens' then value end) as input_tokens,
        max(case name when 'gen_ai.usage.prompt_tokens' then value end) as prompt_tokens,
        max(case name when 'gen_ai.usage.output_tokens' then value end) as output_tokens,
        max(case name when 'gen_ai.usage.completion_tokens' then value end) as completion_tokens,
        max(case name when 'gen_ai.usage.cache_read.input_tokens' then value end) as cache_read_tokens,
        max(case name when 'gen_ai.usage.cache_creation.input_tokens' then value end) as cache_creation_tokens,
        max(case name when 'gen_ai.usage.cache_write.input_tokens' then value end) as cache_write_tokens,
        max(case name when 'gen_ai.usage.cache_read_input_tokens' then value end) as older_cache_read_tokens,
        max(case name when 'gen_ai.usage.cache_creation_input_tokens' then value end)
            as older_cache_creation_tokens,
        max(case name when 'gen_ai.usage.reasoning.output_tokens' then value end) as reasoning_tokens
    from named
    group by trace_id, span_id
)

select
    response_id as request_id,
    arrow_cast(to_timestamp_nanos(cast(started_at as bigint)), 'Timestamp(Microsecond, None)') as called_at,
    coalesce(customer, enduser_id, user_id) as customer_id,
    coalesce(conversation_id, session_id) as session_id,
    coalesce(provider_name, system) as provider,
    coalesce(response_model, request_model) as model,
    coalesce(service_tier, older_service_tier) as service_tier,
    agent_name as feature,
    case when status in ('2', 'STATUS_CODE_ERROR') then 'error' else 'ok' end as status,
    cast(coalesce(input_tokens, prompt_tokens) as bigint) as input_tokens,
    cast(coalesce(cache_read_tokens, older_cache_read_tokens) as bigint) as cache_read_tokens,
    cast(
        coalesce(cache_creation_tokens, cache_write_tokens, older_cache_creation_tokens) as bigint
    ) as cache_write_tokens,
    cast(coalesce(output_tokens, completion_tokens) as bigint) as output_tokens,
    cast(reasoning_tokens as bigint) as reasoning_tokens,
    trace_id,
    span_id
from calls
where
    coalesce(response_model, request_model) is not null
    and coalesce(operation, 'chat') in ('chat', 'text_completion', 'generate_content', 'embeddings')

-- Question:    Which calls did Claude Code make?
-- Grain:       one row per request
-- Relation:    ledger
-- Reads:       JSONL of Claude Code's sessions
-- Expects:     message.usage.input_tokens, sessionId
-- Parameters:
--   input relation   The lines.
-- Notes:       A message stands on a line for each of its blocks, and again in sessions that resume
--              it: it counts once, with the most output. What Claude Code writes itself is no call.
--              Anthropic counts input beside what its cache read and wrote; input_tokens here is all.
--              No customer is on the lines.

with

lines as (
    select
        json_as_text(document, 'requestId') as request_id,
        json_as_text(document, 'message', 'id') as message_id,
        json_as_text(document, 'timestamp') as at,
        json_as_text(document, 'sessionId') as session_id,
        json_as_text(document, 'message', 'model') as model,
        json_get_json(document, 'message', 'usage') as usage
    from input
    where
        json_as_text(document, 'type') = 'assistant'
        and json_as_text(document, 'message', 'usage') is not null
        and json_as_text(document, 'message', 'model') is distinct from '<synthetic>'
),

numbered as (
    select
        *,
        row_number() over (
            partition by coalesce(message_id, request_id, concat(session_id, at))
            order by json_get_int(usage, 'output_tokens') desc, at, session_id
        ) as place
    from lines
),

counted as (
    select
        *,
        json_get_int(usage, 'input_tokens') as uncached,
        coalesce(json_get_int(usage, 'cache_read_input_tokens'), 0) as cache_read,
        coalesce(json_get_int(usage, 'cache_creation_input_tokens'), 0) as cache_write
    from numbered
    where place = 1
)

select
    request_id,
    arrow_cast(at, 'Timestamp(Microsecond, None)') as called_at,
    session_id,
    'anthropic' as provider,
    model,
    json_as_text(usage, 'service_tier') as service_tier,
    uncached + cache_read + cache_write as input_tokens,
    cache_read as cache_read_tokens,
    cache_write as cache_write_tokens,
    json_get_int(usage, 'cache_creation', 'ephemeral_1h_input_tokens') as cache_write_1h_tokens,
    json_get_int(usage, 'output_tokens') as output_tokens,
    json_get_int(usage, 'output_tokens_details', 'thinking_tokens') as reasoning_tokens
from counted

-- Question:    Which calls to models did Langfuse export to blob storage?
-- Grain:       one row per generation or embedding
-- Relation:    ledger
-- Reads:       JSON of Langfuse's blob storage export: observations_v2, or observations with traces
-- Expects:     trace_id, start_time, usage_details
-- Parameters:
--   input relation   The documents of one project.
-- Notes:       As in langfuse_generations.

select * from langfuse_generations(observations => (
    select
        json_as_text(document, 'id') as id,
        json_as_text(document, 'trace_id') as trace_id,
        json_as_text(document, 'type') as type,
        json_as_text(document, 'name') as name,
        json_as_text(document, 'start_time') as start_time,
        json_as_text(document, 'end_time') as end_time,
        json_as_text(document, 'updated_at') as updated_at,
        json_as_text(document, 'level') as level,
        json_as_text(document, 'provided_model_name') as model,
        json_as_text(document, 'model_parameters') as model_parameters,
        json_as_text(document, 'metadata') as metadata,
        json_as_text(document, 'usage_details') as usage_details,
        json_as_text(document, 'total_cost') as total_cost,
        json_as_text(document, 'user_id') as user_id,
        json_as_text(document, 'session_id') as session_id,
        json_as_text(document, 'trace_name') as trace_name
    from input
))

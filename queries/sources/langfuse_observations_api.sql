-- Question:    Which calls to models does Langfuse's API know?
-- Grain:       one row per generation or embedding
-- Relation:    ledger
-- Reads:       JSON of Langfuse's API: pages of observations, and of traces where observations lack users
-- Expects:     data[].startTime, data[].usageDetails
-- Parameters:
--   input relation   The pages of one project.
-- Notes:       As in langfuse_generations.

with

rows as (
    select unnest(json_get_array(document, 'data')) as row from input
)

select * from langfuse_generations(observations => (
    select
        json_as_text(row, 'id') as id,
        json_as_text(row, 'traceId') as trace_id,
        json_as_text(row, 'type') as type,
        json_as_text(row, 'name') as name,
        json_as_text(row, 'startTime') as start_time,
        json_as_text(row, 'endTime') as end_time,
        json_as_text(row, 'updatedAt') as updated_at,
        json_as_text(row, 'level') as level,
        coalesce(json_as_text(row, 'providedModelName'), json_as_text(row, 'model')) as model,
        json_as_text(row, 'modelParameters') as model_parameters,
        json_as_text(row, 'metadata') as metadata,
        json_as_text(row, 'usageDetails') as usage_details,
        coalesce(
            json_as_text(row, 'totalCost'), json_as_text(row, 'calculatedTotalCost')
        ) as total_cost,
        json_as_text(row, 'userId') as user_id,
        json_as_text(row, 'sessionId') as session_id,
        json_as_text(row, 'traceName') as trace_name
    from rows
))

-- Question:    Which calls to models did Langfuse export to blob storage?
-- Grain:       one row per generation or embedding
-- Relation:    ledger
-- Reads:       Parquet or CSV of Langfuse's blob storage export: observations_v2, or observations with traces
-- Optional:    end_time, updated_at, level, model_parameters, metadata, total_cost, user_id, session_id, trace_name
-- Parameters:
--   input relation   The rows of one project.
-- Notes:       As in langfuse_generations.

select * from langfuse_generations(observations => (
    select
        cast(id as varchar) as id,
        nullif(cast(trace_id as varchar), '') as trace_id,
        nullif(cast(type as varchar), '') as type,
        cast(name as varchar) as name,
        start_time,
        nullif(cast(end_time as varchar), '') as end_time,
        nullif(cast(updated_at as varchar), '') as updated_at,
        cast(level as varchar) as level,
        cast(provided_model_name as varchar) as model,
        cast(model_parameters as varchar) as model_parameters,
        cast(metadata as varchar) as metadata,
        cast(usage_details as varchar) as usage_details,
        nullif(cast(total_cost as varchar), '') as total_cost,
        cast(user_id as varchar) as user_id,
        cast(session_id as varchar) as session_id,
        cast(trace_name as varchar) as trace_name
    from input
))

-- Question:    What does OpenAI say was charged, by day, project and line item?
-- Grain:       one row per result of a bucket
-- Relation:    billing
-- Reads:       JSON of OpenAI's organization costs: pages of daily buckets, as the API answers
-- Expects:     data[].results[].amount.value, data[].start_time
-- Parameters:
--   input relation   The pages.
-- Control total: select
--       'openai' as provider,
--       billing_month(to_timestamp_seconds(json_get_int(bucket, 'start_time'))) as billing_period,
--       upper(json_as_text(result, 'amount', 'currency')) as currency,
--       sum(to_exact(json_as_text(result, 'amount', 'value'))) as control_total
--   from (
--       select bucket, unnest(json_get_array(bucket, 'results')) as result
--       from (select unnest(json_get_array(document, 'data')) as bucket from input)
--   )
--   group by 1, 2, 3
-- Notes:       As in openai_line_items.

select * from openai_line_items(charges => (
    select
        json_as_text(bucket, 'start_time') as start_time,
        json_as_text(bucket, 'end_time') as end_time,
        json_as_text(result, 'line_item') as line_item,
        json_as_text(result, 'project_id') as project_id,
        json_as_text(result, 'amount', 'value') as amount,
        json_as_text(result, 'amount', 'currency') as currency,
        json_as_text(result, 'quantity') as quantity,
        json_as_text(result, 'quantity_unit') as quantity_unit
    from page_results(pages => input)
))

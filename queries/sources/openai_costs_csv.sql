-- Question:    What does OpenAI's cost export from its dashboard say was charged?
-- Grain:       one row per line with an amount
-- Relation:    billing
-- Reads:       CSV of OpenAI's dashboard: costs by project and line item
-- Parameters:
--   input relation   The lines.
-- Control total: select
--       'openai' as provider,
--       billing_month(to_timestamp_seconds(cast(start_time as bigint))) as billing_period,
--       upper(amount_currency) as currency,
--       sum(to_exact(amount_value)) as control_total
--   from input
--   where amount_value <> ''
--   group by 1, 2, 3
-- Notes:       Amounts have thirty digits behind the point. A day without cost has a line without an
--              amount. Otherwise as in openai_line_items.

with

lines as (
    select
        start_time,
        end_time,
        nullif(line_item, '') as line_item,
        nullif(project_id, '') as project_id,
        amount_value as amount,
        amount_currency as currency,
        nullif(quantity, '') as quantity,
        nullif(quantity_unit, '') as quantity_unit
    from input
    where amount_value <> ''
)

select * from openai_line_items(charges => lines)

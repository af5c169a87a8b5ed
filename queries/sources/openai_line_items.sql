-- Question:    What do the line items of OpenAI's cost exports mean?
-- Grain:       one row per row of charges
-- Parameters:
--   charges relation   start_time and end_time in seconds since 1970, line_item, project_id, amount, currency, quantity, quantity_unit, as text.
-- Notes:       A line item is a model and a kind of token, as in "gpt-4o, cached input". Charges for
--              what is not counted in tokens are out of scope; a negative charge is a credit.

with

named as (
    select
        * exclude (start_time, end_time),
        to_timestamp_seconds(cast(start_time as bigint)) as start_time,
        to_timestamp_seconds(cast(end_time as bigint)) as end_time,
        case lower(regexp_replace(line_item, '^.*, *', ''))
            when 'input' then 'input'
            when 'input_tokens' then 'input'
            when 'input_uncached_tokens' then 'input'
            when 'cached input' then 'cache_read'
            when 'input_cached_tokens' then 'cache_read'
            when 'cached_input_tokens' then 'cache_read'
            when 'input_cache_write_tokens' then 'cache_write'
            when 'output' then 'output'
            when 'output_tokens' then 'output'
        end as token_type,
        coalesce(quantity_unit in ('tokens', '1000_tokens'), false) as counts_tokens
    from charges
)

select
    'openai' as provider,
    project_id as sub_account,
    case when token_type is not null then split_part(line_item, ',', 1) end as model,
    token_type,
    case when token_type is not null or line_item is null or counts_tokens then 'inference' else 'other' end
        as scope,
    case when to_amount(amount) < 0 then 'Credit' else 'Usage' end as charge_category,
    arrow_cast(start_time, 'Timestamp(Microsecond, None)') as charge_period_start,
    arrow_cast(end_time, 'Timestamp(Microsecond, None)') as charge_period_end,
    billing_month(start_time) as billing_period,
    to_amount(amount) as billed_cost,
    upper(currency) as currency,
    case quantity_unit
        when 'tokens' then to_amount(quantity)
        when '1000_tokens' then to_amount(to_exact(quantity) * 1000)
    end as consumed_quantity,
    case when counts_tokens then 'tokens' end as consumed_unit,
    line_item
from named

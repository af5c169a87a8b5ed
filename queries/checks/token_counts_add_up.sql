-- Claim:       Input holds cache reads and writes, writes hold one-hour writes, output holds reasoning.
-- Severity:    error
-- Grain:       one row per provider, model and finding
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       Exports differ in whether cached tokens are within the input or beside it, and
--              reasoning within the output or beside it. One that counts beside must be added up when
--              it is loaded: calls that break the claim have no price.

with

counted as (
    select
        provider,
        model,
        request_id,
        case
            when least(input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
                cache_write_1h_tokens, reasoning_tokens) < 0
                then 'negative tokens'
            when coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
                > coalesce(input_tokens, 0)
                then 'cache tokens above input: are they beside it, and not within?'
            when coalesce(cache_write_1h_tokens, 0) > coalesce(cache_write_tokens, 0)
                then 'one-hour writes above cache writes: are they beside them, and not within?'
            when coalesce(reasoning_tokens, 0) > coalesce(output_tokens, 0)
                then 'reasoning above output: is it beside it, and not within?'
        end as finding
    from priced_calls(period => $period)
)

select provider, model, finding, count(*) as calls, min(request_id) as for_example
from counted
where finding is not null
group by provider, model, finding
order by provider, model, finding

-- Question:    What would the calls of a month have cost on another model?
-- Grain:       one row per call
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   provider   text   Of the other model.
--   model      text   The model to price the same tokens on.
--   service_tier   text = NULL   The tier to price them in; without it, each call's own.
-- Refused:     (
--       select
--           concat('the price book has no price of `', $model, '` of `', $provider, '` in ', $period) as problem,
--           concat('`apportion prices show ', $model, '` says what it has') as hint
--       where
--           call_cost($provider, $model, $period_start, 0, 0) is null
--           and call_cost($provider, $model, $period_end, 0, 0) is null
--   )
-- Notes:       The same tokens: another model would count and answer otherwise. What the product's own
--              cache answered costs nothing on any model. saving is NULL where either price is
--              missing or their currencies differ.

with

repriced as (
    select
        *,
        call_cost_parts(
            $provider, $model, called_at, input_tokens, output_tokens, cache_read_tokens,
            cache_write_tokens, cache_write_1h_tokens, reasoning_tokens,
            coalesce($service_tier, service_tier)
        ) as parts
    from priced_calls(period => $period)
),

costed as (
    select
        * exclude (parts),
        case
            when priced_by in ('cached', 'nothing') then 0.000000000000
            else
                parts['input'] + parts['cache_read'] + parts['cache_write_5m']
                + parts['cache_write_1h'] + parts['output'] + parts['reasoning']
                + parts['request']
        end as repriced_cost,
        parts['currency'] as repriced_currency
    from repriced
)

select
    *,
    case
        when priced_by in ('cached', 'nothing') then 0.000000000000
        when price_currency = repriced_currency then list_cost - repriced_cost
    end as saving
from costed

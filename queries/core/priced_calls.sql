-- Question:    What did each call of a month cost at published prices?
-- Grain:       one row per call
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       A call without a price has list_cost NULL, never 0, and the reason beside it.

with

costed as (
    select
        billing_month(charged_at) as period,
        * exclude (is_valid_usage),
        price_cost_parts(
            price_id, 1, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, reasoning_tokens
        ) as parts
    from calls_between(since => $period_start, until => $period_end)
),

judged as (
    select
        *,
        case
            when response_cached then 'cached'
            when weighs_nothing then 'nothing'
            when parts['unpriced_reason'] is null then 'book'
            when parts['unpriced_reason'] <> 'invalid usage' and stated_list_cost is not null then 'ledger'
            else 'none'
        end as priced_by
    from costed
)

select
    * exclude (price_id, stated_list_cost, parts) replace (
        case priced_by
            when 'book' then
                parts['input'] + parts['cache_read'] + parts['cache_write_5m']
                + parts['cache_write_1h'] + parts['output'] + parts['reasoning']
                + parts['request']
            when 'ledger' then stated_list_cost
            when 'none' then null
            else 0.000000000000
        end as list_cost
    ),
    case when priced_by = 'book' then parts['input'] end as input_cost,
    case when priced_by = 'book' then parts['cache_read'] end as cache_read_cost,
    case when priced_by = 'book' then parts['cache_write_5m'] end as cache_write_5m_cost,
    case when priced_by = 'book' then parts['cache_write_1h'] end as cache_write_1h_cost,
    case when priced_by = 'book' then parts['output'] + parts['reasoning'] end as output_cost,
    case when priced_by = 'book' then parts['reasoning'] end as reasoning_cost,
    case
        when parts['unpriced_reason'] is null then parts['currency']
        when priced_by <> 'none' and stated_list_cost is not null then 'USD'
    end as price_currency,
    case when priced_by = 'none' then parts['unpriced_reason'] end as unpriced_reason
from judged

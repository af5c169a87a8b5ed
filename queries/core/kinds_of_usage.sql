-- Question:    How much did each customer use in a month, by kind of call?
-- Grain:       one row per period, customer, kind of call and price; where a price depends on the
--              length of the input, one per call
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
-- Notes:       Calls of a model that costs more above some input keep what their price is found by,
--              so that they can be priced at another length. A sum is NULL where no call carries
--              it; token counts that cannot be are left out.

with

calls as (
    select
        *,
        price_id(provider, model, called_at, 0, 0, service_tier => service_tier)
        <> price_id(
            provider, model, called_at, 9223372036854775807, 0, service_tier => service_tier
        ) as depends_on_length
    from calls_between(since => $period_start, until => $period_end)
    where customer_id is not null
)

select
    billing_month(charged_at) as period,
    customer_id,
    query_type = 'reasoning' as is_reasoning_call,
    response_cached,
    not response_cached and not weighs_nothing as is_charged,
    price_id,
    case when depends_on_length then provider end as provider,
    case when depends_on_length then model end as model,
    case when depends_on_length then service_tier end as service_tier,
    case when depends_on_length then called_at end as called_at,
    case when depends_on_length then input_tokens end as call_input_tokens,
    count(*) as calls,
    sum(case when is_valid_usage then input_tokens end) as input_tokens,
    sum(case when is_valid_usage then output_tokens end) as output_tokens,
    sum(case when is_valid_usage then cache_read_tokens end) as cache_read_tokens,
    sum(case when is_valid_usage then cache_write_tokens end) as cache_write_tokens,
    sum(case when is_valid_usage then cache_write_1h_tokens end) as cache_write_1h_tokens,
    sum(case when is_valid_usage then reasoning_tokens end) as reasoning_tokens,
    sum(case when price_id < 0 and is_valid_usage then stated_list_cost end) as stated_list_cost
from calls
group by all

-- Question:    Which calls lie between two instants, and which price holds for each?
-- Grain:       one row per call
-- Parameters:
--   since      timestamp = NULL   The first instant; without it, from the first call on.
--   until      timestamp = NULL   The end, not included; without it, to the last call.
--   always     boolean = false   Calls of any time, whatever since and until say.
-- Notes:       price_id is the number of the price that holds, or below zero why none does;
--              stated_list_cost is what the ledger itself says that the call costs at list;
--              is_valid_usage is whether its token counts can be.
--              A call belongs to the instant at which it was completed, where the ledger knows it:
--              providers bill batch work then. Prices are those in force when it was made.

with

-- The condition is written for the scan: it can skip row groups by either column.
called as (
    select
        * replace (
            canonical('provider', provider, called_at) as provider,
            canonical('model', model, called_at) as model,
            canonical('sub_account', sub_account, called_at) as sub_account,
            canonical('customer', customer_id, called_at) as customer_id,
            case service_tier when 'default' then 'standard' else service_tier end as service_tier,
            coalesce(response_cached, false) as response_cached
        ),
        case when list_cost >= 0 then list_cost end as stated_list_cost,
        coalesce(completed_at, called_at) as charged_at,
        is_valid_usage(
            input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, reasoning_tokens
        ) as is_valid_usage,
        -- A failed call that reports no tokens was not charged for: it weighs nothing.
        coalesce(status = 'error', false)
        and coalesce(input_tokens, 0) + coalesce(output_tokens, 0) = 0 as weighs_nothing
    from ledger
    where
        (
            completed_at is null
            and ($always or $since is null or called_at >= $since)
            and ($always or $until is null or called_at < $until)
        )
        or (
            completed_at is not null
            and ($always or $since is null or completed_at >= $since)
            and ($always or $until is null or completed_at < $until)
        )
)

select
    *,
    price_id(
        provider, model, called_at, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, service_tier
    ) as price_id
from called

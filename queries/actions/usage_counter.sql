-- Question:    How much of its cap has a customer used this month, how long will the rest last, and what to tell it?
-- Grain:       one row per customer and measure with a cap
-- Parameters:
--   as_of      timestamp   The instant up to which the calls of its month count.
--   customer_id text = NULL   The customer; without it, all that have a cap.
--   caps       relation = caps   Caps as usage_caps gives them, best from a file that it was written to.
-- Refused:     (
--       select
--           concat(
--               'a cap of ', coalesce(customer_id, 'nobody'), ' is ', cap, ' ',
--               coalesce(measure, 'of nothing')
--           ) as problem,
--           'a cap is a customer''s, of calls, tokens or sessions, and not below zero' as hint
--       from caps
--       where
--           cap is not null
--           and (
--               customer_id is null
--               or measure is null
--               or measure not in ('calls', 'tokens', 'sessions')
--               or cap < 0
--           )
--       order by problem
--   )
-- Notes:       Made to be asked before a call: it reads the month's calls and the caps, and neither bill
--              nor prices. From four fifths of the cap on there is a message, an offer and not a
--              refusal. used_up_on is the day on which the cap is reached at the pace so far, where that is in
--              the month and ahead. Of several caps for a measure the highest holds.

with

capped as (
    select customer_id, measure, max(cap) as cap
    from caps
    where cap is not null and ($customer_id is null or customer_id = $customer_id)
    group by customer_id, measure
),

used as (
    select
        canonical('customer', customer_id, called_at) as customer_id,
        count(*) as calls,
        sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens,
        exact_distinct(session_id) as sessions
    from ledger
    where
        called_at >= date_trunc('month', $as_of)
        and called_at < $as_of
        and ($customer_id is null or canonical('customer', customer_id, called_at) = $customer_id)
    group by canonical('customer', customer_id, called_at)
),

counted as (
    select
        capped.customer_id,
        capped.measure,
        capped.cap,
        coalesce(
            case capped.measure
                when 'calls' then used.calls
                when 'tokens' then used.tokens
                when 'sessions' then used.sessions
            end,
            0
        ) as units
    from capped
    left join used on capped.customer_id = used.customer_id
),

projected as (
    select
        *,
        arrow_cast(
            cast(date_trunc('month', $as_of) as bigint)
            + cast(
                scaled_amount(
                    cast($as_of as bigint) - cast(date_trunc('month', $as_of) as bigint), cap, nullif(units, 0)
                ) as bigint
            ),
            'Timestamp(Microsecond, None)'
        ) as used_up_at
    from counted
),

told as (
    select
        * exclude (used_up_at),
        case
            when units < cap and used_up_at < date_trunc('month', $as_of) + interval '1 month'
                then cast(used_up_at as date)
        end as used_up_on
    from projected
)

select
    customer_id,
    measure,
    units,
    cap,
    greatest(cap - units, 0) as remaining,
    rounded_ratio(units * 100, cap, 1) as used_pct,
    used_up_on,
    case
        when units >= cap then
            concat('This month''s ', cap, ' ', measure, ' are used up: the next plan has room for more.')
        when units * 5 >= cap * 4 then
            concat(
                units, ' of this month''s ', cap, ' ', measure, ' are used',
                coalesce(concat('; at this pace the rest lasts until ', cast(used_up_on as text)), ''),
                '. The next plan has room for more.'
            )
    end as message
from told
order by customer_id, measure

-- Question:    How does each customer's use stand to that of its peers?
-- Grain:       one row per period, customer that called, and figure
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The calendar month of the calls.
--   min_customers integer>=1 = 5   As in peer_medians.
--   precision exact|approximate = 'exact'   As in customer_usage, and as in peer_medians.

select *
from peer_medians(
    period => $period,
    min_customers => $min_customers,
    precision => $precision,
    figures => (
        select
            usage.period,
            usage.customer_id,
            figures.figure,
            case figures.figure
                when 'sessions' then rounded_ratio(usage.sessions, 1, 18)
                when 'context' then usage.context
                when 'cache_hit_rate' then usage.cache_hit_rate
                when 'reasoning_token_share' then usage.reasoning_token_share
                when 'reasoning_call_share' then usage.reasoning_call_share
                when 'output_tokens' then rounded_ratio(usage.output_tokens, 1, 18)
            end as own
        from customer_usage(period => $period, precision => $precision) as usage
        cross join (values
            ('sessions'), ('context'), ('cache_hit_rate'), ('reasoning_token_share'),
            ('reasoning_call_share'), ('output_tokens')
        ) as figures (figure)
    )
)

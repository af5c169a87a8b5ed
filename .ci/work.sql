-- A quarter's calls of a product, as uneven as products' are, with their bill; then what is asked of them.

create view drawn as
select
    n,
    md5(cast(n as text)) as letters,
    n * 48271 % 2147483647 / 2147483647.0 as share
from generate_series(1, 1000000) as calls (n);

copy (
    select
        letters as request_id,
        to_timestamp_micros(1767225600000000 + n * 7776000) as called_at,
        concat('customer_', cast(power(cast(share as double), 5) * 20000 as bigint)) as customer_id,
        concat('session_', n / 8) as session_id,
        case when model like 'claude%' then 'anthropic' else 'openai' end as provider,
        model,
        case n % 4 when 0 then 'chat' when 1 then 'search' else 'agents' end as feature,
        case when n % 9 = 0 then 'batch' end as service_tier,
        100 + n * 7919 % 20011 as input_tokens,
        case when n % 3 = 0 then 100 + n * 7919 % 20011 - n % 90 else 0 end as cache_read_tokens,
        10 + n * 104729 % 2003 as output_tokens
    from (
        select
            *,
            ['gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5', 'claude-haiku-4-5'][
                1 + strpos('0123456789abcdef', left(letters, 1)) % 4
            ] as model
        from drawn
    ) as calls
    order by n
) to 'ledger.parquet';

copy (
    select
        provider,
        model,
        'Usage' as charge_category,
        day as charge_period_start,
        day + interval '1 day' as charge_period_end,
        billing_month(day) as billing_period,
        cast(count(*) as decimal(20, 2)) / 100 as billed_cost,
        'USD' as currency
    from (
        select provider, model, date_trunc('day', called_at) as day from 'ledger.parquet'
    ) as calls
    group by provider, model, day
) to 'billing.parquet';

copy (
    select
        customer_id,
        'team' as plan,
        'smb' as tier,
        cast(count(*) % 90 as decimal(10, 2)) as mrr,
        'USD' as currency
    from 'ledger.parquet'
    group by customer_id
) to 'customers.parquet';

create external table ledger stored as parquet location 'ledger.parquet';
create external table billing stored as parquet location 'billing.parquet';
create external table customers stored as parquet location 'customers.parquet';
select * from allocation(period => '2026-01..2026-03');
select * from usage_figures(period => '2026-01..2026-03');

-- Question:    How does each charge fall on the calls it covers?
-- Grain:       one row per charge, period, party, and group of calls below the party
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   missing    scale|leave = 'scale'   Whether known calls bear what the ledger lacks.
--   monthly    bill|ledger = 'bill'   Whose total counts for Usage charges longer than a day.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
-- Notes:       Every selected charge is here with its whole amount, also those that attributed_costs
--              splits by other charges in the end.

with

charges as (
    select * from resolved_charges(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where selected
),

rates as (
    select period, from_currency, to_currency, max(rate) as rate
    from fx_rates
    group by period, from_currency, to_currency
),

-- A price in a currency that has no rate counts as no price.
rated as (
    select
        charges.charge_key,
        charges.period,
        case when charges.way = 'tag' then charges.customer_id else cells.customer_id end
            as customer_id,
        cells.* exclude (customer_id, charge_key, charge_period, period, selected, charge_category),
        case
            when cells.price_currency = charges.currency then 1.000000000000
            else rates.rate
        end as rate
    from covered_cells(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    ) as cells
    inner join charges
        on cells.charge_key = charges.charge_key
        and cells.charge_period = charges.period
    left join rates
        on charges.period = rates.period
        and cells.price_currency = rates.from_currency
        and charges.currency = rates.to_currency
    where cells.bears
),

-- The three costs that can weigh, each with the tokens it is for: the charge's token type, all
-- input, the whole call. A ledger's own list cost is not known by token type.
typed as (
    select
        *,
        rate is not null and priced_by = 'book' as is_priced_by_type,
        rate is not null and priced_by in ('book', 'ledger') as is_priced,
        case token_type
            when 'input' then input_cost
            when 'cache_read' then cache_read_cost
            when 'cache_write' then cache_write_5m_cost + cache_write_1h_cost
            when 'cache_write_5m' then cache_write_5m_cost
            when 'cache_write_1h' then cache_write_1h_cost
            when 'all_input' then input_cost + cache_read_cost + cache_write_5m_cost + cache_write_1h_cost
            when 'output' then output_cost
        end as type_cost,
        token_type in ('input', 'all_input', 'cache_read', 'cache_write', 'cache_write_5m', 'cache_write_1h')
            as is_input,
        input_cost + cache_read_cost + cache_write_5m_cost + cache_write_1h_cost as all_input_cost,
        all_input_weight + output_weight as all_tokens
    from rated
),

leaves as (
    select
        charge_key,
        period,
        token_type,
        customer_id,
        feature,
        case when $depth >= 2 then model end as model,
        query_type,
        session_id,
        request_id,
        sum(case when is_priced_by_type then cast(type_cost as decimal(76, 12)) * rate end) as type_cost,
        sum(case when is_priced_by_type then type_tokens else 0 end) as type_tokens,
        sum(case when is_priced_by_type then 0 else type_tokens end) as type_tokens_unpriced,
        sum(case when is_priced_by_type and is_input then cast(all_input_cost as decimal(76, 12)) * rate end) as input_cost,
        sum(case when is_priced_by_type then all_input_weight else 0 end) as input_tokens,
        sum(case when is_priced_by_type then 0 else all_input_weight end) as input_tokens_unpriced,
        sum(case when is_priced then cast(list_cost as decimal(76, 12)) * rate end) as list_cost,
        sum(case when is_priced then all_tokens else 0 end) as list_tokens,
        sum(case when is_priced then 0 else all_tokens end) as list_tokens_unpriced,
        sum(all_tokens) as tokens,
        sum(weighing_calls) as weighing_calls,
        sum(case when is_priced or priced_by = 'nothing' then 0 else calls end) as unpriced_calls
    from typed
    group by
        charge_key, period, token_type, customer_id, feature,
        case when $depth >= 2 then model end, query_type, session_id, request_id
),

totals as (
    select
        charge_key,
        period,
        token_type,
        sum(type_cost) as type_cost,
        sum(type_tokens) as type_tokens,
        sum(type_tokens_unpriced) as type_tokens_unpriced,
        sum(input_cost) as input_cost,
        sum(input_tokens) as input_tokens,
        sum(input_tokens_unpriced) as input_tokens_unpriced,
        sum(list_cost) as list_cost,
        sum(list_tokens) as list_tokens,
        sum(list_tokens_unpriced) as list_tokens_unpriced,
        sum(tokens) as tokens,
        sum(weighing_calls) as weighing_calls,
        sum(unpriced_calls) as unpriced_calls
    from leaves
    group by charge_key, period, token_type
),

-- The first measure whose sum is not zero.
measured as (
    select
        *,
        case
            when token_type is not null and type_cost <> 0 then 'list_cost'
            when token_type is not null and input_cost <> 0 then 'all_input_cost'
            when list_cost <> 0 and token_type is not null then 'whole_list_cost'
            when list_cost <> 0 then 'list_cost'
            when tokens <> 0 then 'tokens'
            when weighing_calls <> 0 then 'calls'
        end as measure,
        type_tokens + type_tokens_unpriced as covered_tokens
    from totals
),

-- An unpriced call weighs its tokens times the priced calls' average: both are multiplied by the
-- priced tokens, so that nothing is divided.
weighed as (
    select
        leaves.charge_key,
        leaves.period,
        leaves.customer_id,
        leaves.feature,
        leaves.model,
        leaves.query_type,
        leaves.session_id,
        leaves.request_id,
        measured.measure,
        measured.covered_tokens,
        leaves.list_cost,
        leaves.type_cost,
        case
            when measured.measure = 'list_cost' and leaves.token_type is not null then
                case
                    when measured.type_tokens > 0 and measured.type_tokens_unpriced > 0
                        then coalesce(leaves.type_cost, 0) * measured.type_tokens
                            + leaves.type_tokens_unpriced * measured.type_cost
                    else coalesce(leaves.type_cost, 0)
                end
            when measured.measure = 'all_input_cost' then
                case
                    when measured.input_tokens > 0 and measured.input_tokens_unpriced > 0
                        then coalesce(leaves.input_cost, 0) * measured.input_tokens
                            + leaves.input_tokens_unpriced * measured.input_cost
                    else coalesce(leaves.input_cost, 0)
                end
            when measured.measure in ('list_cost', 'whole_list_cost') then
                case
                    when measured.list_tokens > 0 and measured.list_tokens_unpriced > 0
                        then coalesce(leaves.list_cost, 0) * measured.list_tokens
                            + leaves.list_tokens_unpriced * measured.list_cost
                    else coalesce(leaves.list_cost, 0)
                end
            when measured.measure = 'tokens' then cast(leaves.tokens as decimal(76, 24))
            when measured.measure = 'calls' then cast(leaves.weighing_calls as decimal(76, 24))
            else cast(0 as decimal(76, 24))
        end as weight
    from leaves
    inner join measured
        on leaves.charge_key = measured.charge_key
        and leaves.period = measured.period
),

-- Parties in the order in which ties are settled: customers by id, the untagged calls, and last what
-- the provider counted and the ledger did not.
parties as (
    select
        charges.charge_key,
        charges.period,
        charges.amount,
        charges.way,
        case
            when weighed.customer_id is null then '1'
            else concat('0', weighed.customer_id)
        end as party,
        weighed.* exclude (charge_key, period, weight, list_cost, type_cost),
        case when weighed.customer_id is null then 'no customer on the call' end as reason,
        case
            when
                $missing = 'leave'
                and charges.way in ('usage', 'charges')
                and charges.stated_tokens > weighed.covered_tokens
                and weighed.covered_tokens > 0
                then weighed.weight * weighed.covered_tokens
            else weighed.weight
        end as weight
    from weighed
    inner join charges
        on weighed.charge_key = charges.charge_key
        and weighed.period = charges.period
    where weighed.weight > 0
    union all by name
    select
        charges.charge_key,
        charges.period,
        charges.amount,
        charges.way,
        '2' as party,
        weighed.measure,
        'not in the ledger' as reason,
        sum(weighed.weight)
        * (cast(charges.stated_tokens as decimal(38, 12)) - cast(weighed.covered_tokens as decimal(38, 12)))
            as weight
    from weighed
    inner join charges
        on weighed.charge_key = charges.charge_key
        and weighed.period = charges.period
    where
        $missing = 'leave'
        and charges.way in ('usage', 'charges')
        and charges.stated_tokens > weighed.covered_tokens
        and weighed.covered_tokens > 0
        and weighed.measure is not null
    group by
        charges.charge_key, charges.period, charges.amount, charges.way, weighed.measure,
        charges.stated_tokens, weighed.covered_tokens
),

split as (
    select
        *,
        apportion_down(amount, weight) over (
            partition by charge_key, period
            order by party, feature, model, query_type, session_id, request_id
        ) as cost
    from parties
),

-- Where the ledger is the authority, a long charge's calls keep their list cost.
kept as (
    select
        weighed.charge_key,
        weighed.period,
        charges.amount,
        charges.way,
        weighed.customer_id,
        case
            when weighed.customer_id is null then '1'
            else concat('0', weighed.customer_id)
        end as party,
        weighed.feature,
        weighed.model,
        weighed.query_type,
        weighed.session_id,
        weighed.request_id,
        weighed.measure,
        case
            when charges.token_type is null then coalesce(weighed.list_cost, 0)
            else coalesce(weighed.type_cost, 0)
        end as list_cost
    from weighed
    inner join charges
        on weighed.charge_key = charges.charge_key
        and weighed.period = charges.period
    where
        $monthly = 'ledger'
        and charges.way = 'usage'
        and charges.charge_category = 'Usage'
        and charges.amount > 0
        and charges.charge_period_end - charges.charge_period_start > interval '24 hours'
        and weighed.measure = 'list_cost'
),

kept_parties as (
    select
        *,
        to_amount(sum(list_cost) over (partition by charge_key, period, party)) as party_cost
    from kept
),

kept_split as (
    select
        *,
        apportion_down(party_cost, list_cost) over (
            partition by charge_key, period, party
            order by feature, model, query_type, session_id, request_id
        ) as cost
    from kept_parties
    where party_cost > 0 and list_cost > 0
),

kept_totals as (
    select charge_key, period, amount, sum(cost) as cost
    from kept_split
    group by charge_key, period, amount
),

-- What no call can bear keeps its row and says why.
left_over as (
    select
        charges.charge_key,
        charges.period,
        charges.amount as cost,
        charges.way,
        case
            when charges.way in ('unknown tag', 'idle') then charges.way
            when measured.charge_key is not null then 'no weight'
            when charges.way = 'request' then 'unknown request'
            else 'no calls covered'
        end as reason
    from charges
    left join measured
        on charges.charge_key = measured.charge_key
        and charges.period = measured.period
    where
        charges.way <> 'tag'
        and (charges.way in ('unknown tag', 'idle') or measured.measure is null)
),

rows as (
    select
        charge_key, period, way, customer_id, feature, model, query_type, session_id, request_id,
        measure, reason, cost
    from split
    where
        way not in ('tag', 'unknown tag', 'idle')
        and not exists (
            select 1 from kept_totals
            where kept_totals.charge_key = split.charge_key and kept_totals.period = split.period
        )
    union all by name
    select
        charge_key, period, way, customer_id, feature, model, query_type, session_id, request_id,
        measure, case when customer_id is null then 'no customer on the call' end as reason, cost
    from kept_split
    union all by name
    select
        charge_key, period, 'usage' as way, 'list_cost' as measure, 'variance' as reason,
        amount - cost as cost
    from kept_totals
    union all by name
    select charge_key, period, way, reason, cost from left_over
    union all by name
    -- A named customer bears the whole charge; its calls only say on what.
    select
        charges.charge_key,
        charges.period,
        charges.way,
        charges.customer_id,
        split.feature,
        split.model,
        split.query_type,
        split.session_id,
        split.request_id,
        coalesce(split.cost, charges.amount) as cost
    from charges
    left join split
        on charges.charge_key = split.charge_key
        and charges.period = split.period
    where charges.way = 'tag'
)

select * from rows

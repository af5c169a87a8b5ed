-- Question:    How does each charge fall on the calls it covers?
-- Grain:       one row per charge, party, and group of calls below the party
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

leaves as (
    select * from charge_usage(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
),

totals as (
    select
        charge_number,
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
        sum(weighing_calls) as weighing_calls
    from leaves
    group by charge_number, token_type
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
        leaves.charge_number,
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
    inner join measured on leaves.charge_number = measured.charge_number
),

-- Parties in the order in which ties are settled: customers by id, the untagged calls, and last what
-- the provider counted and the ledger did not.
parties as (
    select
        charges.charge_number,
        charges.amount,
        charges.way,
        case
            when weighed.customer_id is null then '1'
            else concat('0', weighed.customer_id)
        end as party,
        weighed.* exclude (charge_number, weight, list_cost, type_cost),
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
    inner join charges on weighed.charge_number = charges.charge_number
    where weighed.weight > 0
    union all by name
    select
        charges.charge_number,
        charges.amount,
        charges.way,
        '2' as party,
        weighed.measure,
        'not in the ledger' as reason,
        sum(weighed.weight)
        * (cast(charges.stated_tokens as decimal(38, 12)) - cast(weighed.covered_tokens as decimal(38, 12)))
            as weight
    from weighed
    inner join charges on weighed.charge_number = charges.charge_number
    where
        $missing = 'leave'
        and charges.way in ('usage', 'charges')
        and charges.stated_tokens > weighed.covered_tokens
        and weighed.covered_tokens > 0
        and weighed.measure is not null
    group by
        charges.charge_number, charges.amount, charges.way, weighed.measure,
        charges.stated_tokens, weighed.covered_tokens
),

split as (
    select
        *,
        apportion_down(amount, weight) over (
            partition by charge_number
            order by party, feature, model, query_type, session_id, request_id
        ) as cost
    from parties
),

-- Where the ledger is the authority, a long charge's calls keep their list cost.
kept as (
    select
        weighed.charge_number,
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
    inner join charges on weighed.charge_number = charges.charge_number
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
        to_amount(sum(list_cost) over (partition by charge_number, party)) as party_cost
    from kept
),

kept_split as (
    select
        *,
        apportion_down(party_cost, list_cost) over (
            partition by charge_number, party
            order by feature, model, query_type, session_id, request_id
        ) as cost
    from kept_parties
    where party_cost > 0 and list_cost > 0
),

kept_totals as (
    select charge_number, amount, sum(cost) as cost
    from kept_split
    group by charge_number, amount
),

-- What no call can bear keeps its row and says why.
left_over as (
    select
        charges.charge_number,
        charges.amount as cost,
        charges.way,
        case
            when charges.way in ('unknown tag', 'idle') then charges.way
            when measured.charge_number is not null then 'no weight'
            when charges.way = 'request' then 'unknown request'
            else 'no calls covered'
        end as reason
    from charges
    left join measured on charges.charge_number = measured.charge_number
    where
        charges.way <> 'tag'
        and (charges.way in ('unknown tag', 'idle') or measured.measure is null)
),

rows as (
    select
        charge_number, way, customer_id, feature, model, query_type, session_id, request_id,
        measure, reason, cost
    from split
    where
        way not in ('tag', 'unknown tag', 'idle')
        and not exists (
            select 1 from kept_totals
            where kept_totals.charge_number = split.charge_number
        )
    union all by name
    select
        charge_number, way, customer_id, feature, model, query_type, session_id, request_id,
        measure, case when customer_id is null then 'no customer on the call' end as reason, cost
    from kept_split
    union all by name
    select
        charge_number, 'usage' as way, 'list_cost' as measure, 'variance' as reason,
        amount - cost as cost
    from kept_totals
    union all by name
    select charge_number, way, reason, cost from left_over
    union all by name
    -- A named customer bears the whole charge; its calls only say on what.
    select
        charges.charge_number,
        charges.way,
        charges.customer_id,
        split.feature,
        split.model,
        split.query_type,
        split.session_id,
        split.request_id,
        coalesce(split.cost, charges.amount) as cost
    from charges
    left join split on charges.charge_number = split.charge_number
    where charges.way = 'tag'
)

select * from rows

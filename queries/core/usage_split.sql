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
    select
        charge_number, amount, way, token_type, customer_id, charge_category, charge_period_start,
        charge_period_end, stated_tokens
    from resolved_charges(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where selected
),

weighed as (
    select * from weighed_usage(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
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
        weighed.* exclude (charge_number, day, is_priced, weight, list_cost, type_cost),
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
    from charges
    inner join weighed on charges.charge_number = weighed.charge_number
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
    from charges
    inner join weighed on charges.charge_number = weighed.charge_number
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
    from charges
    inner join weighed on charges.charge_number = weighed.charge_number
    where
        $monthly = 'ledger'
        and charges.way = 'usage'
        and charges.charge_category = 'Usage'
        and charges.amount > 0
        and charges.charge_period_start + interval '24 hours' < charges.charge_period_end
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

measured as (
    select distinct charge_number, measure from weighed
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
        split.charge_number, split.way, split.customer_id, split.feature, split.model,
        split.query_type, split.session_id, split.request_id, split.measure, split.reason,
        split.cost
    from kept_totals
    right join split on kept_totals.charge_number = split.charge_number
    where
        split.way not in ('tag', 'unknown tag', 'idle')
        and kept_totals.charge_number is null
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

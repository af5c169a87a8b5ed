-- Question:    What does each part of the usage under a charge weigh, and by which measure?
-- Grain:       as in charge_usage
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
--   by_day     boolean = false   As in charge_usage.
-- Notes:       A weight counts within its charge alone. measure is NULL where nothing weighs.

with

leaves as (
    select * from charge_usage(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth, by_day => $by_day
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
            when list_tokens + list_tokens_unpriced <> 0 then 'tokens'
            when weighing_calls <> 0 then 'calls'
        end as measure,
        case
            when token_type is null then list_tokens + list_tokens_unpriced
            else type_tokens + type_tokens_unpriced
        end as covered_tokens
    from totals
)

-- An unpriced call weighs its tokens times the priced calls' average: both are multiplied by the
-- priced tokens, so that nothing is divided.
select
    leaves.charge_number,
    leaves.customer_id,
    leaves.feature,
    leaves.model,
    leaves.query_type,
    leaves.session_id,
    leaves.request_id,
    leaves.day,
    leaves.is_priced,
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
        when measured.measure = 'all_input_cost' and leaves.token_type is not null then
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
        when measured.measure = 'tokens'
            then cast(leaves.list_tokens + leaves.list_tokens_unpriced as decimal(76, 24))
        when measured.measure = 'calls' then cast(leaves.weighing_calls as decimal(76, 24))
        else cast(0 as decimal(76, 24))
    end as weight
from measured
inner join leaves on measured.charge_number = leaves.charge_number

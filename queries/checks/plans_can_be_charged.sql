-- Claim:       Every plan can be charged: it has one measure and mode, steps from zero on that do not overlap, and no price below zero.
-- Severity:    error
-- Grain:       one row per plan, day from which its terms hold, and finding
-- Parameters:
--   terms      relation = plans   The plans, a row per step.
-- Notes:       A step starts where the one below it ends, so steps can leave a gap before the first
--              only. What is included and what the base fee is may stand on one of the steps.

with

counted as (
    select
        plan,
        effective_from,
        count(*) as steps,
        count(distinct from_unit) as starts,
        min(from_unit) as first_unit,
        min(measure) as measure,
        min(mode) as mode,
        count(distinct measure) as measures,
        count(distinct mode) as modes,
        count(distinct base_fee) as base_fees,
        count(distinct included_units) as inclusions,
        count(distinct currency) as currencies,
        max(included_units) as included_units,
        count(case when unit_price is null and flat_fee is null then 1 end) as priceless_steps,
        least(
            min(from_unit), min(included_units), min(unit_price), min(flat_fee), min(minimum),
            min(base_fee)
        ) as least_number
    from plan_steps(terms => terms)
    group by plan, effective_from
),

judged as (
    select
        plan,
        effective_from,
        unnest([
            case when plan is null then 'it has no name' end,
            case when measures <> 1 then 'it needs one measure' end,
            case when modes <> 1 then 'it needs one mode' end,
            case
                when measure not in ('calls', 'tokens', 'sessions', 'cost')
                    then concat('`', measure, '` is not a measure: calls, tokens, sessions or cost')
            end,
            case
                when mode not in ('overage', 'graduated', 'volume', 'consumption')
                    then concat('`', mode, '` is not a mode: overage, graduated, volume or consumption')
            end,
            case when base_fees > 1 then 'it has several base fees' end,
            case when inclusions > 1 then 'it includes different numbers of units' end,
            case when currencies > 1 then 'it is priced in several currencies' end,
            case when least_number < 0 then 'a price, a fee or a number of units is negative' end,
            case when priceless_steps > 0 then 'a step has neither a unit price nor a flat fee' end,
            case when starts < steps then 'steps overlap: two of them start at the same unit' end,
            case when first_unit > 0 then concat('no step prices the first ', first_unit, ' units') end,
            case
                when mode in ('overage', 'consumption') and steps > 1
                    then concat(mode, ' has one step: several are graduated or volume')
            end,
            case
                when mode = 'consumption' and included_units > 0
                    then 'consumption includes nothing: with included units it is overage'
            end
        ]) as finding
    from counted
)

select plan, effective_from, finding
from judged
where finding is not null
order by plan, effective_from, finding

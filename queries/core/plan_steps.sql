-- Question:    What do the rows of a relation of plans say, whoever made it?
-- Grain:       one row per step
-- Parameters:
--   terms      relation = plans   The plans, a row per step.
-- Notes:       A column that the relation lacks is NULL, as it is in a file of plans, and one of another type
--              is read as what is meant.

with

named as (
    select * from plans where false
    union all by name
    select * from terms
)

select
    plan,
    measure,
    to_amount(base_fee) as base_fee,
    cast(included_units as bigint) as included_units,
    mode,
    coalesce(cast(from_unit as bigint), 0) as from_unit,
    to_amount(unit_price) as unit_price,
    to_amount(flat_fee) as flat_fee,
    to_amount(minimum) as minimum,
    currency,
    cast(effective_from as date) as effective_from
from named

-- Question:    Which calls may each charge cover: whose, and tested on which dimensions?
-- Grain:       one row per charge and period, out-of-scope charges left out
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   What customer_hash was salted with, where tags are hashes.
--   idle       leave|spread = 'leave'   Under effective, whether unused commitment is split too.
--   depth      integer = 0   As in usage_cells.
-- Reads first:
--   boundaries timestamps = (
--       select array_agg(boundary order by boundary)
--       from charge_boundaries(period => $period, basis => $basis)
--   )
-- Notes:       way says how a charge is split: tag, request, usage, charges (in proportion to what
--              other charges put on each party), or not at all: unknown tag, idle. charge_number
--              stands for charge_key and period within a statement; it is quicker to join on.

with

charges as (
    select * from charges(period => $period, basis => $basis, currency => $currency)
    where scope = 'inference'
),

cells as (
    select slot_start, provider, sub_account, model, service_tier, customer_id
    from usage_cells(period => $period, basis => $basis, depth => $depth)
    where not response_cached
),

tags as (
    select distinct period, customer_tag as tag from charges where customer_tag is not null
),

ids as (
    select customer_id from customers where customer_id is not null
    union
    select customer_id from cells where customer_id is not null
),

-- A tag is a known id, or the hash of one; an id that looks like a hash is still an id.
spelt as (
    select customer_id as tag, customer_id, 0 as by_hash from ids
    union all
    select customer_hash(customer_id, $salt) as tag, customer_id, 1 as by_hash from ids
),

meant as (
    select tags.period, tags.tag, spelt.customer_id, spelt.by_hash
    from tags
    inner join spelt on tags.tag = spelt.tag
),

-- A month and what its bill spans: whose calls lie in it is known to its charges, however many months
-- are asked for at once. A billing period that is no month has only what its bill spans.
times as (
    select
        period,
        least(
            min(case when request_id is null then charge_period_start end),
            try_cast(period || '-01' as timestamp(6))
        ) as time_start,
        greatest(
            max(case when request_id is null then charge_period_end end),
            try_cast(period || '-01' as timestamp(6)) + interval '1 month'
        ) as time_end
    from charges
    group by period
),

slots as (
    select period, unnest(slots_within(time_start, time_end, $boundaries)) as slot_start from times
),

seen as (
    select distinct slots.period, cells.customer_id
    from (select distinct customer_id from meant) as candidates
    inner join cells on candidates.customer_id = cells.customer_id
    inner join slots on cells.slot_start = slots.slot_start
    union
    select meant.period, meant.customer_id
    from meant
    inner join customers on meant.customer_id = customers.customer_id
),

tagged as (
    select
        meant.period,
        meant.tag,
        first_value(meant.customer_id order by meant.by_hash, meant.customer_id) as customer_id
    from meant
    inner join seen
        on meant.period = seen.period
        and meant.customer_id = seen.customer_id
    group by meant.period, meant.tag
),

-- A dimension that no call of the provider carries in the bill's time cannot be tested.
spans as (
    select
        provider,
        period,
        min(charge_period_start) as span_start,
        max(charge_period_end) as span_end
    from charges
    where request_id is null
    group by provider, period
),

-- As many rows as there are slots, however many customers call.
carried_in_slots as (
    select
        provider,
        slot_start,
        bool_or(sub_account is not null) as sub_account,
        bool_or(model is not null) as model,
        bool_or(service_tier is not null) as service_tier
    from cells
    group by provider, slot_start
),

carried as (
    select
        spans.provider,
        spans.period,
        bool_or(slots.sub_account) as sub_account,
        bool_or(slots.model) as model,
        bool_or(slots.service_tier) as service_tier
    from spans
    inner join carried_in_slots as slots
        on spans.provider = slots.provider
        and slots.slot_start >= spans.span_start
        and slots.slot_start < spans.span_end
    group by spans.provider, spans.period
)

select
    charges.*,
    cast(row_number() over (order by charges.charge_key, charges.period) as bigint) as charge_number,
    tagged.customer_id,
    case
        when tagged.customer_id is not null then 'tag'
        when charges.request_id is not null then 'request'
        when charges.customer_tag is not null then 'unknown tag'
        when
            $basis = 'effective'
            and $idle = 'leave'
            and charges.commitment_discount_status = 'Unused'
            then 'idle'
        when charges.charge_category in ('Usage', 'Purchase') then 'usage'
        else 'charges'
    end as way,
    coalesce(charges.sub_account is not null and carried.sub_account, false) as tests_sub_account,
    coalesce(charges.model is not null and carried.model, false) as tests_model,
    coalesce(charges.service_tier is not null and carried.service_tier, false) as tests_service_tier
from charges
left join tagged
    on charges.customer_tag = tagged.tag
    and charges.period = tagged.period
left join carried
    on charges.provider = carried.provider
    and charges.period = carried.period

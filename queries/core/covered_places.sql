-- Question:    Which calls does each charge cover, once the most specific Usage charge has won?
-- Grain:       one row per charge and place of usage
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   As in charges.
--   currency   text = NULL   As in charges.
--   salt       text = ''   As in resolved_charges.
--   idle       leave|spread = 'leave'   As in resolved_charges.
--   depth      integer = 0   As in usage_cells.
-- Reads first:
--   boundaries timestamps = (
--       select array_agg(boundary order by boundary)
--       from charge_boundaries(period => $period, basis => $basis)
--   )
-- Notes:       bears says whether the charge is split over the place; a place that is covered and bears
--              nothing is one that a more specific charge has taken. Charges have few shapes, the sets
--              of dimensions they are tested on, so charges and places meet by equality on the shape
--              and its values.

with

charges as (
    select
        charge_number,
        period,
        provider,
        sub_account,
        model,
        service_tier,
        token_type,
        request_id,
        customer_tag,
        customer_id,
        charge_category,
        charge_period_start,
        charge_period_end,
        selected,
        way,
        tests_sub_account,
        tests_model,
        tests_service_tier
    from resolved_charges(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
    where way <> 'unknown tag'
),

places as (
    select * from usage_places(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $depth
    )
),

timed as (
    select
        charge_number,
        provider,
        tests_sub_account,
        tests_model,
        tests_service_tier,
        customer_id is not null as tests_customer,
        case when tests_sub_account then sub_account else '' end as key_sub_account,
        case when tests_model then model else '' end as key_model,
        case when tests_service_tier then service_tier else '' end as key_tier,
        coalesce(customer_id, '') as key_customer_id,
        unnest(slots_within(charge_period_start, charge_period_end, $boundaries)) as slot_start
    from charges
    where request_id is null
),

shapes as (
    select distinct provider, tests_sub_account, tests_model, tests_service_tier, tests_customer
    from timed
),

-- A place as each shape sees it: what the shape does not test is blank on both sides, and calls that
-- lack what it tests are NULL, which equals nothing.
shaped as (
    select
        places.*,
        shapes.tests_sub_account,
        shapes.tests_model,
        shapes.tests_service_tier,
        shapes.tests_customer,
        case when shapes.tests_sub_account then places.sub_account else '' end as key_sub_account,
        case when shapes.tests_model then places.model else '' end as key_model,
        case when shapes.tests_service_tier then places.tier else '' end as key_tier,
        case when shapes.tests_customer then places.named_customer_id else '' end as key_customer_id
    from places
    inner join shapes on places.provider = shapes.provider
),

pairs as (
    select
        timed.charge_number,
        shaped.* exclude (
            tests_sub_account, tests_model, tests_service_tier, tests_customer, key_sub_account,
            key_model, key_tier, key_customer_id
        )
    from timed
    inner join shaped
        on timed.provider = shaped.provider
        and timed.tests_sub_account = shaped.tests_sub_account
        and timed.tests_model = shaped.tests_model
        and timed.tests_service_tier = shaped.tests_service_tier
        and timed.tests_customer = shaped.tests_customer
        and timed.key_sub_account = shaped.key_sub_account
        and timed.key_model = shaped.key_model
        and timed.key_tier = shaped.key_tier
        and timed.key_customer_id = shaped.key_customer_id
        and timed.slot_start = shaped.slot_start
    union all by name
    -- A request decides alone, whatever the period.
    select
        charges.charge_number,
        places.*
    from charges
    inner join places on charges.request_id = places.billed_request_id
),

-- What Usage charges that name a request take out of the others on the same month's bill.
taken_by_request as (
    select
        period,
        request_id,
        bool_or(token_type is null) as every_type,
        array_agg(distinct token_type) as token_types
    from charges
    where selected and charge_category = 'Usage' and request_id is not null
    group by period, request_id
),

-- The dimensions that Usage charges state which could lose calls to one that names a customer.
broad as (
    select distinct
        provider,
        sub_account is not null as states_sub_account,
        model is not null as states_model,
        service_tier is not null as states_service_tier,
        token_type is not null as states_token_type
    from charges
    where
        selected
        and charge_category = 'Usage'
        and request_id is null
        and customer_tag is null
),

-- Each place of a customer's own Usage charge, under every broader set of dimensions it also states.
taken_by_customer as (
    select distinct
        broad.*,
        charges.period,
        case when broad.states_sub_account then charges.sub_account else '' end as of_sub_account,
        case when broad.states_model then charges.model else '' end as of_model,
        case when broad.states_service_tier then charges.service_tier else '' end as of_service_tier,
        case when broad.states_token_type then charges.token_type else '' end as of_token_type,
        pairs.slot_start,
        coalesce(pairs.sub_account, '') as sub_account,
        coalesce(pairs.model, '') as model,
        pairs.tier,
        pairs.named_customer_id
    from charges
    inner join pairs on charges.charge_number = pairs.charge_number
    inner join broad on charges.provider = broad.provider
    where
        charges.selected
        and charges.charge_category = 'Usage'
        and charges.way = 'tag'
        and charges.request_id is null
        and (not broad.states_sub_account or charges.sub_account is not null)
        and (not broad.states_model or charges.model is not null)
        and (not broad.states_service_tier or charges.service_tier is not null)
        and (not broad.states_token_type or charges.token_type is not null)
),

flagged as (
    select
        pairs.*,
        charges.selected,
        charges.charge_category,
        charges.selected
        and charges.charge_category = 'Usage'
        and charges.request_id is null
        and (
            coalesce(
                taken_by_request.every_type
                or (taken_by_request.request_id is not null and charges.token_type is null)
                or array_has(taken_by_request.token_types, charges.token_type),
                false
            )
            or (charges.customer_tag is null and taken_by_customer.named_customer_id is not null)
        ) as is_taken
    from pairs
    inner join charges on pairs.charge_number = charges.charge_number
    left join taken_by_request
        on pairs.billed_request_id = taken_by_request.request_id
        and charges.period = taken_by_request.period
    left join taken_by_customer
        on charges.provider = taken_by_customer.provider
        and charges.period = taken_by_customer.period
        and (charges.sub_account is not null) = taken_by_customer.states_sub_account
        and (charges.model is not null) = taken_by_customer.states_model
        and (charges.service_tier is not null) = taken_by_customer.states_service_tier
        and (charges.token_type is not null) = taken_by_customer.states_token_type
        and coalesce(charges.sub_account, '') = taken_by_customer.of_sub_account
        and coalesce(charges.model, '') = taken_by_customer.of_model
        and coalesce(charges.service_tier, '') = taken_by_customer.of_service_tier
        and coalesce(charges.token_type, '') = taken_by_customer.of_token_type
        and pairs.slot_start = taken_by_customer.slot_start
        and coalesce(pairs.sub_account, '') = taken_by_customer.sub_account
        and coalesce(pairs.model, '') = taken_by_customer.model
        and pairs.tier = taken_by_customer.tier
        and pairs.named_customer_id = taken_by_customer.named_customer_id
),

-- A charge that would be left without a call keeps all that agree.
kept as (
    select
        *,
        sum(case when is_taken then 0 else calls end) over (partition by charge_number) as calls_left
    from flagged
)

select
    * exclude (is_taken, calls_left),
    selected and (not is_taken or calls_left = 0) as bears
from kept

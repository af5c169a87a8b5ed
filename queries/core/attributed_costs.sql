-- Question:    Who bears each charge, and how do we know?
-- Grain:       one row per charge, customer, method, reason, and what `by` asks for; charges sum to their amount
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   by         customer|feature|model|query_type|session_id|request_id+ = 'customer'   What to split each customer's part into, separated by commas.
--   basis      billed|effective = 'billed'   What was invoiced, or prepayments spread over their use.
--   currency   text = NULL   Convert every charge to it where fx_rates has a rate.
--   missing    scale|leave = 'scale'   Whether known calls bear what the ledger lacks, or it is left unattributed.
--   monthly    bill|ledger = 'bill'   Whose total counts for Usage charges longer than a day.
--   idle       leave|spread = 'leave'   Under effective, whether unused commitment is apportioned too.
--   estimate   boolean = false   Add the list cost of calls that no charge covers.
--   salt       text = ''   What customer_hash was salted with, where tags are hashes.
-- Ties to:     checks/attribution_conserves_cost
-- Notes:       The order below the customer is fixed: feature, model, query_type, session_id,
--              request_id. A part is split over all of them down to the last that is asked for, and
--              then added up, so that every report ties to every other.

with

charges as (
    select
        charge_number, charge_key, charge_id, input, period, provider, sub_account, model, service_tier,
        token_type, charge_category, way, amount, currency
    from resolved_charges(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $by_depth
    )
    where selected
),

by_usage as (
    select * from usage_split(
        period => $period, basis => $basis, currency => $currency, salt => $salt,
        missing => $missing, monthly => $monthly, idle => $idle, depth => $by_depth
    )
),

-- Credits, taxes and adjustments follow the Usage and Purchase charges that state the same.
following as (
    select
        *,
        model as charge_model,
        sub_account is not null as states_sub_account,
        model is not null as states_model,
        service_tier is not null as states_service_tier,
        token_type is not null as states_token_type
    from charges
    where way = 'charges'
),

shapes as (
    select distinct
        provider, states_sub_account, states_model, states_service_tier, states_token_type
    from following
),

base as (
    select
        shapes.*,
        charges.period,
        charges.currency,
        case when states_sub_account then charges.sub_account else '' end as of_sub_account,
        case when states_model then charges.model else '' end as of_model,
        case when states_service_tier then charges.service_tier else '' end as of_service_tier,
        case when states_token_type then charges.token_type else '' end as of_token_type,
        by_usage.customer_id,
        by_usage.reason,
        by_usage.feature,
        by_usage.model,
        by_usage.query_type,
        by_usage.session_id,
        by_usage.request_id,
        sum(by_usage.cost) as cost
    from shapes
    inner join charges on shapes.provider = charges.provider
    inner join by_usage on charges.charge_number = by_usage.charge_number
    where charges.charge_category in ('Usage', 'Purchase')
    group by all
),

followed as (
    select
        following.charge_number,
        following.amount,
        base.* exclude (provider, currency),
        case when base.customer_id is null then '1' else concat('0', base.customer_id) end as party,
        sum(base.cost) over (partition by following.charge_number) as base_cost
    from following
    inner join base
        on following.provider = base.provider
        and following.period = base.period
        and following.currency = base.currency
        and following.states_sub_account = base.states_sub_account
        and following.states_model = base.states_model
        and following.states_service_tier = base.states_service_tier
        and following.states_token_type = base.states_token_type
        and coalesce(following.sub_account, '') = base.of_sub_account
        and coalesce(following.model, '') = base.of_model
        and coalesce(following.service_tier, '') = base.of_service_tier
        and coalesce(following.token_type, '') = base.of_token_type
),

by_charges as (
    select
        *,
        apportion_down(amount, cost) over (
            partition by charge_number
            order by party, reason, feature, model, query_type, session_id, request_id
        ) as part
    from followed
    where base_cost > 0
),

follows as (
    select distinct charge_number from by_charges
),

split as (
    select
        by_usage.charge_number, by_usage.way, by_usage.customer_id, by_usage.feature,
        by_usage.model, by_usage.query_type, by_usage.session_id, by_usage.request_id,
        by_usage.measure, by_usage.reason, by_usage.cost
    from follows
    right join by_usage on follows.charge_number = by_usage.charge_number
    where follows.charge_number is null
    union all by name
    select
        charge_number, 'charges' as way, customer_id, feature, model, query_type, session_id,
        request_id, 'charges' as measure, reason, part as cost
    from by_charges
),

-- What an analyst would look for first where a charge finds no call: a name written differently.
named as (
    select distinct provider, model, sub_account
    from usage_cells(period => $period, basis => $basis, depth => $by_depth)
),

nearest as (
    select
        charges.charge_number,
        case
            when count(named.provider) = 0
                then concat('the ledger has no calls of ', max(charges.provider))
            when max(charges.model) is not null and max(case when charges.model = named.model then 1 else 0 end) = 0
                then concat(
                    'nearest model ',
                    first_value(
                        named.model
                        order by
                            -- `gpt-5.4-2026-03-05` holds the name that is meant.
                            case
                                when strpos(charges.model, named.model) > 0
                                    then 0 - length(named.model)
                                else levenshtein(charges.model, named.model)
                            end,
                            named.model
                    )
                )
            when
                max(charges.sub_account) is not null
                and max(case when charges.sub_account = named.sub_account then 1 else 0 end) = 0
                then concat(
                    'nearest sub_account ',
                    first_value(
                        named.sub_account
                        order by levenshtein(charges.sub_account, named.sub_account), named.sub_account
                    )
                )
            else 'no call agrees with all that the charge states in its time'
        end as detail
    from charges
    inner join by_usage on charges.charge_number = by_usage.charge_number
    left join named on charges.provider = named.provider
    where by_usage.reason = 'no calls covered'
    group by charges.charge_number
),

-- Added up by number before the charges' own columns come beside it.
summed as (
    select
        charge_number,
        customer_id,
        case when strpos(concat(',', $by, ','), ',feature,') > 0 then feature end as feature,
        case when strpos(concat(',', $by, ','), ',model,') > 0 then model end as model,
        case when strpos(concat(',', $by, ','), ',query_type,') > 0 then query_type end as query_type,
        case when strpos(concat(',', $by, ','), ',session_id,') > 0 then session_id end as session_id,
        case when strpos(concat(',', $by, ','), ',request_id,') > 0 then request_id end as request_id,
        case
            when reason is not null then 'unattributed'
            when way = 'charges' then 'usage'
            else way
        end as method,
        case when way <> 'tag' then measure end as measure,
        reason,
        sum(cost) as cost
    from split
    group by all
),

attributed as (
    select
        summed.*,
        charges.* exclude (charge_number, model, way, amount),
        charges.model as charge_model,
        case when summed.reason = 'no calls covered' then nearest.detail end as detail
    from charges
    left join nearest on charges.charge_number = nearest.charge_number
    inner join summed on charges.charge_number = summed.charge_number
),

estimated as (
    select
        cells.period,
        cells.provider,
        cells.sub_account,
        cells.service_tier,
        cells.customer_id,
        case when strpos(concat(',', $by, ','), ',feature,') > 0 then cells.feature end as feature,
        case when strpos(concat(',', $by, ','), ',model,') > 0 then cells.model end as model,
        case when strpos(concat(',', $by, ','), ',query_type,') > 0 then cells.query_type end as query_type,
        case when strpos(concat(',', $by, ','), ',session_id,') > 0 then cells.session_id end as session_id,
        case when strpos(concat(',', $by, ','), ',request_id,') > 0 then cells.request_id end as request_id,
        'estimate' as method,
        cells.price_currency as currency,
        sum(cells.list_cost) as cost
    from unbilled_cells(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle,
        depth => $by_depth
    ) as cells
    where $estimate and cells.list_cost is not null
    group by all
)

select
    period, charge_id, charge_key, input, provider, sub_account, service_tier, token_type,
    charge_category, charge_model, customer_id, feature, model, query_type, session_id, request_id,
    method, measure, reason, detail, currency, cost
from attributed
union all by name
select * from estimated

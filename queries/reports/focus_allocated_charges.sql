-- Question:    What does the bill look like in FOCUS 1.3, each charge split into allocated charges?
-- Grain:       one row per part of a charge; charges out of scope are whole
-- Parameters:
--   period          month = (select max(billing_period) from billing)   The billing period.
--   by              customer|feature|model|query_type|session_id|request_id+ = 'customer'   As in attributed_costs.
--   missing         scale|leave = 'scale'   As in attributed_costs.
--   salt            text = ''   As in attributed_costs.
--   billing_account text = NULL   BillingAccountId, which a bill's relation does not hold.
-- Notes:       Over the rows of one x_ChargeKey, BilledCost, EffectiveCost and ConsumedQuantity sum
--              to the origin charge, and AllocatedRatio sums to 1: all are apportioned. Everything
--              else is the origin's. A bill that states no effective cost has EffectiveCost =
--              BilledCost; list and contracted cost are not on it, so they are BilledCost too.
--              AllocatedMethodId is apportion/METHOD/MEASURE, in the words of attributed_costs.
--              AllocatedResourceId is the customer. Only a charge that was split names a method.

with

charges as (
    select *, effective_cost is not null as states_effective_cost
    from charges(period => $period)
    where selected
),

billed as (
    select * from attributed_costs(
        period => $period, by => $by, missing => $missing, salt => $salt
    )
),

effective as (
    select attributed.*
    from attributed_costs(
        period => $period, by => $by, missing => $missing, salt => $salt, basis => 'effective'
    ) as attributed
    inner join charges
        on attributed.charge_key = charges.charge_key
        and attributed.period = charges.period
    where charges.states_effective_cost
),

parts as (
    select * exclude (cost), cost as billed_part, 0 as effective_part from billed
    union all by name
    select * exclude (cost), 0 as billed_part, cost as effective_part from effective
    -- Out of scope, a charge is its own only part.
    union all by name
    select
        charge_key, period, billed_cost as billed_part, coalesce(effective_cost, 0) as effective_part
    from charges
    where scope <> 'inference'
),

summed as (
    select
        charge_key, period, customer_id, feature, model, query_type, session_id, request_id, method,
        measure, reason,
        sum(billed_part) as billed_part,
        sum(effective_part) as effective_part
    from parts
    group by all
),

-- What is paid already bills nothing and still costs: then the parts of the effective cost weigh.
weighed as (
    select
        charges.*,
        summed.* exclude (charge_key, period, model, request_id),
        summed.model as call_model,
        summed.request_id as call_request_id,
        case
            when charges.billed_cost <> 0 then abs(summed.billed_part)
            when charges.effective_cost <> 0 then abs(summed.effective_part)
            else 1
        end as weight
    from charges
    inner join summed
        on charges.charge_key = summed.charge_key
        and charges.period = summed.period
),

split as (
    select
        *,
        apportion(1, weight) over parts as ratio,
        apportion(coalesce(consumed_quantity, 0), weight) over parts as quantity_part
    from weighed
    where weight <> 0 or effective_part <> 0
    window parts as (
        partition by charge_key, period
        order by
            customer_id, feature, call_model, query_type, session_id, call_request_id, method,
            measure, reason
    )
),

allocated as (
    select
        *,
        case when states_effective_cost then effective_part else billed_part end as effective_cost_part,
        case when method is not null then concat_ws('/', 'apportion', method, measure) end as method_id,
        case
            when method is not null
                then to_json(
                    named_struct('Elements', make_array(named_struct('AllocatedRatio', ratio)))
                )
        end as method_details,
        to_json(
            named_struct(
                'customer_tag', customer_tag,
                'customer_id', customer_id,
                'feature', feature,
                'model', call_model,
                'query_type', query_type,
                'session_id', session_id,
                'request_id', call_request_id
            )
        ) as allocated_tags
    from split
)

select
    allocated_tags as "AllocatedTags",
    customer_id as "AllocatedResourceId",
    method_id as "AllocatedMethodId",
    method_details as "AllocatedMethodDetails",
    billed_part as "BilledCost",
    $billing_account as "BillingAccountId",
    currency as "BillingCurrency",
    arrow_cast(try_cast(period || '-01' as timestamp(6)), 'Timestamp(Microsecond, Some("UTC"))')
        as "BillingPeriodStart",
    arrow_cast(
        try_cast(period || '-01' as timestamp(6)) + interval '1 month', 'Timestamp(Microsecond, Some("UTC"))'
    ) as "BillingPeriodEnd",
    charge_category as "ChargeCategory",
    concat_ws(' ', provider, model, service_tier, token_type) as "ChargeDescription",
    arrow_cast(charge_period_start, 'Timestamp(Microsecond, Some("UTC"))') as "ChargePeriodStart",
    arrow_cast(charge_period_end, 'Timestamp(Microsecond, Some("UTC"))') as "ChargePeriodEnd",
    case when consumed_quantity is not null then quantity_part end as "ConsumedQuantity",
    consumed_unit as "ConsumedUnit",
    billed_part as "ContractedCost",
    effective_cost_part as "EffectiveCost",
    invoice_id as "InvoiceId",
    provider as "InvoiceIssuerName",
    billed_part as "ListCost",
    case when scope = 'inference' then 'AI and Machine Learning' else 'Other' end as "ServiceCategory",
    provider as "ServiceName",
    provider as "ServiceProviderName",
    sub_account as "SubAccountId",
    case when customer_tag is not null then to_json(named_struct('customer_tag', customer_tag)) end as "Tags",
    charge_id as "x_ChargeId",
    charge_key as "x_ChargeKey",
    model as "x_Model",
    service_tier as "x_ServiceTier",
    token_type as "x_TokenType",
    reason as "x_Reason"
from allocated
order by
    period, provider, charge_key, customer_id nulls last, feature, call_model, query_type,
    session_id, call_request_id, method, measure, reason

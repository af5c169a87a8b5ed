-- Question:    What did each customer's inference cost, and how does that stand to what it pays?
-- Grain:       one row per period, customer and currency, and one per period and currency for what is unattributed
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
--   basis      billed|effective = 'billed'   What was invoiced, or prepayments spread over their use.
--   currency   text = NULL   Convert every charge to it where fx_rates has a rate.
--   missing    scale|leave = 'scale'   As in attributed_costs.
--   monthly    bill|ledger = 'bill'   As in attributed_costs.
--   idle       leave|spread = 'leave'   As in attributed_costs.
--   estimate   boolean = false   As in attributed_costs.
--   salt       text = ''   As in attributed_costs.
--   scale      integer>=0<=12 = 12   Digits after the point of cost; with 2, cents that still sum.
-- Notices:     (
--       select concat(
--           coalesce(provider, 'an unnamed provider'), ' has no bill for ', sum(calls),
--           case when sum(calls) = 1 then ' call of ' else ' calls of ' end,
--           string_agg(cast(day as text), ', ' order by day), ', list cost ',
--           coalesce(cast(sum(list_cost) as text), 'unknown')
--       ) as notice
--       from missing_bills(
--           period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle
--       )
--       group by provider
--       union all
--       select concat(
--           count(*), ' customers have costs in several currencies in ', period,
--           ': they have no ratio and no band; name a currency that fx_rates can convert to'
--       ) as notice
--       from (
--           select period, customer_id
--           from attributed_costs(
--               period => $period, basis => $basis, currency => $currency, missing => $missing,
--               monthly => $monthly, idle => $idle, estimate => $estimate, salt => $salt
--           )
--           where customer_id is not null and cost <> 0
--           group by period, customer_id
--           having min(currency) <> max(currency)
--       ) as several
--       group by period
--       order by notice
--   )
-- Ties to:     reconciliation
-- Notes:       complete is false where calls of the customer are not billed: then the cost is too low.
--              calls and tokens are those of the calendar month, on the row of the currency in which
--              their provider bills.

with

costs as (
    select
        period,
        customer_id,
        currency,
        sum(cost) as cost,
        sum(case when method = 'tag' then cost else 0 end) as tagged_cost,
        sum(case when method = 'request' then cost else 0 end) as request_cost,
        sum(case when method in ('usage', 'unattributed') then cost else 0 end) as usage_cost,
        sum(case when method = 'estimate' then cost else 0 end) as estimated_cost
    from attributed_costs(
        period => $period, basis => $basis, currency => $currency, missing => $missing,
        monthly => $monthly, idle => $idle, estimate => $estimate, salt => $salt
    )
    group by period, customer_id, currency
),

charges as (
    select distinct period, provider, charge_category, currency, original_currency
    from charges(period => $period, basis => $basis, currency => $currency)
    where selected and scope = 'inference'
),

provider_currencies as (
    select period, provider, min(currency) as currency
    from charges
    where charge_category in ('Usage', 'Purchase')
    group by period, provider
),

period_currencies as (
    select period, min(currency) as currency, min(original_currency) as original_currency
    from charges
    group by period
),

rates as (
    select period, from_currency, to_currency, max(rate) as rate
    from fx_rates
    group by period, from_currency, to_currency
),

cells as (
    select
        period, provider, customer_id, price_currency, priced_by, calls, input_tokens, output_tokens,
        list_cost
    from usage_cells(period => $period, basis => $basis)
    where period between $period_first and $period_last
),

unbilled as (
    select
        period, provider, customer_id, price_currency, priced_by,
        sum(calls) as calls,
        sum(list_cost) as list_cost
    from unbilled_cells(
        period => $period, basis => $basis, currency => $currency, salt => $salt, idle => $idle
    )
    group by period, provider, customer_id, price_currency, priced_by
),

-- A call stands on the row of the currency in which its provider bills that month.
used as (
    select
        cells.period,
        cells.provider,
        cells.customer_id,
        cells.price_currency,
        cells.priced_by,
        sum(cells.calls) as calls,
        sum(cells.input_tokens) as input_tokens,
        sum(cells.output_tokens) as output_tokens,
        sum(cells.list_cost) as list_cost,
        0 as unbilled_calls,
        0.000000000000 as unbilled_list_cost
    from cells
    group by
        cells.period, cells.provider, cells.customer_id, cells.price_currency, cells.priced_by
    union all by name
    select
        period, provider, customer_id, price_currency, priced_by,
        0 as calls,
        0 as input_tokens,
        0 as output_tokens,
        0.000000000000 as list_cost,
        calls as unbilled_calls,
        list_cost as unbilled_list_cost
    from unbilled
),

placed as (
    select
        used.*,
        coalesce(
            provider_currencies.currency,
            used.price_currency,
            period_currencies.currency,
            'USD'
        ) as currency
    from used
    left join provider_currencies
        on used.period = provider_currencies.period
        and used.provider = provider_currencies.provider
    left join period_currencies on used.period = period_currencies.period
),

summed as (
    select
        period,
        customer_id,
        currency,
        price_currency,
        sum(calls) as calls,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(list_cost) as list_cost,
        sum(unbilled_calls) as unbilled_calls,
        sum(unbilled_list_cost) as unbilled_list_cost,
        sum(case when priced_by = 'none' then calls else 0 end) as unpriced_calls
    from placed
    group by period, customer_id, currency, price_currency
),

-- List cost in the row's own currency; without a rate it cannot be said there.
usage as (
    select
        summed.period,
        summed.customer_id,
        summed.currency,
        summed.calls,
        summed.input_tokens,
        summed.output_tokens,
        case
            when summed.price_currency = summed.currency then summed.list_cost
            else converted_amount(summed.list_cost, rates.rate)
        end as list_cost,
        summed.unbilled_calls,
        case
            when summed.price_currency = summed.currency then summed.unbilled_list_cost
            else converted_amount(summed.unbilled_list_cost, rates.rate)
        end as unbilled_list_cost,
        summed.unpriced_calls
    from summed
    left join rates
        on summed.period = rates.period
        and summed.price_currency = rates.from_currency
        and summed.currency = rates.to_currency
),

customers as (
    select
        in_force.period,
        in_force.customer_id,
        in_force.plan,
        in_force.tier,
        in_force.is_active,
        case
            when rates.rate is null then in_force.mrr
            else converted_amount(in_force.mrr, rates.rate)
        end as mrr,
        coalesce(
            case when rates.rate is not null then $currency end,
            in_force.currency,
            period_currencies.original_currency,
            'USD'
        ) as currency
    from customers_in_force(period => $period) as in_force
    left join period_currencies on in_force.period = period_currencies.period
    left join rates
        on in_force.period = rates.period
        and coalesce(in_force.currency, period_currencies.original_currency, 'USD')
        = rates.from_currency
        and rates.to_currency = $currency
        and rates.from_currency <> $currency
    where in_force.customer_id is not null
),

currencies as (
    select period, customer_id, currency from costs
    union all
    select period, customer_id, currency from usage
),

-- Everything that has a row in the table, but for the customers of which nothing else is known.
known as (
    select period, customer_id, currency, cost, tagged_cost, request_cost, usage_cost, estimated_cost
    from costs
    union all by name
    select
        period, customer_id, currency, calls, input_tokens, output_tokens, list_cost, unbilled_calls,
        unbilled_list_cost, unpriced_calls
    from usage
    union all by name
    -- A customer has a row in its own currency, whatever it has in others.
    select customers.period, customers.customer_id, customers.currency
    from currencies
    inner join customers
        on currencies.period = customers.period
        and currencies.customer_id = customers.customer_id
        and currencies.currency is distinct from customers.currency
    where customers.is_active
    -- What is unattributed has a row also where it is nothing.
    union all by name
    select period, currency from charges
    union all by name
    select period, currency from usage
),

rows as (
    select
        period,
        customer_id,
        currency,
        sum(cost) as cost,
        sum(calls) as calls,
        sum(input_tokens) as input_tokens,
        sum(output_tokens) as output_tokens,
        sum(list_cost) as list_cost,
        sum(tagged_cost) as tagged_cost,
        sum(request_cost) as request_cost,
        sum(usage_cost) as usage_cost,
        sum(estimated_cost) as estimated_cost,
        sum(unbilled_calls) as unbilled_calls,
        sum(unbilled_list_cost) as unbilled_list_cost,
        sum(unpriced_calls) as unpriced_calls
    from known
    group by period, customer_id, currency
),

-- In how many currencies a customer costs something.
billed as (
    select
        period,
        customer_id,
        count(*) as currencies
    from rows
    where cost <> 0 and customer_id is not null
    group by period, customer_id
),

counted as (
    select rows.*, billed.currencies as billed_currencies
    from billed
    right join rows
        on billed.period = rows.period
        and billed.customer_id = rows.customer_id
),

joined as (
    select
        counted.*,
        customers.plan,
        customers.tier,
        case when counted.currency = customers.currency then customers.mrr end as mrr,
        customers.currency as mrr_currency
    from counted
    left join customers
        on counted.period = customers.period
        and counted.customer_id = customers.customer_id
    union all by name
    -- Those who only pay: beside the rows, because a join that keeps both sides fills them cell by cell.
    select
        customers.period,
        customers.customer_id,
        customers.currency,
        customers.plan,
        customers.tier,
        customers.mrr,
        customers.currency as mrr_currency
    from rows
    right anti join customers
        on rows.period = customers.period
        and rows.customer_id = customers.customer_id
    where customers.is_active
),

filled as (
    select
        * replace (
            coalesce(cost, 0.000000000000) as cost,
            coalesce(calls, 0) as calls,
            coalesce(input_tokens, 0) as input_tokens,
            coalesce(output_tokens, 0) as output_tokens,
            coalesce(list_cost, 0.000000000000) as list_cost,
            coalesce(tagged_cost, 0.000000000000) as tagged_cost,
            coalesce(request_cost, 0.000000000000) as request_cost,
            coalesce(usage_cost, 0.000000000000) as usage_cost,
            coalesce(estimated_cost, 0.000000000000) as estimated_cost,
            coalesce(unbilled_calls, 0) as unbilled_calls,
            coalesce(unbilled_list_cost, 0.000000000000) as unbilled_list_cost,
            coalesce(unpriced_calls, 0) as unpriced_calls,
            coalesce(billed_currencies, 0) as billed_currencies
        )
    from joined
),

-- A ratio over part of a customer's cost would flatter it.
compared as (
    select
        *,
        customer_id is not null
        and coalesce(currency = mrr_currency, mrr_currency is null)
        and billed_currencies - case when cost <> 0 then 1 else 0 end = 0 as is_whole,
        rounded_ratio(sum(cost) over (partition by period, currency), 1, $scale) as total,
        rounded_ratio(
            sum(case when cost >= 0 then cost else 0 end) over (partition by period, currency), 1, $scale
        ) as total_above
    from filled
),

-- At a coarser scale the table's sum is rounded once and split; credits that outweigh a customer's
-- costs are split among themselves, so that both together still make the sum.
scaled as (
    select
        *,
        case
            when $scale = 12 then cost
            else cast(
                apportion(
                    case when cost < 0 then total - total_above else total_above end,
                    case when cost < 0 then 0 - cost else cost end,
                    $scale
                ) over (partition by period, currency, cost < 0 order by customer_id)
                as decimal(38, 12)
            )
        end as scaled_cost
    from compared
)

select
    period,
    customer_id,
    plan,
    tier,
    mrr,
    scaled_cost as cost,
    calls,
    rounded_ratio(scaled_cost, calls, 12) as avg_cost_per_call,
    input_tokens,
    output_tokens,
    case when is_whole and mrr > 0 then rounded_ratio(scaled_cost * 100, mrr, 6) end as cost_pct_of_mrr,
    case when is_whole then margin_band(tier, scaled_cost, mrr) end as band,
    list_cost,
    tagged_cost,
    request_cost,
    usage_cost,
    estimated_cost,
    unbilled_calls,
    unbilled_list_cost,
    unpriced_calls,
    unbilled_calls = 0 as complete,
    currency
from scaled
order by period, currency, customer_id nulls last

-- Question:    What needs a decision this month: which accounts, why, and what could be done?
-- Grain:       one row per period, flag, customer and currency; cost that nobody bears is a row without customer
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period; one month.
--   within_days integer>=0 = 90   How many days ahead renewals are looked for.
--   months_ahead decimal>=0 = 3   An account that is so many months from the alert, or fewer, is climbing.
--   min_customers integer>=1 = 5   As in peer_medians.
-- Ties to:     allocation
-- Notes:       The flags, the most urgent first: unprofitable (band alert or no_revenue, or cost above
--              MRR), renewal (renews soon above the target), climbing (on its way to the alert),
--              incomplete (calls that no bill covers, so that cost is too low) and unattributed
--              (cost that no customer bears). An account may have several. at_stake is the cost above
--              the target; of a renewal the uplift to the price that meets it; of what is
--              incomplete the list cost of the unbilled calls; of what is unattributed all of it.

with

accounts as (
    select * from account_cards(
        period => $period, within_days => $within_days, min_customers => $min_customers
    )
),

costs as (
    select * from allocation(period => $period)
),

flagged as (
    select
        1 as urgency,
        'unprofitable' as flag,
        customer_id,
        currency,
        above_target as at_stake,
        concat_ws(
            '; ',
            case
                when band = 'no_revenue' then 'it costs and pays nothing'
                else concat('cost is ', rounded_ratio(cost_pct_of_mrr, 1, 1), ' % of MRR')
            end,
            patterns,
            'mostly ' || nullif(main_driver, 'remainder')
        ) as reason,
        proposed_action
    from accounts
    where band in ('alert', 'no_revenue') or cost_pct_of_mrr > 100

    union all

    select
        2 as urgency,
        'renewal' as flag,
        customer_id,
        currency,
        uplift as at_stake,
        concat_ws(
            '; ',
            concat('renews on ', renewal_date),
            concat(
                'cost is ', rounded_ratio(cost_pct_of_mrr, 1, 1), ' % of MRR, the target ',
                rounded_ratio(target_pct, 1, 1)
            ),
            'delivered: ' || value_delivered
        ) as reason,
        concat('reprice to ', rounded_ratio(target_price, 1, 2)) as proposed_action
    from renewal_repricing(period => $period, within_days => $within_days)
    where uplift > 0

    union all

    select
        3 as urgency,
        'climbing' as flag,
        customer_id,
        currency,
        above_target as at_stake,
        concat(
            'cost climbs by ', rounded_ratio(slope, 1, 1), ' points of MRR a month; the alert is ',
            rounded_ratio(months_to_alert, 1, 1), ' months away'
        ) as reason,
        'speak before the alert' as proposed_action
    from accounts
    where band in ('target', 'watch') and months_to_alert <= $months_ahead

    union all

    select
        4 as urgency,
        'incomplete' as flag,
        customer_id,
        currency,
        unbilled_list_cost as at_stake,
        concat(unbilled_calls, case when unbilled_calls = 1 then ' call is' else ' calls are' end, ' on no bill')
            as reason,
        'load the missing bill: see missing_bills' as proposed_action
    from costs
    where customer_id is not null and unbilled_calls > 0

    union all

    select
        5 as urgency,
        'unattributed' as flag,
        null as customer_id,
        currency,
        cost as at_stake,
        'nobody bears it' as reason,
        'see the check costs_are_attributed' as proposed_action
    from costs
    where customer_id is null and cost > 0
)

select
    costs.period,
    flagged.flag,
    flagged.customer_id,
    costs.plan,
    costs.tier,
    costs.band,
    costs.mrr,
    costs.cost,
    costs.cost_pct_of_mrr,
    flagged.at_stake,
    flagged.reason,
    flagged.proposed_action,
    flagged.currency
from flagged
inner join costs
    on (flagged.customer_id is not distinct from costs.customer_id)
    and flagged.currency = costs.currency
order by flagged.urgency, flagged.currency, flagged.at_stake desc nulls last, flagged.customer_id

-- Question:    Which names on the bill do no calls carry, and which of the ledger's are likely meant?
-- Grain:       one row per kind, name, provider and currency
-- Parameters:
--   period     month = (select max(billing_period) from billing)   The billing period.
-- Notes:       kind, name and canonical are rows of aliases, to be read before they are used:
--              `copy (select distinct kind, name, canonical from proposed_aliases(period => …)) to
--              'proposed.csv'` writes them for another input under [aliases]. cost is what charges
--              with that name leave without calls; a charge may have two such names. A name is
--              proposed that no charge has, and that is within the other or differs from it in less
--              than half of its letters.

with

uncovered as (
    select
        charge_key, period, provider, charge_model as model, sub_account, currency,
        sum(cost) as cost
    from attributed_costs(period => $period)
    where reason = 'no calls covered'
    group by charge_key, period, provider, charge_model, sub_account, currency
),

-- A provider's name is looked for among all, the others among the provider's.
missed as (
    select 'provider' as kind, '' as of_provider, provider as name, * from uncovered
    union all by name
    select 'model' as kind, provider as of_provider, model as name, * from uncovered
    where model is not null
    union all by name
    select 'sub_account' as kind, provider as of_provider, sub_account as name, * from uncovered
    where sub_account is not null
),

called as (
    select distinct provider, model, sub_account
    from usage_cells(period => $period)
    where not response_cached
),

known as (
    select 'provider' as kind, '' as of_provider, provider as name from called
    union
    select 'model' as kind, provider as of_provider, model as name from called
    union
    select 'sub_account' as kind, provider as of_provider, sub_account as name from called
),

charges as (
    select charge_key, period, provider, model, sub_account
    from charges(period => $period)
    where scope = 'inference'
),

billed as (
    select 'provider' as kind, '' as of_provider, provider as name from charges
    union
    select 'model' as kind, provider as of_provider, model as name from charges
    union
    select 'sub_account' as kind, provider as of_provider, sub_account as name from charges
),

free as (
    select known.kind, known.of_provider, known.name
    from known
    left join billed
        on known.kind = billed.kind
        and known.of_provider = billed.of_provider
        and known.name = billed.name
    where known.name is not null and billed.name is null
),

unknown as (
    select
        missed.kind,
        missed.of_provider,
        missed.name,
        missed.provider,
        missed.currency,
        count(distinct missed.charge_key) as charges,
        sum(missed.cost) as cost
    from missed
    left join known
        on missed.kind = known.kind
        and missed.of_provider = known.of_provider
        and missed.name = known.name
    where known.name is null
    group by
        missed.kind, missed.of_provider, missed.name, missed.provider, missed.currency
),

-- `gpt-5.4-2026-03-05` holds the name that is meant; the longest such is nearest.
proposed as (
    select
        unknown.kind,
        unknown.name,
        unknown.provider,
        unknown.charges,
        unknown.cost,
        unknown.currency,
        first_value(
            free.name
            order by
                case
                    when strpos(unknown.name, free.name) > 0 then 0 - length(free.name)
                    else levenshtein(unknown.name, free.name)
                end,
                free.name
        ) as canonical
    from unknown
    inner join free
        on unknown.kind = free.kind
        and unknown.of_provider = free.of_provider
    where
        strpos(unknown.name, free.name) > 0
        or strpos(free.name, unknown.name) > 0
        or 2 * levenshtein(unknown.name, free.name) < length(unknown.name)
    group by
        unknown.kind, unknown.name, unknown.provider, unknown.charges, unknown.cost,
        unknown.currency
),

-- An alias starts from what the bill's file says, before the aliases that there are.
spelt as (
    select distinct
        canonical('provider', provider, charge_period_start) as provider,
        canonical('model', model, charge_period_start) as canonical_model,
        canonical('sub_account', sub_account, charge_period_start) as canonical_sub_account,
        provider as raw_provider,
        model,
        sub_account
    from billing
    where billing_period between $period_first and $period_last
)

select distinct
    proposed.kind,
    case proposed.kind
        when 'provider' then spelt.raw_provider
        when 'model' then spelt.model
        else spelt.sub_account
    end as name,
    proposed.canonical,
    proposed.provider,
    proposed.charges,
    proposed.cost,
    proposed.currency
from proposed
inner join spelt
    on proposed.provider = spelt.provider
    and case proposed.kind
        when 'provider' then spelt.provider
        when 'model' then spelt.canonical_model
        else spelt.canonical_sub_account
    end = proposed.name
order by kind, provider, name, currency

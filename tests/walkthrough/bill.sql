-- A bill for those calls. Its amounts are invented, its shapes are not.
--
-- * `code` is billed by the day, model and token type, 5 % below list.
-- * `conv` is billed by the month: one line for the usage and one for a credit, which name no model.
-- * Reserved capacity was bought for one customer, whose id travelled as a tag.
-- * The tax is on all of it.

copy (
    select
        charge_id,
        'azure' as provider,
        sub_account,
        model,
        token_type,
        customer_tag,
        charge_category,
        cast(charge_period_start as timestamp) as charge_period_start,
        cast(charge_period_end as timestamp) as charge_period_end,
        '2023-11' as billing_period,
        cast(billed_cost as decimal(38, 12)) as billed_cost,
        'USD' as currency
    from (values
        ('1', 'code', 'gpt-4-1106-preview', 'input', null, 'Usage', '2023-11-16', '2023-11-17', 171.569753),
        ('2', 'code', 'gpt-4-1106-preview', 'output', null, 'Usage', '2023-11-16', '2023-11-17', 7.008036),
        ('3', 'conv', null, null, null, 'Usage', '2023-11-01', '2023-12-01', 30.54),
        ('4', 'conv', null, null, null, 'Credit', '2023-11-01', '2023-12-01', -5.00),
        ('5', null, null, null, 'birch', 'Purchase', '2023-11-01', '2023-12-01', 25.00),
        ('6', null, null, null, null, 'Tax', '2023-11-01', '2023-12-01', 22.91)
    ) as charges (
        charge_id, sub_account, model, token_type, customer_tag, charge_category,
        charge_period_start, charge_period_end, billed_cost
    )
)
to 'books/billing.parquet' stored as parquet;

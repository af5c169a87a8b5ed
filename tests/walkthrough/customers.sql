-- Who pays what for the product: invented.

copy (
    select customer_id, plan, tier, cast(mrr as decimal(38, 12)) as mrr, 'USD' as currency
    from (values
        ('atlas', 'Scale', 'Enterprise', 900.00),
        ('birch', 'Team', 'SMB', 120.00),
        ('cedar', 'Team', 'SMB', 120.00),
        ('delta', 'Team', 'SMB', 120.00),
        ('ember', 'Free', 'SMB', 0.00),
        ('fjord', 'Team', 'SMB', 120.00)
    ) as customers (customer_id, plan, tier, mrr)
)
to 'books/customers.parquet' stored as parquet;

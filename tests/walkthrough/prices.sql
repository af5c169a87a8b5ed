-- What a million tokens of the two models costs at list price: assumed, as the models are.

copy (
    select
        'azure' as provider,
        model,
        timestamp '2023-11-01T00:00:00' as effective_from,
        cast(input_per_mtok as decimal(18, 6)) as input_per_mtok,
        cast(output_per_mtok as decimal(18, 6)) as output_per_mtok,
        'USD' as currency,
        'assumed' as source
    from (values
        ('gpt-4-1106-preview', 10.00, 30.00),
        ('gpt-3.5-turbo-1106', 1.00, 2.00)
    ) as prices (model, input_per_mtok, output_per_mtok)
)
to 'books/prices.parquet' stored as parquet;

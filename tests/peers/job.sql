-- The bench's files as the relations, and the job: a saved query over its months, in one statement.
-- {data} is the folder of the files, {query} the call of the query.

CREATE EXTERNAL TABLE calls STORED AS PARQUET LOCATION '{data}/ledger/';
CREATE EXTERNAL TABLE list_prices STORED AS PARQUET LOCATION '{data}/prices.parquet';
CREATE EXTERNAL TABLE daily_bill STORED AS PARQUET LOCATION '{data}/billing_daily.parquet';
CREATE EXTERNAL TABLE customers STORED AS PARQUET LOCATION '{data}/customers.parquet';

CREATE VIEW ledger AS
SELECT
    * EXCLUDE (ts, cached_input_tokens),
    ts AS called_at,
    cached_input_tokens AS cache_read_tokens
FROM calls;

CREATE VIEW prices AS
SELECT
    * EXCLUDE (cached_input_per_mtok),
    cached_input_per_mtok AS cache_read_per_mtok,
    'USD' AS currency
FROM list_prices;

CREATE VIEW billing AS
SELECT
    provider,
    model,
    'Usage' AS charge_category,
    CAST(usage_date AS TIMESTAMP) AS charge_period_start,
    CAST(usage_date + 1 AS TIMESTAMP) AS charge_period_end,
    billing_month(usage_date) AS billing_period,
    billed_cost,
    'USD' AS currency
FROM daily_bill;

SELECT * FROM {query};

-- Question:    Which results are on the pages of a provider's API?
-- Grain:       one row per result of a bucket of time
-- Parameters:
--   pages relation   Documents with data, an array of buckets, which have results.

with

buckets as (
    select unnest(json_get_array(document, 'data')) as bucket from pages
)

select
    bucket,
    unnest(json_get_array(bucket, 'results')) as result
from buckets

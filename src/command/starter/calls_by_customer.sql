-- Question:   How many calls did each customer make to a provider, and with how many tokens?
-- Grain:      one row per customer_id
-- Parameters:
--   provider  text = 'openai'   The provider, as the ledger names it.
-- Notes:      An example to change or delete. Run it with
--             `apportion run calls_by_customer --provider openai`.

select
    customer_id,
    count(*) as calls,
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens
from ledger
where provider = $provider
group by customer_id
order by calls desc, customer_id nulls last

-- From two traces to a ledger: run this where the two CSV files are.
--
-- The files are production calls of two LLM services of Azure, published as AzureLLMInferenceTrace
-- in https://github.com/Azure/AzurePublicDataset (CC-BY-4.0): a time, the tokens in, the tokens out.
-- They say neither which model answered nor for whom. What is assumed about that stands below.

create external table code (called_at timestamp, input_tokens bigint, output_tokens bigint)
stored as csv location 'azure_llm_code_2023.csv' options ('format.has_header' 'true');

create external table conv (called_at timestamp, input_tokens bigint, output_tokens bigint)
stored as csv location 'azure_llm_conv_2023.csv' options ('format.has_header' 'true');

-- Assumed: each service has one model and one project of its own, which its name is given to.
create view traces as
select 'code' as service, 'gpt-4-1106-preview' as model, * from code
union all
select 'conv' as service, 'gpt-3.5-turbo-1106' as model, * from conv;

-- The number of a call does not depend on how the files are read: calls that tie are the same call
-- twice, or differ in their service.
create view numbered as
select
    row_number() over (order by called_at, input_tokens, output_tokens, service) as number,
    *
from traces;

-- Assumed: a few customers make most calls. Of 148 consecutive calls the first customer makes 60, the
-- second 60/2, the k-th 60/k; one call was tagged with nobody.
create view slots as
select * from (values
    ('atlas', 0, 60),
    ('birch', 60, 90),
    ('cedar', 90, 110),
    ('delta', 110, 125),
    ('ember', 125, 137),
    ('fjord', 137, 147)
) as slots (customer_id, first_slot, end_slot);

copy (
    select
        concat('call-', numbered.number) as request_id,
        numbered.called_at,
        slots.customer_id,
        'azure' as provider,
        numbered.model,
        numbered.service as sub_account,
        numbered.service as feature,
        numbered.input_tokens,
        numbered.output_tokens
    from numbered
    left join slots
        on numbered.number % 148 >= slots.first_slot
        and numbered.number % 148 < slots.end_slot
    order by numbered.number
)
to 'books/ledger.parquet' stored as parquet;

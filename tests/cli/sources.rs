//! Exports as they come: several kinds at once, on this machine and in a bucket.

use super::Project;
use crate::support::bucket::{Bucket, KEY_ID, SECRET};
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Schema};
use num_bigint::BigInt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub(super) fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt/source/fixtures");
    fixtures.join(name)
}

/// Two ledgers and three bills, of five kinds; one bill is in the bucket.
fn project(bucket: &Bucket, secret: &str) -> Project {
    let project = Project::new();
    bucket.put("bills/page.json", &fixture("anthropic_cost_report.json"));
    for name in [
        "litellm_spend_logs.csv",
        "claude_code.jsonl",
        "openai_costs.json",
        "focus.csv",
    ] {
        project.write(name, std::fs::read(fixture(name)).unwrap());
    }
    let (bucket, endpoint) = (bucket.name, &bucket.endpoint);
    project.write(
        "apportion.toml",
        format!(
            r#"
            [ledger]
            inputs = [{{ location = "litellm_spend_logs.csv", source = "litellm_spend_logs" }},
                      {{ location = "claude_code.jsonl", source = "claude_code" }}]
            [billing]
            inputs = [{{ location = "s3://{bucket}/bills/", source = "anthropic_cost_report" }},
                      {{ location = "openai_costs.json", source = "openai_costs" }},
                      {{ location = "focus.csv", source = "focus" }}]
            [stores."s3://{bucket}"]
            endpoint = "{endpoint}"
            access_key_id = "{KEY_ID}"
            secret_access_key = "{secret}"
            "#
        ),
    );
    project
}

#[test]
fn documents_that_are_not_their_sources_are_no_relation() {
    let project = Project::new();
    project.write("page.json", r#"{"data": [{"x": 1}]}"#);
    project.write(
        "apportion.toml",
        "[billing]\ninputs = [{ location = \"page.json\", source = \"openai_costs\" }]\n",
    );
    let refused = project.refusal(&["sql", "select * from billing"]);
    let expected = "error: source `openai_costs` does not fit: no `data[].results[].amount.value`";
    assert!(refused.starts_with(expected), "{refused}");
    let refused = project.refusal(&["sql", "select * from apportion.main.billing"]);
    let expected = "error: table 'apportion.main.billing' not found";
    assert!(refused.starts_with(expected), "{refused}");
    assert_eq!(
        project.answer(&[
            "--format",
            "csv",
            "sql",
            "create view billing as select 1 as n; select 2 as n"
        ]),
        "n\n2\n"
    );
}

#[test]
fn inputs_of_many_kinds_make_one_bill_and_reconcile() {
    let bucket = Bucket::open("acme-bills");
    let project = project(&bucket, SECRET);
    let answer = project.answer(&[
        "--format",
        "csv",
        "--quiet",
        "sql",
        "select provider, control_total, import_rounding, inference, out_of_scope, difference,
             control_total + import_rounding = inference + out_of_scope as ties
         from reconciliation(period => '2026-10') order by provider",
    ]);
    assert_eq!(
        answer,
        "provider,control_total,import_rounding,inference,out_of_scope,difference,ties\n\
         anthropic,11.234500000001234500000000000000,-0.000000000000234500000000000000,1.234500000001,10.000000000000,0.000000000000,true\n\
         bedrock,-1.499980420100000000000000000000,0.000000000000000000000000000000,-1.499996480000,0.000016059900,0.000000000000,true\n\
         openai,10.550000123456789012340000000000,0.000000000000210987660000000000,0.050000123457,10.500000000000,0.000000000000,true\n"
    );
    let calls = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select count(*) as calls from ledger",
    ]);
    assert_eq!(calls, "calls\n9\n");
}

#[test]
fn a_wrong_key_is_one_error_and_is_not_shown() {
    let bucket = Bucket::open("acme-bills");
    let project = project(&bucket, "a wrong secret");
    let ended = project.run(&["sql", "select count(*) from billing"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .starts_with("error: `s3://acme-bills/bills/` cannot be listed: "),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("a wrong secret"), "{}", ended.stderr);
}

#[test]
fn keys_may_come_from_the_environment() {
    let bucket = Bucket::open("acme-bills");
    bucket.put("costs.json", &fixture("openai_costs.json"));
    let project = Project::new();
    project.write(
        "apportion.toml",
        "[billing]\ninputs = [{ location = \"s3://acme-bills/costs.json\", source = \"openai_costs\" }]\n",
    );
    let mut command = project.command(&[
        "--format",
        "csv",
        "sql",
        "select count(*) as n from billing",
    ]);
    let ended = command
        .env("AWS_ENDPOINT_URL", &bucket.endpoint)
        .env("AWS_ACCESS_KEY_ID", KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), "n\n4\n");
}

/// What a project with one input says.
fn refused(relation: &str, file: &str, source: &str) -> String {
    let project = Project::new();
    let location = fixture(file);
    project.write(
        "apportion.toml",
        format!(
            "[{relation}]\ninputs = [{{ location = \"{}\", source = \"{source}\" }}]\n",
            location.display()
        ),
    );
    project.refusal(&["sql", &format!("select count(*) from {relation}")])
}

#[test]
fn an_export_of_another_kind_is_told_with_the_kinds_that_fit() {
    let said = refused("billing", "focus.csv", "openai_costs_csv");
    assert!(said.contains("no field named amount_value"), "{said}");
    assert!(said.contains("`focus` would fit"), "{said}");
    let said = refused("billing", "openai_costs.json", "anthropic_cost_report");
    assert!(
        said.contains("no `data[].results[].amount`") || said.contains("no `data[].starting_at`"),
        "{said}"
    );
    assert!(said.contains("`openai_costs` would fit"), "{said}");
    let said = refused("billing", "openai_costs.csv", "openai_cost_csv");
    assert!(said.contains("did you mean `openai_costs_csv`?"), "{said}");
    let said = refused("billing", "claude_code.jsonl", "claude_code");
    assert!(said.contains("makes `ledger`, not `billing`"), "{said}");
    let said = refused("ledger", "claude_code.jsonl", "helicone_requests");
    assert!(
        said.contains("no `data[].request_created_at or request_created_at`"),
        "{said}"
    );
    assert!(said.contains("`claude_code` would fit"), "{said}");
}

#[test]
fn text_files_with_the_contracts_own_columns_need_no_source() {
    let project = Project::new();
    project.write(
        "customers.csv",
        "customer_id;plan;tier;mrr;renewal_date\nacme;Pro;SMB;1200.50;2027-01-01\nglobex;;;;\n",
    );
    project.write(
        "apportion.toml",
        "[customers]\ninputs = [{ location = \"customers.csv\" }]\n",
    );
    let answer = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select customer_id, plan, mrr, renewal_date from customers",
    ]);
    assert_eq!(
        answer,
        "customer_id,plan,mrr,renewal_date\nacme,Pro,1200.500000000000,2027-01-01\nglobex,,,\n"
    );
}

#[test]
fn sources_are_listed_without_any_input() {
    let project = Project::new();
    project.write(
        "apportion.toml",
        "[ledger]\ninputs = [{ location = \"missing/\" }]\n",
    );
    let listed = project.answer(&["sources"]);
    assert!(listed.contains("billing\n"), "{listed}");
    assert!(listed.contains("  openai_costs "), "{listed}");
    let rows = project.answer(&["--format", "csv", "sources"]);
    assert!(rows.starts_with("relation,name,reads\nbilling,"), "{rows}");
}

#[test]
fn columns_by_other_names_need_no_query() {
    let project = Project::new();
    project.write(
        "calls.csv",
        "ts,who,vendor,llm,tokens_in,tokens_out\n2026-10-01T09:00:00Z,acme,openai,gpt-4o,1000,50\n",
    );
    project.write(
        "calls.jsonl",
        r#"{"at":"2026-10-02T09:00:00Z","llm":{"name":"gpt-4o","vendor":"openai"},"usage":{"in":7,"out":3}}"#,
    );
    let inputs = |columns: &str| {
        project.write(
            "apportion.toml",
            format!(
                r#"
                [ledger]
                inputs = [{{ location = "calls.csv", columns = {{ {columns} }} }},
                          {{ location = "calls.jsonl", columns = {{ called_at = "at", provider = "llm.vendor",
                             model = "llm.name", input_tokens = "usage.in", output_tokens = "usage.out" }} }}]
                "#
            ),
        );
    };
    inputs(
        r#"called_at = "ts", customer_id = "who", provider = "vendor", model = "llm", input_tokens = "tokens_in", output_tokens = "tokens_out""#,
    );
    let answer = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select called_at, customer_id, provider, model, input_tokens, output_tokens from ledger order by 1",
    ]);
    assert_eq!(
        answer,
        "called_at,customer_id,provider,model,input_tokens,output_tokens\n\
         2026-10-01 09:00:00,acme,openai,gpt-4o,1000,50\n\
         2026-10-02 09:00:00,,openai,gpt-4o,7,3\n"
    );
    inputs(r#"called_at = "tss""#);
    let said = project.refusal(&["sql", "select count(*) from ledger"]);
    assert!(said.contains("the input has no column `tss`"), "{said}");
    inputs(r#"called = "ts""#);
    let said = project.refusal(&["sql", "select count(*) from ledger"]);
    assert!(said.contains("`ledger` has no column `called`"), "{said}");
}

/// Side by side the engine would read one input's times in the other's zone, and its money as a float.
#[test]
fn inputs_of_other_types_say_what_each_says_alone() {
    let project = Project::new();
    let bill = |name: &str, start: &str, cost: &str| {
        let sql = format!(
            "COPY (SELECT '{name}' AS charge_id, 'p' AS provider, 'Usage' AS charge_category,
                {start} AS charge_period_start, timestamp '2026-11-01' AS charge_period_end,
                '2026-10' AS billing_period, 'USD' AS currency, {cost} AS billed_cost)
             TO '{name}.parquet'"
        );
        project.answer(&["sql", &sql]);
    };
    let naive = "timestamp '2026-10-01'";
    bill("a", naive, "9007199254740993");
    bill(
        "b",
        "arrow_cast('2026-10-01', 'Timestamp(Microsecond, Some(\"America/New_York\"))')",
        "cast(10.1 as double)",
    );
    bill("c", naive, "arrow_cast(0.1, 'Float32')");
    bill("d", naive, "cast('0.00000029' as decimal(38, 28))");
    let inputs = ["a", "b", "c", "d"].map(|name| format!("{{ location = \"{name}.parquet\" }}"));
    let settings = format!("[billing]\ninputs = [{}]\n", inputs.join(", "));
    project.write("apportion.toml", settings);
    let answer = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select charge_id, charge_period_start, billed_cost from billing order by 1",
    ]);
    assert_eq!(
        answer,
        "charge_id,charge_period_start,billed_cost\n\
         a,2026-10-01 00:00:00,9007199254740993.000000000000\n\
         b,2026-10-01 04:00:00,10.100000000000\n\
         c,2026-10-01 00:00:00,0.100000000000\n\
         d,2026-10-01 00:00:00,0.000000290000\n"
    );
}

#[test]
fn a_source_of_ones_own_is_a_file_as_the_readme_shows_it() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let start = readme
        .find("-- Question:    What did the reseller charge?")
        .unwrap();
    let end = start + readme[start..].find("```").unwrap();
    let project = Project::new();
    project.write("queries/acme_invoices.sql", &readme[start..end]);
    project.write(
        "invoices.csv",
        "day,model,net\n2026-10-01,gpt-4o,1.25\n2026-10-02,gpt-4o,0.0000000000005\n",
    );
    project.write(
        "apportion.toml",
        "[billing]\ninputs = [{ location = \"invoices.csv\", source = \"acme_invoices\" }]\n",
    );
    let answer = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select control_total, (select sum(billed_cost) from billing) as imported from control_totals",
    ]);
    assert_eq!(
        answer,
        "control_total,imported\n1.250000000000500000000000000000,1.250000000000\n"
    );
    let listed = project.answer(&["sources"]);
    assert!(listed.contains("acme_invoices"), "{listed}");
}

#[test]
fn a_source_may_be_called_anything_that_a_file_may() {
    let project = Project::new();
    project.write(
        "queries/My-Customers.sql",
        "-- Question: Who pays?\n-- Relation: customers\n-- Reads: CSV\n-- Parameters:\n--   input relation The lines.\n\
         select name as customer_id, to_amount(pays) as mrr from input",
    );
    project.write("c.csv", "name,pays\nacme,12.5\n");
    project.write(
        "apportion.toml",
        "[customers]\ninputs = [{ location = \"c.csv\", source = \"my-customers\" }]\n",
    );
    let answer = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select customer_id, mrr from customers",
    ]);
    assert_eq!(answer, "customer_id,mrr\nacme,12.500000000000\n");
}

#[test]
fn columns_that_an_input_lacks_may_stand_in_grouping_sets() {
    let project = Project::new();
    project.write(
        "calls.csv",
        "called_at,provider,model,input_tokens,output_tokens\n\
         2026-10-01,openai,gpt-4o,10,1\n2026-10-01,openai,gpt-4o-mini,5,1\n",
    );
    project.write(
        "apportion.toml",
        "[ledger]\ninputs = [{ location = \"calls.csv\" }]\n",
    );
    let answer = project.answer(&[
        "--format",
        "csv",
        "sql",
        "select model, feature, sum(input_tokens) as n, grouping(feature) as g from ledger
         group by grouping sets ((model, feature), (feature), ()) order by n, g",
    ]);
    assert_eq!(
        answer,
        "model,feature,n,g\ngpt-4o-mini,,5,0\ngpt-4o,,10,0\n,,15,0\n,,15,1\n"
    );
}

/// Ten to the minus thirtieth of a decimal as it is written.
fn units(text: &str) -> BigInt {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
    let scale = i64::try_from(fraction.len()).unwrap() - exponent.parse::<i64>().unwrap();
    digits * BigInt::from(10).pow(u32::try_from(30 - scale).unwrap())
}

/// The sum of a CSV's column, by none of the program's code.
fn sum_of(file: &Path, column: &str) -> BigInt {
    let format = arrow::csv::reader::Format::default().with_header(true);
    let (schema, _) = format
        .infer_schema(std::fs::File::open(file).unwrap(), Some(0))
        .unwrap();
    let text = |field: &std::sync::Arc<Field>| Field::new(field.name(), DataType::Utf8, true);
    let schema = Schema::new(schema.fields().iter().map(text).collect::<Vec<_>>());
    let rows = arrow::csv::ReaderBuilder::new(std::sync::Arc::new(schema))
        .with_header(true)
        .build(std::fs::File::open(file).unwrap())
        .unwrap();
    rows.map(|batch| {
        let batch = batch.unwrap();
        let amounts = batch
            .column_by_name(column)
            .unwrap()
            .as_string::<i32>()
            .clone();
        amounts.iter().flatten().map(units).sum::<BigInt>()
    })
    .sum()
}

#[test]
fn real_bills_arrive_whole() {
    let Some(folder) = std::env::var_os("APPORTION_REAL_DATA").map(PathBuf::from) else {
        // Where a captured test is heard too.
        let said = "skipped: real bills need APPORTION_REAL_DATA, the folder that holds them";
        let _ = writeln!(std::io::stderr(), "{said}");
        return;
    };
    for (file, source, column) in [
        ("focus_1_0_sample.csv", "focus", "BilledCost"),
        (
            "aws_cur_legacy_sample.csv",
            "aws_cur",
            "lineItem/UnblendedCost",
        ),
    ] {
        let file = folder.join(file);
        let project = Project::new();
        project.write(
            "apportion.toml",
            format!(
                "[billing]\ninputs = [{{ location = \"{}\", source = \"{source}\" }}]\n",
                file.display()
            ),
        );
        let answer = project.answer(&[
            "--format",
            "csv",
            "--quiet",
            "sql",
            "create view ledger as select timestamp '2000-01-01' as called_at, 'p' as provider, 'm' as model,
                 0 as input_tokens, 0 as output_tokens;
             with periods as (select min(billing_period) as first, max(billing_period) as last from billing),
             total as (select sum(control_total) as control_total from control_totals),
             parts as (select sum(billed_cost) as imported,
                 coalesce(sum(case when scope = 'inference' then billed_cost end), 0) as inference,
                 coalesce(sum(case when scope = 'other' then billed_cost end), 0) as out_of_scope from billing)
             select control_total, imported - control_total as rounding, inference + out_of_scope - imported as lost
             from total, parts",
        ]);
        let row = answer.lines().last().unwrap();
        let [total, rounding, lost] = row.split(',').collect::<Vec<_>>()[..] else {
            panic!("{answer}");
        };
        assert_eq!(units(total), sum_of(&file, column), "{source}");
        assert_eq!(units(lost), BigInt::from(0), "{source}");
        let most = BigInt::from(10).pow(20);
        assert!(
            units(rounding) < most && units(rounding) > -most,
            "{source}: {rounding}"
        );
    }
}

//! Exports as they come: several kinds at once, on this machine and in a bucket.

use super::Project;
use crate::support::bucket::{Bucket, KEY_ID, SECRET};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
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
    assert_eq!(calls, "calls\n5\n");
}

#[test]
fn a_wrong_key_is_one_error_and_is_not_shown() {
    let bucket = Bucket::open("acme-bills");
    let project = project(&bucket, "a wrong secret");
    let ended = project.run(&["sql", "select 1"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("s3://acme-bills/bills/"),
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

/// What a project with one billing input says.
fn refused(file: &str, source: &str) -> String {
    let project = Project::new();
    let location = fixture(file);
    project.write(
        "apportion.toml",
        format!(
            "[billing]\ninputs = [{{ location = \"{}\", source = \"{source}\" }}]\n",
            location.display()
        ),
    );
    project.refusal(&["sql", "select 1"])
}

#[test]
fn an_export_of_another_kind_is_told_with_the_kinds_that_fit() {
    let said = refused("focus.csv", "openai_costs_csv");
    assert!(said.contains("no field named amount_value"), "{said}");
    assert!(said.contains("`focus` would fit"), "{said}");
    let said = refused("openai_costs.json", "anthropic_cost_report");
    assert!(
        said.contains("no `data[].results[].amount`") || said.contains("no `data[].starting_at`"),
        "{said}"
    );
    assert!(said.contains("`openai_costs` would fit"), "{said}");
    let said = refused("openai_costs.csv", "openai_cost_csv");
    assert!(said.contains("did you mean `openai_costs_csv`?"), "{said}");
    let said = refused("claude_code.jsonl", "claude_code");
    assert!(said.contains("makes `ledger`, not `billing`"), "{said}");
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

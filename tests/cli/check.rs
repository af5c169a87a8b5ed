//! `check`: exit 1 only where an error-level check found rows.

use super::Project;

const CLEAN: &str = "-- Claim: Nothing.\n-- Severity: error\nselect 1 as x where false\n";
const WARNS: &str = "-- Claim: No warnings.\n-- Severity: warning\nselect 7 as x\n";
const FAILS: &str = "-- Claim: No failures.\n-- Severity: error\n-- Parameters:\n\
                     --   period  month = '2026-01'  When.\n\
                     select $period as p, cast('0.1' as decimal(9, 2)) as off_by\n";

fn project() -> Project {
    let project = Project::new();
    project.write("queries/checks/a_clean.sql", CLEAN);
    project.write("queries/checks/b_warns.sql", WARNS);
    project.write("queries/checks/c_fails.sql", FAILS);
    project
}

#[test]
fn found_rows_are_shown_below_their_check() {
    let ended = project().run(&[
        "check", "a_clean", "b_warns", "c_fails", "--period", "2026-10",
    ]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "ok       a_clean  0 rows\n\
         warning  b_warns  1 row\n\
         No warnings.\n\n \
         x\n---\n 7\n(1 row)\n\n\
         error    c_fails  1 row\n\
         No failures.\n\n \
         p       | off_by\n---------+--------\n 2026-10 |   0.10\n(1 row)\n\n"
    );
}

#[test]
fn warnings_alone_are_success() {
    let ended = project().run(&["check", "a_clean", "b_warns"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn programs_get_the_counts() {
    let ended = project().run(&["check", "a_clean", "c_fails", "--format", "csv"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.stdout,
        "check,severity,rows\na_clean,error,0\nc_fails,error,1\n"
    );
}

const CALL: &str = "select timestamp '2026-10-01T12:00:00' as called_at, 'p' as provider, 'm' as model, \
                    'a' as customer_id, 10 as input_tokens, 5 as output_tokens";

/// Calls and a charge, so that the checks that the program carries have something to look at.
fn with_a_bill(project: &Project, calls: &str) {
    let charge = "select 'p' as provider, 'Usage' as charge_category, '2026-10' as billing_period, \
                  timestamp '2026-10-01T00:00:00' as charge_period_start, \
                  timestamp '2026-11-01T00:00:00' as charge_period_end, \
                  cast(1 as decimal(38,12)) as billed_cost, 'USD' as currency, 'own' as input";
    for (name, rows) in [("ledger", calls), ("billing", charge)] {
        let file = format!("{name}.parquet");
        let ended = project.run(&[
            "sql",
            &format!("copy ({rows}) to '{file}' stored as parquet"),
        ]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    project.write(
        "apportion.toml",
        "[queries]\nfolders = [\"queries\"]\n\
         [ledger]\ninputs = [{ location = \"ledger.parquet\" }]\n\
         [billing]\ninputs = [{ location = \"billing.parquet\" }]\n",
    );
}

#[test]
fn all_checks_run_when_none_is_named() {
    let project = project();
    with_a_bill(&project, CALL);
    let ended = project.run(&["check", "--format", "csv"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for line in [
        "a_clean,error,0",
        "c_fails,error,1",
        "attribution_conserves_cost,error,0",
        "bill_reconciles,error,0",
        "calls_are_priced,warning,1",
    ] {
        assert!(
            ended.stdout.contains(&format!("\n{line}\n")),
            "{line}\n{}",
            ended.stdout
        );
    }
}

#[test]
fn tokens_beside_their_total_are_found() {
    let calls =
        "select timestamp '2026-10-01T12:00:00' as called_at, 'p' as provider, 'm' as model, *
        from (values (100, 10, 90, 10, 0, 5), (10, 5, 90, NULL, NULL, NULL), (10, 5, 0, 3, 4, 0),
                     (10, 5, NULL, NULL, NULL, 6), (-1, 0, 0, 0, 0, 0))
        as t (input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
              cache_write_1h_tokens, reasoning_tokens)";
    let project = project();
    with_a_bill(&project, calls);
    let ended = project.run(&["check", "token_counts_add_up"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for finding in [
        "cache tokens above input: are they beside it, and not within?",
        "negative tokens",
        "one-hour writes above cache writes: are they beside them, and not within?",
        "reasoning above output: is it beside it, and not within?",
    ] {
        assert!(
            ended.stdout.contains(finding),
            "{finding}\n{}",
            ended.stdout
        );
    }
    assert!(
        ended.stdout.contains("token_counts_add_up  4 rows"),
        "{}",
        ended.stdout
    );
}

#[test]
fn without_a_bill_the_checks_say_what_is_missing() {
    let said = project().refusal(&["check"]);
    assert!(said.starts_with("error: there is no `billing`\n"), "{said}");
}

#[test]
fn a_check_that_cannot_run_is_an_error_with_its_file() {
    let project = project();
    project.write(
        "queries/checks/d_broken.sql",
        "-- Claim: X.\nselect * from nowhere_at_all\n",
    );
    let said = project.refusal(&["check", "d_broken"]);
    assert!(said.contains("queries/checks/d_broken.sql"), "{said}");
}

#[test]
fn an_unknown_check_names_the_nearest() {
    assert_eq!(
        project().refusal(&["check", "b_warn"]),
        "error: there is no check `b_warn`\n  hint: did you mean `b_warns`?\n"
    );
}

#[test]
fn a_charge_over_no_time_is_found() {
    let project = Project::new();
    project.write(
        "bill.csv",
        "charge_id,provider,charge_category,charge_period_start,charge_period_end,billing_period,billed_cost,currency\n\
         a,openai,Usage,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,2026-10,1,USD\n\
         b,openai,Usage,2026-10-03T00:00:00Z,2026-10-03T00:00:00Z,2026-10,2.5,USD\n\
         c,openai,Usage,2026-10-04T00:00:00Z,2026-10-02T00:00:00Z,2026-10,3,USD\n",
    );
    project.write(
        "apportion.toml",
        "[billing]\ninputs = [{ location = \"bill.csv\" }]\n",
    );
    let ended = project.run(&["check", "charges_have_a_period"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("charges_have_a_period  2 rows"),
        "{}",
        ended.stdout
    );
}

const CALLS: &str = "called_at,provider,model,request_id,input_tokens,output_tokens\n\
                     2026-10-01T12:00:00Z,p,m,r1,10,5\n";
const BILL: &str = "provider,charge_category,charge_period_start,charge_period_end,billing_period,\
                    billed_cost,currency\n\
                    p,Usage,2026-10-01T00:00:00Z,2026-11-01T00:00:00Z,2026-10,1,USD\n";

#[test]
fn inputs_that_overlap_are_found() {
    let project = Project::new();
    project.write("calls/october.csv", CALLS);
    project.write("bill.csv", BILL);
    project.write(
        "apportion.toml",
        "[ledger]\ninputs = [{ location = \"calls/*.csv\" }, { location = \"calls/october.csv\" }]\n\
         [billing]\ninputs = [{ location = \"bill.csv\" }]\n",
    );
    let ended = project.run(&["check", "inputs_do_not_overlap", "requests_are_logged_once"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for expected in [
        "inputs_do_not_overlap     1 row",
        "calls/*.csv, ",
        "requests_are_logged_once  0 rows",
    ] {
        assert!(
            ended.stdout.contains(expected),
            "{expected}\n{}",
            ended.stdout
        );
    }
}

#[test]
fn an_input_that_is_named_twice_is_refused() {
    let project = Project::new();
    project.write("bill.csv", BILL);
    project.write(
        "apportion.toml",
        "[billing]\ninputs = [{ location = \"bill.csv\" }, { location = \"bill.csv\" }]\n",
    );
    let said = project.refusal(&["check"]);
    assert!(
        said.starts_with("error: the billing input `")
            && said.contains("bill.csv` is named twice\n  in: [billing] in apportion.toml\n")
            && said.contains("  hint: what is read twice counts twice"),
        "{said}"
    );
}

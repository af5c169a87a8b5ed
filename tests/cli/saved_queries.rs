//! `run`: parameters as options.

use super::Project;

const ECHO: &str = "\
-- Question:   What was asked for?
-- Grain:      one row
-- Parameters:
--   period         month = '2026-01'    The billing period.
--   min_customers  integer = 5          Fewer are left out.
--   estimate       boolean = false      Adds the list cost of calls without a bill.
--   wanted         text = 'it''s'       Free text.
select $period as period, $min_customers as n, $estimate as e, $wanted as w
";

fn project() -> Project {
    let project = Project::new();
    project.write("queries/echoed.sql", ECHO);
    project
}

#[test]
fn every_parameter_is_an_option() {
    let project = project();
    let run = |options: &[&str]| {
        let arguments = [&["run", "echoed", "--format", "csv"], options].concat();
        project
            .answer(&arguments)
            .lines()
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(run(&[]), "2026-01,5,false,it's");
    assert_eq!(run(&["--period", "2026-10"]), "2026-10,5,false,it's");
    assert_eq!(run(&["--min-customers", "7"]), "2026-01,7,false,it's");
    assert_eq!(run(&["--min_customers=-7"]), "2026-01,-7,false,it's");
    assert_eq!(run(&["--min-customers", "-7"]), "2026-01,-7,false,it's");
    assert_eq!(run(&["--estimate"]), "2026-01,5,true,it's");
    assert_eq!(run(&["--estimate", "false"]), "2026-01,5,false,it's");
    assert_eq!(
        run(&["--wanted", "'; drop table x"]),
        "2026-01,5,false,'; drop table x"
    );
}

#[test]
fn global_options_stand_among_a_querys_own() {
    let project = project();
    let arguments = [
        "run",
        "echoed",
        "--period",
        "2026-10",
        "-o",
        "x.csv",
        "--estimate",
        "-q",
    ];
    assert_eq!(project.answer(&arguments), "");
    assert_eq!(project.read("x.csv"), "period,n,e,w\n2026-10,5,true,it's\n");
}

#[test]
fn help_is_made_from_the_header() {
    let help = project().answer(&["run", "echoed", "--help"]);
    for part in [
        "What was asked for?",
        "Usage: apportion run echoed",
        "--period <month>",
        "The billing period. [default: '2026-01']",
        "--min-customers <integer>",
        "--format <FORMAT>",
    ] {
        assert!(help.contains(part), "{part} in\n{help}");
    }
}

#[test]
fn an_unknown_option_names_the_nearest_parameter() {
    let said = project().refusal(&["run", "echoed", "--perid", "2026-10"]);
    let (message, rest) = said.split_once('\n').unwrap();
    assert_eq!(
        message,
        "error: there is no option or argument `--perid` here"
    );
    assert!(
        rest.ends_with("queries/echoed.sql\n  hint: did you mean `--period`?\n"),
        "{said}"
    );
}

#[test]
fn an_unknown_query_names_the_nearest() {
    let said = project().refusal(&["run", "ecoed"]);
    assert!(
        said.contains("`ecoed`") && said.contains("did you mean `echoed`?"),
        "{said}"
    );
    let said = project().refusal(&["run", "--period", "2026-10", "echoed"]);
    assert!(
        said.starts_with("error: a query's name comes before its option `--period`"),
        "{said}"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    let project = project();
    let said = project.refusal(&["run", "echoed", "--period", "October"]);
    assert!(said.contains("`October` is not a month"), "{said}");
    let said = project.refusal(&["run", "echoed", "--period"]);
    assert!(
        said.starts_with("error: `--period` needs a value\n"),
        "{said}"
    );
    let said = project.refusal(&["run", "echoed", "--period=2026-01", "--period=2026-02"]);
    assert!(
        said.starts_with("error: `--period` is given twice\n"),
        "{said}"
    );
}

#[test]
fn a_value_that_no_literal_holds_is_refused_by_its_parameter() {
    let project = Project::new();
    project.write(
        "queries/values.sql",
        "-- Question: X?\n-- Parameters:\n--   day  date = '2026-10-01'  D.\n\
         --   share  decimal = 1  S.\n--   at  timestamp = '2026-10-01'  A.\n\
         select $day as day, $share as share, $at as at\n",
    );
    for (name, value, expected) in [
        ("day", "2026-02-30", "a date such as '2026-10-31'"),
        ("share", "1e3", "a decimal number"),
        (
            "at",
            "2026-10-01x",
            "an instant such as '2026-10-31T12:00:00'",
        ),
    ] {
        assert_eq!(
            project.refusal(&["run", "values", &format!("--{name}={value}")]),
            format!(
                "error: parameter `{name}` takes {expected}, not `{value}`\n  \
                 in: argument `{name}` of `values`\n"
            )
        );
    }
    let leap = project.answer(&["run", "values", "--day", "2028-02-29", "--format", "csv"]);
    assert!(leap.contains("\n2028-02-29,"), "{leap}");
}

#[test]
fn a_file_is_run_by_its_path() {
    let project = Project::new();
    project.write("elsewhere/mine.sql", "-- Question: Mine?\nselect 3 as x\n");
    assert_eq!(
        project.answer(&["run", "elsewhere/mine.sql", "--format", "csv"]),
        "x\n3\n"
    );
    let said = project.refusal(&["run", "elsewhere/no.sql"]);
    assert!(said.contains("elsewhere/no.sql"), "{said}");
}

#[test]
fn a_query_whose_default_calls_it_calls_itself() {
    let project = Project::new();
    project.write("apportion.toml", "[queries]\nfolders = [\"queries\"]\n");
    project.write(
        "queries/selfish.sql",
        "-- Question: X?\n-- Parameters:\n--   n integer = (select max(n) from selfish()) N.\nselect $n as n\n",
    );
    assert_eq!(
        project.refusal(&["run", "selfish"]),
        "error: saved query `selfish` calls itself\n  hint: `selfish` calls `selfish`\n"
    );
}

#[test]
fn a_month_that_was_chosen_on_the_way_is_told_too() {
    let project = Project::new();
    project.write(
        "queries/asked.sql",
        "-- Question: How many?\n-- Reads first:\n--   n integer = (select count(*) from charges())\n\
         select $n as charges, count(*) as rows from charges()",
    );
    let config = "[queries]\nfolders = [\"queries\"]\n";
    project.run(&["demo", "data", "-q"]);
    let demo = project
        .read("data/apportion.toml")
        .replace("location = \"", "location = \"data/");
    project.write("apportion.toml", format!("{demo}\n{config}"));
    let ended = project.run(&["run", "asked"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told = ended
        .stderr
        .matches("period: 2026-10, the latest in the bill")
        .count();
    assert_eq!(told, 1, "{}", ended.stderr);
}

#[test]
fn notices_are_asked_where_they_are_told() {
    let project = Project::new();
    let query = |notice: &str| {
        format!(
            "-- Question:   One?\n-- Grain:      one row\n-- Notices:    ({notice})\nselect 1 as n\n"
        )
    };
    project.write("queries/said.sql", query("select 'so far' as notice"));
    project.write(
        "queries/failing.sql",
        query("select cast(cast('x' as integer) as text) as notice"),
    );
    let arguments = |name| ["run", name, "--format", "csv"];
    let said = project.run(&arguments("said"));
    assert!(said.stderr.contains("notice: so far\n"), "{}", said.stderr);
    assert_ne!(project.run(&arguments("failing")).code, Some(0));
    for name in ["said", "failing"] {
        let quiet = [&arguments(name)[..], &["--quiet"]].concat();
        assert_eq!(project.answer(&quiet), "n\n1\n");
    }
}

#[test]
fn instants_that_are_read_first_are_known_wherever_they_are_named() {
    let project = Project::new();
    let question = |rows: &str| {
        format!(
            "(select array_agg(arrow_cast(column1, 'Timestamp(Microsecond, None)') order by column1) from ({rows}))"
        )
    };
    let write = |name: &str, parameter: &str, rows: &str, body: &str| {
        let question = question(rows);
        let text = format!(
            "-- Question: Which?\n-- Reads first:\n--   {parameter} timestamps = {question}\n{body}\n"
        );
        project.write(&format!("queries/{name}.sql"), text);
    };
    project.write(
        "queries/from_then_on.sql",
        "-- Question: Since when?\n-- Parameters:\n--   since timestamp = NULL   The first instant.\n\
         select $since as since, $since is null as is_open\n",
    );
    let days = "values ('2026-01-01'), ('2026-01-03'), ('2026-01-04')";
    let body = |name: &str| {
        format!(
            "select count(*) as slots, max(inner.since) as since, bool_or(is_open) as is_open, ${name}_last as until\n\
             from (select unnest(slots_within(${name}_first, ${name}_last, ${name})) as slot)\n\
             cross join from_then_on(since => ${name}_first) as inner"
        )
    };
    write("edges", "edges", days, &body("edges"));
    // The same question under another name, in one statement.
    write(
        "bounds",
        "bounds",
        days,
        "select (select slots from edges()) as of_edges, $bounds_first as since",
    );
    write(
        "none",
        "edges",
        "select '' as column1 where false",
        &body("edges"),
    );
    write(
        "two",
        "edges",
        &format!("{days}) group by (column1"),
        "select $edges_first as since",
    );
    project.write(
        "queries/number.sql",
        "-- Question: Which?\n-- Reads first:\n--   edges timestamps = (select 1)\nselect $edges_first as since\n",
    );
    let begins = "$edges_first = arrow_cast('2026-01-01', 'Timestamp(Microsecond, None)')";
    project.write(
        "queries/asked_of.sql",
        format!(
            "-- Question: How many?\n-- Reads first:\n--   edges timestamps = {}\n\
             --   n integer = (select count(*) from ({days}) where {begins})\n\
             select $n as n, $edges_last as until\n",
            question(days)
        ),
    );
    let answer = |name: &str| project.answer(&["run", name, "--format", "csv", "--quiet"]);
    assert_eq!(answer("asked_of"), "n,until\n3,2026-01-04 00:00:00\n");
    assert_eq!(
        answer("edges"),
        "slots,since,is_open,until\n2,2026-01-01 00:00:00,false,2026-01-04 00:00:00\n"
    );
    assert_eq!(answer("bounds"), "of_edges,since\n2,2026-01-01 00:00:00\n");
    assert_eq!(answer("none"), "slots,since,is_open,until\n0,,,\n");
    // A notice that reads other instants leaves the statement its own.
    let later = question("values ('2027-01-01'), ('2027-02-01')");
    project.write(
        "queries/later.sql",
        format!("-- Question: Which?\n-- Reads first:\n--   edges timestamps = {later}\nselect $edges_last as until\n"),
    );
    project.write(
        "queries/told.sql",
        format!(
            "-- Question: Which?\n-- Reads first:\n--   edges timestamps = {}\n\
             -- Notices:    (select concat('later: ', until) as notice from later())\n\
             select $edges_last as until\n",
            question(days)
        ),
    );
    let told = project.run(&["run", "told", "--format", "csv"]);
    assert_eq!(
        told.stdout, "until\n2026-01-04 00:00:00\n",
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("later: 2027-02-01"), "{}", told.stderr);
    let refused = project.refusal(&["run", "two", "--quiet"]);
    assert!(
        refused.contains("gives more than one value") && refused.contains("two.sql"),
        "{refused}"
    );
    let refused = project.refusal(&["run", "number", "--quiet"]);
    assert!(
        refused.contains("takes a list of instants, not `1`") && refused.contains("number.sql"),
        "{refused}"
    );
}

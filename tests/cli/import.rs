//! `import`: an export as Parquet, a file a month, and as often as one likes.

use super::{EMPTY, Project, names_in};

const HEADER: &str = "start_time,end_time,amount_value,amount_currency,quantity,quantity_unit,line_item,project_id\n";
/// Midnight of 1 October and of 1 November 2026.
const OCTOBER: &str =
    "1790812800,1790899200,0.100000000000500000000000000000,usd,,,\"m, output\",a\n";
const NOVEMBER: &str =
    "1793491200,1793577600,2.000000000000000000000000000000,usd,,,\"m, output\",a\n";

const IMPORT: [&str; 6] = [
    "import",
    "bills/costs.csv",
    "--source",
    "openai_costs_csv",
    "-o",
    "copy",
];

fn costs(lines: &[&str]) -> Project {
    let project = Project::new();
    project.write("bills/costs.csv", [HEADER, &lines.concat()].concat());
    project
}

fn imported(project: &Project, arguments: &[&str]) -> String {
    project.answer(&[arguments, &["--quiet", "--format", "csv"]].concat())
}

fn months(project: &Project) -> Vec<String> {
    let names = names_in(&project.path("copy"));
    names.iter().map(|name| name[..7].to_owned()).collect()
}

/// The bill's sum by month, through the source or from the copy.
fn billed(project: &Project, input: &str) -> String {
    project.write("apportion.toml", format!("[billing]\ninputs = [{input}]\n"));
    let sql = "select billing_period, sum(billed_cost) as billed_cost, count(*) as charges from billing \
               group by billing_period order by billing_period";
    project.answer(&["sql", sql, "--format", "csv"])
}

#[test]
fn the_copy_says_what_the_export_says() {
    let project = costs(&[OCTOBER, NOVEMBER, NOVEMBER]);
    // Half of the last decimal is rounded to even, and said.
    assert_eq!(
        imported(&project, &IMPORT),
        "month,charges,control_total,import_rounding,currency\n\
         2026-10,1,0.100000000000500000000000000000,-0.000000000000500000000000000000,USD\n\
         2026-11,2,4.000000000000000000000000000000,0.000000000000000000000000000000,USD\n"
    );
    let through_the_source = billed(
        &project,
        "{ location = \"bills/costs.csv\", source = \"openai_costs_csv\" }",
    );
    assert_eq!(
        through_the_source,
        "billing_period,billed_cost,charges\n2026-10,0.100000000000,1\n2026-11,4.000000000000,2\n"
    );
    assert_eq!(
        billed(&project, "{ location = \"copy/\" }"),
        through_the_source
    );
}

#[test]
fn the_same_again_changes_nothing_and_another_export_stands_beside_it() {
    let project = costs(&[OCTOBER, NOVEMBER]);
    let first = imported(&project, &IMPORT);
    let files = names_in(&project.path("copy"));
    let bytes = |name: &String| std::fs::read(project.path("copy").join(name)).unwrap();
    let before: Vec<_> = files.iter().map(bytes).collect();
    assert_eq!(imported(&project, &IMPORT), first);
    assert_eq!(names_in(&project.path("copy")), files);
    assert_eq!(files.iter().map(bytes).collect::<Vec<_>>(), before);

    // A file of the same name elsewhere is another export.
    project.write("more/costs.csv", [HEADER, OCTOBER].concat());
    let mut other = IMPORT;
    other[1] = "more/costs.csv";
    imported(&project, &other);
    assert_eq!(months(&project), ["2026-10", "2026-10", "2026-11"]);

    // What the export no longer has, its copy no longer has.
    project.write("bills/costs.csv", [HEADER, OCTOBER].concat());
    imported(&project, &IMPORT);
    assert_eq!(months(&project), ["2026-10", "2026-10"]);
}

#[test]
fn a_ledger_is_imported_with_its_calls() {
    let project = Project::new();
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/slt/source/fixtures/claude_code.jsonl"
    );
    let import = ["import", fixture, "--source", "claude_code", "-o", "copy"];
    let calls = "select * exclude (input) from ledger order by called_at";
    let answer = imported(&project, &import);
    project.write(
        "apportion.toml",
        format!("[ledger]\ninputs = [{{ location = \"{fixture}\", source = \"claude_code\" }}]\n"),
    );
    let through_the_source = project.answer(&["sql", calls, "--format", "csv"]);
    assert_eq!(
        answer,
        format!(
            "month,rows\n2026-10,{}\n",
            through_the_source.lines().count() - 1
        )
    );
    project.write(
        "apportion.toml",
        "[ledger]\ninputs = [{ location = \"copy/\" }]\n",
    );
    assert_eq!(
        project.answer(&["sql", calls, "--format", "csv"]),
        through_the_source
    );
}

#[test]
fn what_cannot_be_imported_leaves_nothing() {
    let project = costs(&[OCTOBER]);
    for (arguments, said) in [
        (
            &IMPORT[..4],
            "error: where to?\n  hint: `-o DIR` names the folder for the copy\n",
        ),
        (
            &[
                "import",
                "bills/costs.csv",
                "--source",
                "openai_cost",
                "-o",
                "copy",
            ][..],
            "error: there is no source `openai_cost`\n  hint: did you mean `openai_costs`?\n",
        ),
        (
            &[
                "import",
                "bills/none.csv",
                "--source",
                "openai_costs_csv",
                "-o",
                "copy",
            ],
            "error: there is no file `",
        ),
        (
            &[
                "import",
                "bills/costs.csv",
                "--source",
                "focus",
                "-o",
                "copy",
            ],
            "error: source `focus` does not fit: ",
        ),
        (
            &[
                "import",
                "bills/costs.csv",
                "--source",
                "openai_costs_csv",
                "-o",
                "bills/costs.csv",
            ],
            "error: cannot write `bills/costs.csv`: ",
        ),
    ] {
        let refusal = project.refusal(arguments);
        assert!(refusal.starts_with(said), "{refusal}");
        assert!(!project.path("copy").exists(), "{arguments:?}");
    }
    project.write("bills/costs.csv", HEADER);
    let refusal = project.refusal(&IMPORT);
    assert!(
        refusal.starts_with("error: the export has no rows"),
        "{refusal}"
    );
    assert_eq!(names_in(&project.path("copy")), [EMPTY; 0]);
}

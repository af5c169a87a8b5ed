//! Every format, to the byte.

use super::Project;
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Decimal128Type};
use arrow::ipc::reader::FileReader;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::io::Cursor;

/// A decimal with all its digits, quotes, separators and line breaks in a text, an empty text, NULL.
const SQL: &str = "\
select * from (values
  ('a,\"b\"', cast('12.3' as decimal(38, 12)), 7, true, timestamp '2026-10-01 00:00:00'),
  ('two
lines', cast('-0.000000000001' as decimal(38, 12)), null, false, null),
  ('', null, 10, null, timestamp '2026-10-31 23:59:59.5')
) as x (name, cost, calls, ok, at)
order by calls nulls last";

fn written(format: &str) -> String {
    Project::new().answer(&["sql", SQL, "--format", format])
}

#[test]
fn table() {
    let expected = "
 name  |            cost | calls | ok    | at
-------+-----------------+-------+-------+-------------------------
 a,\"b\" | 12.300000000000 |     7 | true  | 2026-10-01 00:00:00
       |            NULL |    10 | NULL  | 2026-10-31 23:59:59.500
 two  +| -0.000000000001 |  NULL | false | NULL
 lines |                 |       |       |
(3 rows)
";
    assert_eq!(written("table"), expected.trim_start_matches('\n'));
}

#[test]
fn table_is_the_default() {
    assert_eq!(Project::new().answer(&["sql", SQL]), written("table"));
}

#[test]
fn vertical() {
    let expected = "
-[ RECORD 1 ]+------------
name         | a,\"b\"
cost         | 12.300000000000
calls        | 7
ok           | true
at           | 2026-10-01 00:00:00
-[ RECORD 2 ]+------------
name         |
cost         | NULL
calls        | 10
ok           | NULL
at           | 2026-10-31 23:59:59.500
-[ RECORD 3 ]+------------
name         | two+
             | lines
cost         | -0.000000000001
calls        | NULL
ok           | false
at           | NULL
(3 rows)
";
    assert_eq!(written("vertical"), expected.trim_start_matches('\n'));
}

#[test]
fn columnar_files_have_the_engines_types_and_exact_decimals() {
    let project = Project::new();
    for name in ["x.parquet", "x.arrow"] {
        assert_eq!(project.answer(&["sql", SQL, "-o", name]), "");
        let bytes = std::fs::read(project.path(name)).unwrap();
        let batch = if name == "x.arrow" {
            let mut rows = FileReader::try_new(Cursor::new(bytes), None).unwrap();
            rows.next().unwrap().unwrap()
        } else {
            let rows = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
            rows.build().unwrap().next().unwrap().unwrap()
        };
        let costs = batch.column_by_name("cost").unwrap();
        assert_eq!(costs.data_type(), &DataType::Decimal128(38, 12), "{name}");
        let costs = costs.as_primitive::<Decimal128Type>();
        let exact = [Some(12_300_000_000_000), None, Some(-1)];
        assert_eq!(costs.iter().collect::<Vec<_>>(), exact, "{name}");
    }
}

#[test]
fn a_file_of_one_result_takes_no_other_and_no_less() {
    let project = Project::new();
    for name in ["x.json", "x.parquet", "x.arrow"] {
        let said = project.refusal(&["sql", "select 1 as x; select 2 as x", "-o", name]);
        assert!(said.contains("would hold two results"), "{said}");
        assert!(said.contains("`--format ndjson`"), "{said}");
        assert!(said.contains(&format!("`{name}`")), "{said}");
        let said = project.refusal(&["sql", "create view v as select 1 as x", "-o", name]);
        assert!(said.contains("there is no result to write"), "{said}");
    }
    assert_eq!(project.files(), ["apportion.toml"]);
    let two = ["sql", "select 1 as x; select 2 as x", "-o", "x.ndjson"];
    project.answer(&two);
    assert_eq!(project.read("x.ndjson"), "{\"x\":1}\n{\"x\":2}\n");
}

#[test]
fn csv() {
    assert_eq!(
        written("csv"),
        "name,cost,calls,ok,at\n\
         \"a,\"\"b\"\"\",12.300000000000,7,true,2026-10-01 00:00:00\n\
         \"\",,10,,2026-10-31 23:59:59.500\n\
         \"two\nlines\",-0.000000000001,,false,\n"
    );
}

#[test]
fn tsv() {
    assert_eq!(
        written("tsv"),
        "name\tcost\tcalls\tok\tat\n\
         \"a,\"\"b\"\"\"\t12.300000000000\t7\ttrue\t2026-10-01 00:00:00\n\
         \"\"\t\t10\t\t2026-10-31 23:59:59.500\n\
         \"two\nlines\"\t-0.000000000001\t\tfalse\t\n"
    );
}

#[test]
fn json_keeps_decimals_as_text_and_integers_as_numbers() {
    assert_eq!(
        written("json"),
        r#"[
{"name":"a,\"b\"","cost":"12.300000000000","calls":7,"ok":true,"at":"2026-10-01T00:00:00"},
{"name":"","cost":null,"calls":10,"ok":null,"at":"2026-10-31T23:59:59.500"},
{"name":"two\nlines","cost":"-0.000000000001","calls":null,"ok":false,"at":null}
]
"#
    );
}

#[test]
fn ndjson() {
    let lines = written("ndjson");
    assert_eq!(lines.lines().count(), 3);
    assert_eq!(
        lines.lines().next(),
        Some(
            r#"{"name":"a,\"b\"","cost":"12.300000000000","calls":7,"ok":true,"at":"2026-10-01T00:00:00"}"#
        )
    );
}

#[test]
fn markdown() {
    assert_eq!(
        written("markdown"),
        "| name | cost | calls | ok | at |\n\
         | --- | ---: | ---: | --- | --- |\n\
         | a,\"b\" | 12.300000000000 | 7 | true | 2026-10-01 00:00:00 |\n\
         |  |  | 10 |  | 2026-10-31 23:59:59.500 |\n\
         | two<br>lines | -0.000000000001 |  | false |  |\n"
    );
}

#[test]
fn markdown_escapes_what_would_end_a_cell() {
    let project = Project::new();
    let written = project.answer(&["sql", "select 'a|b <i>' as x", "--format", "markdown"]);
    assert_eq!(written, "| x |\n| --- |\n| a\\|b &lt;i> |\n");
}

#[test]
fn decimals_nested_in_json_are_text_as_well() {
    let project = Project::new();
    let sql = "select make_array(cast('1.50' as decimal(9, 2)), null) as parts";
    let written = project.answer(&["sql", sql, "--format", "ndjson"]);
    assert_eq!(written, "{\"parts\":[\"1.50\",null]}\n");
}

#[test]
fn a_json_object_cannot_have_two_members_of_one_name() {
    let project = Project::new();
    let sql = "select a.x, b.x from (select 1 as x) a cross join (select 2 as x) b";
    let said = project.refusal(&["sql", sql, "--format", "json"]);
    assert!(
        said.starts_with("error: two columns are called `x`"),
        "{said}"
    );
    assert_eq!(
        project.answer(&["sql", sql, "--format", "csv"]),
        "x,x\n1,2\n"
    );
}

#[test]
fn without_rows_the_columns_still_show() {
    let project = Project::new();
    let none = |format| project.answer(&["sql", "select 1 as x where false", "--format", format]);
    assert_eq!(none("table"), " x\n---\n(0 rows)\n");
    assert_eq!(none("csv"), "x\n");
    assert_eq!(none("json"), "[\n]\n");
    assert_eq!(none("ndjson"), "");
    assert_eq!(none("markdown"), "| x |\n| ---: |\n");
}

#[test]
fn a_table_counts_wide_characters_and_escapes_what_drives_terminals() {
    let project = Project::new();
    let sql = "select * from (values (1, '株式', '|'), (2, chr(27) || '[2J', '|')) as x (n, a, b) \
               order by n";
    assert_eq!(
        project.answer(&["sql", sql]),
        " n | a         | b\n\
         ---+-----------+---\n \
         1 | 株式      | |\n \
         2 | \\u{1b}[2J | |\n\
         (2 rows)\n"
    );
}

#[test]
fn every_row_is_written() {
    let project = Project::new();
    let sql = "select value from generate_series(1, 100000)";
    let table = project.answer(&["sql", sql]);
    assert_eq!(table.lines().count(), 100_003);
    assert!(table.ends_with("(100000 rows)\n"));
    assert_eq!(
        project
            .answer(&["sql", sql, "--format", "csv"])
            .lines()
            .count(),
        100_001
    );
}

/// Batches become lines side by side, and a column may have one value in a batch.
#[test]
fn lines_stand_in_the_order_of_the_rows() {
    let sql = "
        select
            value,
            cast(0 - value as decimal(38, 3)),
            value / 20000,
            case when value < 30000 then 'a \"b\"' else 'a text that is longer than its view' end,
            value < 50000,
            case when value <> 70000 then 7.50 end
        from generate_series(0, 99999)
        order by value";
    for (format, delimiter) in [("csv", ","), ("tsv", "\t")] {
        let answer = Project::new().answer(&["sql", sql, "--format", format]);
        let mut lines = answer.lines().skip(1);
        for value in 0..100_000 {
            let sign = if value == 0 { "" } else { "-" };
            let text = match value {
                ..30_000 => "\"a \"\"b\"\"\"",
                _ => "a text that is longer than its view",
            };
            let flag = value < 50_000;
            let amount = if value == 70_000 { "" } else { "7.50" };
            let expected = format!(
                "{value},{sign}{value}.000,{},{text},{flag},{amount}",
                value / 20_000
            );
            let expected = expected.replace(',', delimiter);
            assert_eq!(lines.next(), Some(expected.as_str()), "{format}");
        }
        assert_eq!(lines.next(), None, "{format}");
    }
}

#[test]
fn a_statement_without_a_result_writes_nothing() {
    let project = Project::new();
    let sql = "create view v as select 1 as x; select x from v";
    assert_eq!(project.answer(&["sql", sql, "--format", "csv"]), "x\n1\n");
}

#[test]
fn an_ending_of_no_format_is_refused() {
    let project = Project::new();
    assert_eq!(
        project.refusal(&["sql", "select 1 as x", "-o", "x.xlsx"]),
        "error: cannot write `x.xlsx`: no format has the ending `.xlsx`\n  \
         hint: end the name with one of .txt, .csv, .tsv, .json, .ndjson, .jsonl, .md, .parquet, \
         .arrow, or choose a format with `--format`\n"
    );
    assert_eq!(project.files(), ["apportion.toml"]);
    project.answer(&["sql", "select 1 as x", "-o", "x.xlsx", "--format", "csv"]);
    assert_eq!(project.read("x.xlsx"), "x\n1\n");
    project.answer(&["sql", "select 1 as x", "-o", "plain"]);
    assert_eq!(project.read("plain"), " x\n---\n 1\n(1 row)\n");
}

#[test]
fn a_files_ending_chooses_its_format() {
    let project = Project::new();
    for (name, expected) in [
        ("x.csv", "x\n1\n"),
        ("x.tsv", "x\n1\n"),
        ("x.json", "[\n{\"x\":1}\n]\n"),
        ("x.jsonl", "{\"x\":1}\n"),
        ("x.md", "| x |\n| ---: |\n| 1 |\n"),
        ("x.txt", " x\n---\n 1\n(1 row)\n"),
    ] {
        assert_eq!(project.answer(&["sql", "select 1 as x", "-o", name]), "");
        assert_eq!(project.read(name), expected, "{name}");
    }
    project.answer(&[
        "--format",
        "json",
        "sql",
        "select 1 as x",
        "-o",
        "forced.csv",
    ]);
    assert_eq!(project.read("forced.csv"), "[\n{\"x\":1}\n]\n");
}

#[test]
fn files_are_read_by_their_names() {
    let project = Project::new();
    project.write("in/first.csv", "x,y\n1.10,\n");
    project.write("in/second.csv", "y,x\nb,2\n");
    for (sql, expected) in [
        ("select first.x from 'in/first.csv'", "x\n1.10\n"),
        ("select a.x from 'in/first.csv' a", "x\n1.10\n"),
        ("select x, y from 'in/' order by x", "x,y\n1.10,\n2,b\n"),
        ("copy 'in/second.csv' to 'out.parquet'", "count\n1\n"),
        ("select x from 'out.parquet'", "x\n2\n"),
        (
            "create table \"in/first.csv\" as select 'mine' as x; select x from 'in/first.csv'",
            "x\nmine\n",
        ),
        (
            "create view both as select * from 'in/*.csv'; select count(*) as n from both",
            "n\n2\n",
        ),
    ] {
        assert_eq!(
            project.answer(&["sql", sql, "--format", "csv"]),
            expected,
            "{sql}"
        );
    }
    let said = project.refusal(&["sql", "select 1 from 'in/third.csv'"]);
    assert!(
        said.starts_with("error: there is no file `in/third.csv`\n"),
        "{said}"
    );
}

#[test]
fn columns_without_a_name_are_called_what_was_typed() {
    let project = Project::new();
    for (sql, header) in [
        (
            "select 1, 'b', 1 + 1 as x, cast(2 as bigint)",
            "1,'b',x,CAST(2 AS BIGINT)",
        ),
        (
            "select sum(t.n), Max(n) from (select 1 as n) t order by sum(n)",
            "sum(t.n),Max(n)",
        ),
        (
            "select n * 2, *, n + 1 from (select 1 as n, 2 as m) t",
            "n * 2,n,m,n + 1",
        ),
        (
            "select n, t.n + 0 from (select 1 as n) t union all select 2, 3",
            "n,t.n + 0",
        ),
        // The engine's names tell these two apart.
        (
            "select * from (select 1 + 1) t, (select 1 + 1) u",
            "Int64(1) + Int64(1),Int64(1) + Int64(1)",
        ),
    ] {
        let answer = project.answer(&["sql", sql, "--format", "csv"]);
        assert_eq!(answer.lines().next(), Some(header), "{sql}");
    }
    let sql = "select -value, value * 2 from generate_series(1, 20000) order by -value limit 3";
    let answer = project.answer(&["sql", sql, "--format", "csv"]);
    assert_eq!(
        answer,
        "-value,value * 2\n-20000,40000\n-19999,39998\n-19998,39996\n"
    );
    let sql = "select -value from generate_series(1, 20000) order by 1";
    let answer = project.answer(&["sql", sql, "--format", "csv", "--threads", "4"]);
    let values: Vec<i64> = answer
        .lines()
        .skip(1)
        .map(|line| line.parse().unwrap())
        .collect();
    assert!(values.len() == 20_000 && values.is_sorted());
}

#[test]
fn what_a_script_has_written_it_reads() {
    let project = Project::new();
    let sql = "copy (select 1 as x) to 'out/a.parquet';
        create external table written stored as parquet location 'out/';
        select sum(x) as sum from written;
        copy (select 2 as x) to 'out/b.parquet';
        select sum(x) as sum from written;
        copy (select 40 as x, 'longer' as y) to 'out/b.parquet';
        select sum(x) as sum from 'out/'";
    let answer = project.answer(&["sql", sql, "--format", "csv"]);
    assert_eq!(
        answer,
        "count\n1\nsum\n1\ncount\n1\nsum\n3\ncount\n1\nsum\n41\n"
    );
    let sql = "create external table written stored as parquet location 'out/';
        select sum(x) as sum from written;
        explain analyze copy (select 100 as x) to 'out/c.parquet';
        select sum(x) as sum from written";
    let answer = project.answer(&["sql", sql, "--format", "csv"]);
    assert!(answer.starts_with("sum\n41\n"), "{answer}");
    assert!(answer.ends_with("\nsum\n141\n"), "{answer}");
}

#[test]
fn an_analysed_statement_says_what_its_shared_relations_took() {
    let plan = Project::new().answer(&[
        "--demo",
        "--format",
        "csv",
        "sql",
        "explain analyze select count(*) from allocation(period => '2026-10')",
    ]);
    let cells = "Shared Plan with Metrics,\"usage_cells(period => '2026-10'";
    assert_eq!(plan.matches(cells).count(), 1, "{plan}");
    let below = &plan[plan.find(cells).unwrap()..];
    assert!(below.contains("bytes_scanned="), "{below}");
}

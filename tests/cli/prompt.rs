//! The prompt at a terminal.

use super::Project;
use super::terminal::{PROMPT, Terminal};
use crate::support::bucket::{Bucket, KEY_ID, SECRET};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn errors_and_interrupts_keep_the_prompt() {
    let project = Project::new();
    let mut terminal = Terminal::open(&project);
    terminal.type_in("select nowhere;\r");
    terminal.shows("error: ");

    terminal.shows(PROMPT);
    terminal.type_in("select 'not run'");
    terminal.shows("'not run'");
    terminal.type_in("\u{3}");

    terminal.shows(PROMPT);
    terminal.type_in("select 40\r+ 2 as answer;\r");
    terminal.shows("answer");
    terminal.shows("42");
    terminal.shows("(1 row, ");

    terminal.shows(PROMPT);
    terminal
        .type_in("select count(*) from generate_series(1, 1000000000000) where value % 3 = 5;\r");
    // The line is edited no more; the terminal needs a moment to send signals again.
    terminal.shows("\u{1b}[?2004l");
    thread::sleep(Duration::from_millis(500));
    terminal.type_in("\u{3}");
    terminal.shows("interrupted");

    terminal.shows(PROMPT);
    terminal.type_in("\\nonsense\r");
    terminal.shows("there is no command `\\nonsense`");

    terminal.shows(PROMPT);
    terminal.type_in("\\?\r");
    terminal.shows("this help");

    terminal.shows(PROMPT);
    terminal.type_in("\\q\r");
    terminal.shows("exit code: 0");

    let history = project.read("state/apportion/history");
    assert!(history.contains("as answer;"), "{history}");
    assert!(!history.contains("not run"), "{history}");
}

#[test]
fn a_scan_is_interrupted_and_says_how_far_it_was() {
    let project = Project::new();
    let mut terminal = Terminal::open_with(&project, "", "--demo");
    let sql = "select count(*) from ledger a cross join ledger b cross join ledger c \
               where a.input_tokens * b.output_tokens + c.input_tokens = 1;\r";
    terminal.type_in(sql);
    terminal.shows("\u{1b}[?2004l");
    terminal.shows(" s: ");
    terminal.shows(" rows");
    terminal.shows(" of memory");
    let asked = Instant::now();
    terminal.type_in("\u{3}");
    terminal.shows("interrupted");
    let taken = asked.elapsed();
    assert!(taken < Duration::from_secs(10), "{taken:?}");
    terminal.shows(PROMPT);
    assert!(terminal.answer("select 6 * 7 as x;").contains(" 42\n"));
}

#[test]
fn tab_completes_what_the_statement_is_about() {
    let project = Project::new();
    project.write("queries/mine.sql", MINE);
    project.write("apportion.toml", "[queries]\nfolders = [\"queries\"]\n");
    let mut terminal = Terminal::open_with(&project, "export NO_COLOR=1;", "");
    terminal.answer("create view animals as select 'cat' as species, 4 as number_of_legs;");
    for (typed, completed) in [
        (
            "select species from animals where number_o\t",
            "number_of_legs",
        ),
        (" = 4;", "4;"),
        ("select * from anim\t", "animals"),
        (";", ";"),
        ("select * from mine\t", "mine("),
        ("i\t", "id => "),
        ("8);", "8);"),
        ("set datafusion.execution.batch_s\t", "batch_size"),
        (" = 10;", "10;"),
        ("\\queri\t", "queries"),
        ("", ""),
    ] {
        terminal.type_in(typed);
        terminal.shows(completed);
        if completed.ends_with(';') || completed.is_empty() {
            terminal.type_in("\r");
            terminal.shows("\u{1b}[?2004l");
            terminal.shows(PROMPT);
        }
    }
    assert!(!terminal.shown.contains("error:"), "{}", terminal.shown);
}

const MINE: &str = "-- Question: Which?\n-- Grain: one row\n-- Parameters:\n--   id  integer  The.\n\
                    select $id as id, 'first' as version\n";

#[test]
fn a_saved_query_edited_on_disk_is_used_as_it_is_now() {
    let project = Project::new();
    project.write("queries/mine.sql", MINE);
    project.write("queries/other.sql", MINE);
    project.write("apportion.toml", "[queries]\nfolders = [\"queries\"]\n");
    let mut terminal = Terminal::open(&project);
    assert!(terminal.answer("select * from mine(1);").contains("first"));
    project.write("queries/mine.sql", MINE.replace("first", "second one"));
    assert!(
        terminal
            .answer("select * from mine(1);")
            .contains("second one")
    );
    project.write("queries/mine.sql", "-- Question: Which?\nselekt");
    assert!(
        terminal
            .answer("select * from mine(1);")
            .contains("`mine` cannot be read")
    );
    assert!(
        terminal
            .answer("\\queries")
            .contains("`mine` cannot be read")
    );
    assert!(terminal.answer("select * from other(1);").contains("first"));
    project.write("queries/third.sql", MINE);
    assert!(
        terminal
            .answer("select * from third(id => 1);")
            .contains("first")
    );
}

#[test]
fn a_narrow_terminal_shows_the_columns_that_fit_and_says_so() {
    let project = Project::new();
    let mut terminal = Terminal::open_with(&project, "stty cols 40 rows 50;", "");
    let sql = "select 'a text of 22 characters' as first, 1 as second, 2 as third, 3 as fourth;";
    let shown = terminal.answer(sql);
    assert!(
        shown.contains(" first                   | second | …\n"),
        "{shown}"
    );
    assert!(
        shown.contains(" a text of 22 characters |      1 | …\n"),
        "{shown}"
    );
    assert!(
        shown.contains("(2 of 4 columns; `\\x` or `--format vertical` shows all)"),
        "{shown}"
    );
    // The terminal is asked each time: it may have been resized. Here its user says otherwise.
    terminal.answer("\\pset columns 60");
    let shown = terminal.answer("\\g");
    assert!(shown.contains("| second | third | fourth\n"), "{shown}");
    assert!(!shown.contains('…'), "{shown}");
    terminal.answer("\\pset columns 0");
    let shown = terminal.answer("\\gx");
    assert!(shown.contains("second       | 1\n"), "{shown}");
    assert!(terminal.answer("\\g").contains('…'));
    assert!(terminal.answer("\\x").contains("a line a value"));
    assert!(terminal.answer("\\g").contains("fourth       | 3\n"));
    terminal.answer("\\o narrow.txt");
    terminal.answer("\\g");
    terminal.answer("\\o");
    assert!(project.read("narrow.txt").contains("| fourth\n"));
}

#[test]
fn variables_stand_for_values() {
    let project = Project::new();
    let mut terminal = Terminal::open(&project);
    terminal.answer("\\set month 2026-10");
    terminal.answer("\\set who 'it''s me'");
    let shown = terminal.answer("select :'month' as \"x:month\", :'who' as who, '1'::int as n;");
    assert!(shown.contains(" 2026-10 | it's me | 1\n"), "{shown}");
    let shown = terminal.answer("\\set");
    assert!(
        shown.contains("month = '2026-10'\nwho = 'it''s me'\n"),
        "{shown}"
    );

    terminal.answer("select 41 as n, null as who, 'x' as letter \\gset a_");
    let shown = terminal.answer("select :a_n + 1 as sum, :'a_letter' as letter;");
    assert!(shown.contains(" 42 | x\n"), "{shown}");
    let shown = terminal.answer("select * from (values (1), (2)) as x (n) \\gset");
    assert!(
        shown.contains("takes one row, and there is 2 rows"),
        "{shown}"
    );

    terminal.answer("\\unset month");
    assert!(!terminal.answer("\\set").contains("month"));
    assert!(terminal.answer("\\echo :who").contains("it's me"));
}

#[test]
fn results_go_to_files_whole() {
    let project = Project::new();
    let mut terminal = Terminal::open(&project);
    terminal.answer("\\o all.csv");
    assert!(!terminal.answer("select 1 as x;").contains("(1 row"));
    terminal.answer("select 2 as y;");
    assert!(!project.files().contains(&"all.csv".to_owned()));
    assert!(terminal.answer("\\queries").contains("allocation"));
    terminal.answer("\\o");
    assert_eq!(project.read("all.csv"), "x\n1\ny\n2\n");
    terminal.answer("select 3 as z \\g one.json");
    assert_eq!(project.read("one.json"), "[\n{\"z\":3}\n]\n");
    assert!(terminal.answer("select 4 as z;").contains("(1 row"));
    project.write("some.sql", "select :n as a;\nselect nowhere;\n");
    terminal.answer("\\set n 5");
    let shown = terminal.answer("\\i some.sql");
    assert!(
        shown.contains(" 5\n") && shown.contains("  in: some.sql:2\n"),
        "{shown}"
    );
}

#[test]
fn a_statement_is_watched_until_it_is_enough() {
    let project = Project::new();
    let mut terminal = Terminal::open(&project);
    terminal.type_in("select 'again' as x \\watch 0.1\r");
    terminal.shows("\u{1b}[?2004l");
    for _ in 0..3 {
        terminal.shows(" again");
    }
    terminal.type_in("\u{3}");
    terminal.shows("interrupted");
    terminal.shows(PROMPT);
    assert!(
        terminal
            .answer("\\watch soon")
            .contains("takes seconds, not `soon`")
    );
}

#[test]
fn the_last_statement_is_edited_with_the_users_editor() {
    let project = Project::new();
    project.write("editor.sh", "sed -i s/one/two/ $1");
    let before = "export EDITOR='sh editor.sh';";
    let mut terminal = Terminal::open_with(&project, before, "");
    terminal.answer("select 'one' as x;");
    let shown = terminal.answer("\\e");
    assert!(shown.contains(" two\n"), "{shown}");
    assert!(terminal.answer("\\p").contains("select 'two' as x;"));
}

#[test]
fn long_results_are_paged_unless_the_user_wants_none() {
    let project = Project::new();
    project.write("pager.sh", "echo paged $(wc -l) lines");
    let before = "stty cols 80 rows 20; export PAGER='sh pager.sh';";
    let mut terminal = Terminal::open_with(&project, before, "");
    let shown = terminal.answer("select value from generate_series(1, 100);");
    assert!(shown.contains("paged 103 lines"), "{shown}");
    assert!(!terminal.answer("select 1 as x;").contains("paged"));
    terminal.answer("\\pset pager off");
    let shown = terminal.answer("select value from generate_series(1, 100);");
    assert!(shown.contains("(100 rows, "), "{shown}");
}

#[test]
fn colours_are_for_terminals_that_have_them_and_users_who_want_them() {
    let project = Project::new();
    let mut terminal = Terminal::open(&project);
    terminal.answer("select 'x';");
    assert!(terminal.shown.contains("\u{1b}[1;34mselect\u{1b}[0m"));
    let before = "export NO_COLOR=1;";
    let mut terminal = Terminal::open_with(&project, before, "");
    terminal.answer("select 'x';");
    assert!(terminal.shown.contains("select 'x';"));
    assert!(!terminal.shown.contains("\u{1b}[1;34m"));
    let mut terminal = Terminal::open_with(&project, "export TERM=dumb;", "");
    assert!(terminal.answer("select 'x' as y;").contains("(1 row"));
    assert!(!terminal.shown.contains('\u{1b}'), "{}", terminal.shown);
}

#[test]
fn secrets_are_not_remembered() {
    let project = Project::new();
    let mut terminal = Terminal::open(&project);
    terminal.answer("select 'kept' as x;");
    terminal.answer("\\set password hunter2");
    terminal.answer("select 'x' as aws_secret_access_key;");
    let history = project.read("state/apportion/history");
    assert!(history.contains("kept"), "{history}");
    assert!(
        !history.contains("hunter2") && !history.contains("aws"),
        "{history}"
    );
}

/// What a project sees whose calls lie in a bucket: of how many files, and how often it was asked for.
struct Watched {
    bucket: Bucket,
    project: Project,
}

impl Watched {
    fn new() -> Self {
        let bucket = Bucket::open("acme-calls");
        let project = Project::new();
        project.write(
            "apportion.toml",
            format!(
                "[stores.\"s3://acme-calls\"]\nendpoint = \"{}\"\n\
                 access_key_id = \"{KEY_ID}\"\nsecret_access_key = \"{SECRET}\"\n",
                bucket.endpoint
            ),
        );
        project.answer(&["sql", "select 1 as x", "-o", "one.parquet"]);
        let watched = Self { bucket, project };
        watched.add("a.parquet");
        watched
    }

    fn add(&self, name: &str) {
        self.bucket
            .put(&format!("calls/{name}"), &self.project.path("one.parquet"));
    }
}

#[test]
fn a_second_query_asks_for_less_and_new_files_are_seen_in_time() {
    let watched = Watched::new();
    let mut terminal = Terminal::open(&watched.project);
    terminal
        .answer("create external table calls stored as parquet location 's3://acme-calls/calls/';");
    let mut requests = watched.bucket.requests();
    let mut count = |terminal: &mut Terminal| {
        let shown = terminal.answer("select count(*) as n, sum(x) as sum from calls;");
        let asked =
            watched.bucket.requests() - std::mem::replace(&mut requests, watched.bucket.requests());
        let (counts, _) = shown.split_once("(1 row").unwrap();
        let counts = counts.lines().last().unwrap().trim();
        (counts.to_owned(), asked)
    };
    terminal.answer("\\refresh");
    let (counts, first) = count(&mut terminal);
    assert_eq!(counts, "1 |   1");
    let (_, second) = count(&mut terminal);
    assert!(second < first, "{second} after {first}");

    // For a minute the listing is as it was.
    watched.add("b.parquet");
    assert_eq!(count(&mut terminal).0, "1 |   1");
    terminal.answer("\\refresh");
    assert_eq!(count(&mut terminal).0, "2 |   2");

    terminal.answer("set datafusion.runtime.list_files_cache_ttl = '1s';");
    terminal.answer("\\refresh");
    assert_eq!(count(&mut terminal).0, "2 |   2");
    watched.add("c.parquet");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(count(&mut terminal).0, "3 |   3");
}

#[test]
fn a_terminal_that_changes_its_size_is_asked_again() {
    let project = Project::new();
    project.write("narrow.sh", "stty cols 40 < /dev/tty");
    let before = "stty cols 100 rows 50; export EDITOR='sh narrow.sh';";
    let mut terminal = Terminal::open_with(&project, before, "");
    let sql = "select 'a text of 22 characters' as first, 1 as second, 2 as third, 3 as fourth;";
    assert!(terminal.answer(sql).contains("| fourth\n"));
    assert!(terminal.answer("\\e").contains("| …\n"));
}

#[test]
fn who_comes_is_told_where_to_begin() {
    let project = Project::new();
    let terminal = Terminal::open(&project);
    assert!(
        terminal.shown.contains("`\\?` shows commands"),
        "{}",
        terminal.shown
    );
    let terminal = Terminal::open_with(&project, "", "--quiet");
    assert!(
        !terminal.shown.contains("shows commands"),
        "{}",
        terminal.shown
    );
}

/// The sessions that the README shows, each as what was typed, and what was shown below it.
fn recordings() -> Vec<Vec<(String, String)>> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```text\n$ apportion --demo\n").skip(1);
    let session = |block: &str| {
        let block = block.split("```").next().unwrap();
        let typed = block.split(PROMPT).skip(1);
        let answers = typed.map(|text| text.split_once('\n').unwrap());
        answers
            .map(|(line, shown)| (line.to_owned(), timeless(shown)))
            .collect()
    };
    blocks.map(session).collect()
}

/// A text in which every time is the same.
fn timeless(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let is_time = |word: &str| word.parse::<f64>().is_ok() && word.contains('.');
    let mut shown: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    for (at, pair) in words.windows(2).enumerate() {
        if is_time(pair[0]) && (pair[1].starts_with("s)") || pair[1].starts_with("s\n")) {
            "0.000".clone_into(&mut shown[at]);
        }
    }
    shown.join(" ")
}

#[test]
fn the_readme_shows_what_happens_at_the_prompt() {
    let recordings = recordings();
    assert!(!recordings.is_empty());
    for recording in recordings {
        let project = Project::new();
        let before = "stty cols 100 rows 50; export TERM=dumb;";
        let mut terminal = Terminal::open_with(&project, before, "--demo");
        assert!(recording.len() > 5);
        for (line, expected) in recording {
            let shown = terminal.answer(&line);
            // Such a terminal echoes what is typed.
            let (_, shown) = shown
                .strip_suffix(PROMPT)
                .unwrap()
                .split_once('\n')
                .unwrap();
            assert_eq!(timeless(shown), expected, "{line}");
        }
    }
}

/// What the README says that Apportion does has a test of the name that stands beside it.
#[test]
fn every_yes_of_the_feature_table_has_a_test() {
    let readme = include_str!("../../README.md");
    let (_, table) = readme.split_once("| datafusion-cli | Test |\n").unwrap();
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<_>> = rows
        .map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() > 20);
    let sources = [
        include_str!("prompt.rs"),
        include_str!("describe.rs"),
        include_str!("formats.rs"),
        include_str!("scripts.rs"),
        include_str!("sources.rs"),
        include_str!("whole_or_none.rs"),
        include_str!("../../src/prompt/completion.rs"),
    ];
    for row in rows {
        let [feature, says, .., test] = &row[..] else {
            panic!("{row:?}");
        };
        assert!(["yes", "no"].contains(says), "{feature}");
        if *says == "yes" {
            let test = format!("#[test]\nfn {}() {{", test.trim_matches('`'));
            let has = |source: &&str| source.replace("\n    ", "\n").contains(&test);
            assert!(sources.iter().any(has), "{feature}: {test}");
        }
    }
}

#[test]
fn the_place_of_an_error_is_marked() {
    let project = Project::new();
    let mut terminal = Terminal::open_with(&project, "", "--demo");
    for (sql, marked) in [
        (
            "select *\rfrom legder;",
            "  2 | from legder;\n    |      ^^^^^^\n",
        ),
        (
            "select modl from ledger;",
            "  1 | select modl from ledger;\n    |        ^^^^\n",
        ),
        (
            "select * form ledger;",
            "  1 | select * form ledger;\n    |          ^^^^\n",
        ),
        (
            "select * from allocation(perid => '2026-10');",
            "    |                          ^^^^^\n",
        ),
    ] {
        let shown = terminal.answer(sql);
        assert!(shown.contains(marked), "{shown}");
    }
}

#[test]
fn what_was_typed_is_found_again() {
    let project = Project::new();
    Terminal::open(&project).answer("select 40 + 2 as answer;");
    let mut terminal = Terminal::open(&project);
    terminal.answer("select 'later' as x;");
    // Two up, then a search.
    assert!(terminal.answer("\u{1b}[A\u{1b}[A").contains(" 42\n"));
    assert!(terminal.answer("\u{12}later").contains(" later\n"));
    assert!(terminal.answer("\u{12}40 + 2").contains(" 42\n"));
    // Ctrl-D leaves.
    terminal.type_in("\u{4}");
    terminal.shows("exit code: 0");
}

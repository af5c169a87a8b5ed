//! The prompt on a pseudo-terminal, which `script` makes where it is installed.

use super::Project;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_mins(1);
const PROMPT: &str = "apportion> ";

/// A program at a terminal: what it shows, and where keys are typed.
struct Terminal {
    keys: std::process::ChildStdin,
    shows: Receiver<Vec<u8>>,
    shown: String,
    seen: usize,
}

impl Terminal {
    /// Nothing without `script`. The shell says how the program ended, outlives a Ctrl-C (which the
    /// terminal sends to it as well), and stays until the keys are let go: `script` may lose what is
    /// written just before its end.
    fn open(project: &Project) -> Option<Self> {
        Self::open_with(project, "", "")
    }

    /// The same after some shell commands, with options.
    fn open_with(project: &Project, before: &str, options: &str) -> Option<Self> {
        let program = env!("CARGO_BIN_EXE_apportion");
        let mut child = Command::new("script")
            .args([
                "-qc",
                &format!(
                    "trap : INT; {before} {program} {options}; echo exit code: $?; cat > /dev/null"
                ),
                "/dev/null",
            ])
            .current_dir(project.folder.path())
            .env("XDG_STATE_HOME", project.path("state"))
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let keys = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let (reader, shows) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                let _ = reader.send(buffer[..length].to_vec());
            }
            child.wait().unwrap();
        });
        let mut terminal = Self {
            keys,
            shows,
            shown: String::new(),
            seen: 0,
        };
        terminal.shows(PROMPT);
        Some(terminal)
    }

    /// Types a line, and answers what is shown until the next prompt.
    fn answer(&mut self, line: &str) -> String {
        self.type_in(line);
        self.type_in("\r");
        // The line is edited no more.
        if !self.is_dumb() {
            self.shows("\u{1b}[?2004l");
        }
        let start = self.seen;
        self.shows(PROMPT);
        self.shown[start..self.seen].replace("\r\n", "\n")
    }

    fn is_dumb(&self) -> bool {
        !self.shown.contains('\u{1b}')
    }

    /// Waits until this is shown, after all that was waited for before.
    fn shows(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shows.recv_timeout(left) else {
                panic!("{text:?} is not in\n{}", &self.shown[self.seen..]);
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

#[test]
fn errors_and_interrupts_keep_the_prompt() {
    let project = Project::new();
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
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
    // The line is edited no more; the statement needs a moment to begin.
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
    let Some(mut terminal) = Terminal::open_with(&project, "", "--demo") else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open_with(&project, "export NO_COLOR=1;", "") else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open_with(&project, "stty cols 40 rows 50;", "") else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open_with(&project, before, "") else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open_with(&project, before, "") else {
        return;
    };
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
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
    terminal.answer("select 'x';");
    assert!(terminal.shown.contains("\u{1b}[1;34mselect\u{1b}[0m"));
    let before = "export NO_COLOR=1;";
    let Some(mut terminal) = Terminal::open_with(&project, before, "") else {
        return;
    };
    terminal.answer("select 'x';");
    assert!(terminal.shown.contains("select 'x';"));
    assert!(!terminal.shown.contains("\u{1b}[1;34m"));
    let Some(mut terminal) = Terminal::open_with(&project, "export TERM=dumb;", "") else {
        return;
    };
    assert!(terminal.answer("select 'x' as y;").contains("(1 row"));
    assert!(!terminal.shown.contains('\u{1b}'), "{}", terminal.shown);
}

#[test]
fn secrets_are_not_remembered() {
    let project = Project::new();
    let Some(mut terminal) = Terminal::open(&project) else {
        return;
    };
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

//! The suite in `tests/slt`: statements with the answers that they must have, readable by an analyst.
//!
//! ```text
//! query TD
//! select customer_id, cost from attributed_costs(period => '2026-01')
//! ----
//! a 0.333333333334
//! ```
//!
//! Every file has a session of its own and runs three times: as the engine would, two rows at a time,
//! and in small batches on several threads; with clusters once more, there, with its relations as
//! Parquet in a bucket. The answers are the same text each time.
//!
//! A column is I integer, T text, D decimal, B boolean, P date or time, R float, or ? anything else.
//! A value is printed whole: a decimal with all its digits, `NULL`, and an empty text as `(empty)`.
//! An error is its message, its place and its hint, one a line; `query error` finds its pattern in any.
//!
//! A line `# input: billing openai_costs fixtures/openai_costs.json` opens the session with that input,
//! as `apportion.toml` would; `-` stands for no source.
//!
//! `APPORTION_SLT=covers` runs the files whose path has that text in it; `APPORTION_ACCEPT=1` writes
//! the answers of the session into them, each to be read before it is committed.

use apportion::config::{Input, RelationInputs, Settings};
use apportion::error::Error;
use apportion::saved_query::Catalog;
use apportion::session::Session;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use futures::TryStreamExt;
use sqllogictest::{
    AsyncDB, ColumnType, DBOutput, Runner, default_normalizer, default_validator,
    strict_column_validator,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tokio::task::JoinSet;

/// What a column holds, as one letter of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    Integer,
    Text,
    Decimal,
    Boolean,
    Time,
    Float,
    Other,
}

const LETTERS: [(Letter, char); 7] = [
    (Letter::Integer, 'I'),
    (Letter::Text, 'T'),
    (Letter::Decimal, 'D'),
    (Letter::Boolean, 'B'),
    (Letter::Time, 'P'),
    (Letter::Float, 'R'),
    (Letter::Other, '?'),
];

impl Letter {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Boolean => Self::Boolean,
            integer if integer.is_integer() => Self::Integer,
            float if float.is_floating() => Self::Float,
            decimal if decimal.is_decimal() => Self::Decimal,
            DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_) => Self::Time,
            _ => Self::Other,
        }
    }
}

impl ColumnType for Letter {
    fn from_char(value: char) -> Option<Self> {
        LETTERS
            .iter()
            .find(|(_, letter)| *letter == value)
            .map(|(kind, _)| *kind)
    }

    fn to_char(&self) -> char {
        LETTERS
            .iter()
            .find(|(kind, _)| kind == self)
            .map_or('?', |(_, letter)| *letter)
    }
}

/// All that a session says about what is wrong.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut text = error.to_string();
        for (label, more) in [("in", error.place()), ("hint", error.advice())] {
            if let Some(more) = more {
                let _ = write!(text, "\n{label}: {more}");
            }
        }
        Self(text)
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self(error.to_string())
    }
}

struct Database {
    session: Session,
    shelved: BTreeSet<String>,
    shelf: Option<Shelf>,
}

/// A folder in a bucket, where relations go as soon as they are made.
#[derive(Clone)]
struct Shelf {
    folder: String,
    moved: Arc<AtomicUsize>,
}

impl Shelf {
    /// Puts the view that a statement has made there, if it is a relation with rows that a file can hold.
    async fn keep(&self, session: &Session, sql: &str) -> Result<Option<String>, Error> {
        let words: Vec<_> = sql.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ["create", rest @ ..] = &words[..] else {
            return Ok(None);
        };
        let rest = rest.strip_prefix(&["or", "replace"]).unwrap_or(rest);
        let ["view", name, "as", ..] = rest else {
            return Ok(None);
        };
        if apportion::relation::relation(name).is_none() {
            return Ok(None);
        }
        let number = self.moved.load(Ordering::Relaxed);
        let place = format!("{}{name}-{number}.parquet", self.folder);
        // By its own words: as a relation, its amounts would be rounded already.
        let Some((_, query)) = sql.split_once(" as") else {
            return Ok(None);
        };
        let copy = format!("COPY ({query}) TO '{place}'");
        let count = format!("SELECT count(*) FROM {name} HAVING count(*) > 0");
        let has_rows = session.collect(&count).await;
        if !has_rows.is_ok_and(|batches| batches.iter().any(|batch| batch.num_rows() > 0))
            || session.collect(&copy).await.is_err()
        {
            return Ok(None);
        }
        let again = format!(
            "DROP VIEW {name}; CREATE EXTERNAL TABLE {name} STORED AS PARQUET LOCATION '{place}'"
        );
        session.collect(&again).await?;
        self.moved.fetch_add(1, Ordering::Relaxed);
        Ok(Some((*name).to_owned()))
    }
}

#[async_trait]
impl AsyncDB for Database {
    type Error = Failure;
    type ColumnType = Letter;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<Letter>, Failure> {
        let mut output = DBOutput::StatementComplete(0);
        let dropped = sql.strip_prefix("drop view ").map(str::trim);
        let dropped = dropped.filter(|name| self.shelved.remove(*name));
        let drop = dropped.map(|name| format!("DROP TABLE {name}"));
        for statement in self.session.statements(drop.as_deref().unwrap_or(sql))? {
            let answer = self.session.execute(statement).await?;
            let types: Vec<_> = answer
                .schema
                .fields()
                .iter()
                .map(|field| Letter::of(field.data_type()))
                .collect();
            let batches: Vec<_> = answer.stream.try_collect().await.map_err(Error::from)?;
            output = if types.is_empty() {
                DBOutput::StatementComplete(0)
            } else {
                DBOutput::Rows {
                    types,
                    rows: rows(&batches)?,
                }
            };
        }
        if let Some(shelf) = &self.shelf {
            self.shelved.extend(shelf.keep(&self.session, sql).await?);
        }
        Ok(output)
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &'static str {
        "apportion"
    }
}

fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, Failure> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = vec![];
    for batch in batches {
        let columns = batch.columns().iter();
        let columns: Vec<_> = columns
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cells =
                columns
                    .iter()
                    .map(|column| match column.value(row).try_to_string()?.as_str() {
                        "" => Ok("(empty)".to_owned()),
                        text => Ok(text.replace('\n', " ")),
                    });
            rows.push(cells.collect::<Result<_, ArrowError>>()?);
        }
    }
    Ok(rows)
}

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt")
}

/// Every file of the suite that is asked for, in order of their names.
fn files() -> Vec<PathBuf> {
    fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "slt") {
                files.push(path);
            }
        }
    }
    let mut files = vec![];
    gather(&suite(), &mut files);
    let wanted = std::env::var("APPORTION_SLT").unwrap_or_default();
    files.retain(|file| file.to_string_lossy().contains(&wanted));
    assert!(!files.is_empty(), "no file has `{wanted}` in its name");
    files.sort();
    files
}

/// Reports, actions and checks are SQL over what these files are about, and their plans are long: how
/// batches are cut is tried on the functions and tables that they are made of.
fn files_below_reports() -> Vec<PathBuf> {
    let above = ["report", "action", "check"].map(|folder| suite().join(folder));
    let mut files = files();
    files.retain(|file| !above.iter().any(|folder| file.starts_with(folder)));
    files
}

fn accepting() -> bool {
    std::env::var("APPORTION_ACCEPT").is_ok_and(|value| value == "1")
}

/// The inputs that a file names.
fn inputs(file: &Path) -> Vec<RelationInputs> {
    let text = std::fs::read_to_string(file).unwrap();
    let folder = file.parent().unwrap();
    let mut relations: Vec<RelationInputs> = vec![];
    for line in text
        .lines()
        .filter_map(|line| line.strip_prefix("# input: "))
    {
        let [relation, source, location] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{}: `{line}` is not an input", file.display());
        };
        let input = Input {
            columns: BTreeMap::new(),
            location: folder.join(location).display().to_string(),
            source: (source != "-").then(|| source.to_owned()),
        };
        match relations
            .iter_mut()
            .find(|known| known.relation == relation)
        {
            Some(known) => known.inputs.push(input),
            None => relations.push(RelationInputs {
                relation: relation.to_owned(),
                inputs: vec![input],
            }),
        }
    }
    relations
}

/// Runs one file, or writes its answers.
async fn run(file: &Path, mut settings: Settings, shelf: Option<Shelf>) -> Result<(), String> {
    settings.inputs = inputs(file);
    let mut runner = Runner::new(|| async {
        let session = Session::open(&settings).await?;
        let shelf = shelf.clone();
        let shelved = BTreeSet::new();
        Ok(Database {
            session,
            shelved,
            shelf,
        })
    });
    runner.with_column_validator(strict_column_validator);
    let outcome = if accepting() {
        let written = runner.update_test_file(
            file,
            " ",
            default_validator,
            default_normalizer,
            strict_column_validator,
        );
        written.await.map_err(|error| error.to_string())
    } else {
        runner
            .run_file_async(file)
            .await
            .map_err(|error| error.to_string())
    };
    runner.shutdown_async().await;
    outcome
}

/// The file's path within the suite, as one name.
fn name_of(file: &Path) -> String {
    let within = file.strip_prefix(suite()).unwrap().with_extension("");
    within.display().to_string().replace('/', "-")
}

/// Runs the files and tells of all that fail.
async fn run_all(files: Vec<PathBuf>, settings: Settings, shelf: Option<Shelf>) {
    let parallel = thread::available_parallelism().map_or(1, usize::from);
    let mut waiting = files.into_iter();
    let mut running = JoinSet::new();
    let mut failures = vec![];
    loop {
        while running.len() < parallel
            && let Some(file) = waiting.next()
        {
            let settings = settings.clone();
            let shelf = shelf.clone().map(|shelf| Shelf {
                folder: format!("{}{}/", shelf.folder, name_of(&file)),
                ..shelf
            });
            running.spawn(async move { (run(&file, settings, shelf).await, file) });
        }
        match running.join_next().await {
            None => break,
            Some(Ok((Ok(()), _))) => {}
            Some(Ok((Err(failure), file))) => {
                failures.push(format!("{}\n{failure}", file.display()));
            }
            Some(Err(panic)) => failures.push(panic.to_string()),
        }
    }
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} files fail\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_have_their_answers() {
    run_all(files(), Settings::default(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_are_the_same_two_rows_at_a_time() {
    if !accepting() {
        let settings = Settings {
            threads: Some(1),
            batch_size: Some(2),
            ..Settings::default()
        };
        run_all(files_below_reports(), settings, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_are_the_same_on_several_threads() {
    if !accepting() {
        let settings = Settings {
            threads: Some(3),
            batch_size: Some(7),
            ..Settings::default()
        };
        run_all(files_below_reports(), settings, None).await;
    }
}

#[cfg(feature = "cluster")]
#[test]
fn the_answers_are_the_same_on_a_cluster() {
    use crate::support::bucket::Bucket;
    use crate::support::cluster::Cluster;

    if accepting() {
        return;
    }
    let bucket = Bucket::open("relations");
    let cluster = Cluster::start(2, Some(&bucket));
    let settings = Settings {
        stores: BTreeMap::from([(format!("s3://{}", bucket.name), bucket.store())]),
        cluster: Some(cluster.url()),
        ..Settings::default()
    };
    let shelf = Shelf {
        folder: format!("s3://{}/", bucket.name),
        moved: Arc::default(),
    };
    let moved = Arc::clone(&shelf.moved);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut jobs = BTreeSet::new();
    thread::scope(|scope| {
        let answers = scope.spawn(|| runtime.block_on(run_all(files(), settings, Some(shelf))));
        // The scheduler forgets jobs that ended minutes ago.
        while !answers.is_finished() {
            jobs.extend(cluster.jobs());
            thread::sleep(std::time::Duration::from_secs(5));
        }
        answers.join().unwrap();
    });
    let (moved, jobs) = (moved.load(Ordering::Relaxed), jobs.len());
    if std::env::var_os("APPORTION_SLT").is_none() {
        assert!(moved > 200 && jobs > 500, "{moved} relations, {jobs} jobs");
    }
}

/// The names of a folder's files.
fn stems(folder: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.map(|file| stem(file.unwrap().path())).collect()
}

fn without_a_file<'a>(names: impl Iterator<Item = &'a str>, folder: &str) -> Vec<String> {
    let files = stems(folder);
    names
        .filter(|name| !files.contains(*name))
        .map(|name| format!("{folder}/{name}.slt"))
        .collect()
}

#[test]
fn every_function_and_every_query_that_answers_has_a_file() {
    let functions = apportion_udfs::functions();
    let mut missing = vec![];
    for (queries, files) in [
        ("queries/core", "tests/slt/table"),
        ("queries/reports", "tests/slt/report"),
        ("queries/actions", "tests/slt/action"),
    ] {
        let queries = stems(queries);
        missing.extend(without_a_file(queries.iter().map(String::as_str), files));
    }
    let names = functions.iter().map(|function| function.name);
    missing.extend(without_a_file(names, "tests/slt/function"));
    assert!(missing.is_empty(), "there is no {}", missing.join(", no "));
}

#[test]
fn every_source_has_a_file_that_reads_it() {
    let read: BTreeSet<_> = files()
        .iter()
        .flat_map(|file| inputs(file))
        .flat_map(|relation| relation.inputs)
        .filter_map(|input| input.source)
        .collect();
    let catalog = Catalog::built_in();
    let sources = catalog.sources();
    let unread: Vec<_> = sources
        .filter(|source| !read.contains(&source.name))
        .map(|source| &source.name)
        .collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}");
}

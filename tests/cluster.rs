//! The same queries on more than one machine: on a scheduler and executors that are processes of their
//! own, over a bucket. The answers are those of one process, to the last digit; see `sqllogictest` too.

use crate::support::bucket::{Bucket, KEY_ID, SECRET};
use crate::support::certificates::Authority;
use crate::support::cluster::{Cluster, free_port, until};
use apportion::config::{self, Settings};
use apportion::saved_query::SavedQuery;
use apportion::session::Session;
use arrow::util::pretty::pretty_format_batches;
use futures::{StreamExt, TryStreamExt, future, stream};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const RELATIONS: [&str; 6] = [
    "billing",
    "customers",
    "prices",
    "aliases",
    "fx_rates",
    "plans",
];

/// A project whose files are in a bucket, its ledger in several.
struct Project {
    folder: TempDir,
    bucket: Bucket,
}

impl Project {
    /// The demo's data.
    fn demo() -> Self {
        let project = Self {
            folder: TempDir::new().unwrap(),
            bucket: Bucket::open("acme-llm"),
        };
        let data = project.folder.path().join("data");
        let made = project.run(&["demo", data.to_str().unwrap()]);
        assert!(made.status.success(), "{made:?}");
        for relation in RELATIONS {
            let file = format!("{relation}.parquet");
            project.bucket.put(&file, &data.join(&file));
        }
        for piece in 0..8 {
            let file = project.folder.path().join(format!("{piece}.parquet"));
            let copy = format!(
                "COPY (SELECT * FROM ledger WHERE ascii(reverse(request_id)) % 8 = {piece}) TO '{}'",
                file.display()
            );
            let copied = project.run(&["--demo", "sql", &copy]);
            assert!(copied.status.success(), "{copied:?}");
            project.bucket.put(&format!("calls/{piece}.parquet"), &file);
        }
        let bucket = format!("s3://{}", project.bucket.name);
        let mut toml = format!("[ledger]\ninputs = [{{ location = \"{bucket}/calls/\" }}]\n");
        for relation in RELATIONS {
            let location = format!("{bucket}/{relation}.parquet");
            let _ = writeln!(
                toml,
                "[{relation}]\ninputs = [{{ location = \"{location}\" }}]"
            );
        }
        std::fs::write(project.folder.path().join("apportion.toml"), toml).unwrap();
        project
    }

    /// With the bucket's keys.
    fn settings(&self) -> Settings {
        let mut settings = config::load(&self.folder.path().join("apportion.toml")).unwrap();
        let url = format!("s3://{}", self.bucket.name);
        settings.stores.insert(url, self.bucket.store());
        settings
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
        command
            .current_dir(self.folder.path())
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_ENDPOINT_URL", &self.bucket.endpoint)
            .env("AWS_REGION", "us-east-1")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// What a command wrote that went well.
fn answer(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr.clone()).unwrap()
}

const ALLOCATION: [&str; 5] = ["run", "allocation", "--period", "2026-10", "--format=csv"];
/// More groups than fit anywhere: each call is one.
const BY_CALL: &str = "SELECT count(*), sum(n) FROM (SELECT request_id, sum(input_tokens) AS n FROM ledger GROUP BY request_id)";

fn on<'a>(url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--cluster", url], arguments].concat()
}

#[test]
fn executors_share_the_work_and_hand_on_sums() {
    let project = Project::demo();
    let mut cluster = Cluster::start(2, Some(&project.bucket));
    let url = cluster.url();
    // Of eight tasks each executor finds some left.
    let question = [&on(&url, &ALLOCATION)[..], &["--threads", "8"]].concat();
    let here = answer(&project.run(&ALLOCATION));
    assert_eq!(here.lines().count(), 102);
    assert_eq!(answer(&project.run(&question)), here);

    // What scans the ledger runs on both executors, and hands on groups.
    let first = cluster.jobs();
    let mut scans = 0;
    let mut tasks = [0, 0];
    for job in &first {
        for stage in stages(&cluster, job) {
            let plan = stage["stage_plan"].as_str().unwrap();
            if !plan.contains("calls/0.parquet") {
                continue;
            }
            scans += 1;
            let id = stage["stage_id"].as_str().unwrap();
            let task = format!("TID {job}/{id}.0/");
            for (at, tasks) in (1..).zip(&mut tasks) {
                *tasks += cluster
                    .log(&format!("executor-{at}"))
                    .matches(&task)
                    .count();
            }
            let rows = ["input_rows", "output_rows"].map(|rows| stage[rows].as_u64().unwrap());
            assert!(
                rows[1] * 3 < rows[0],
                "{rows:?} rows are read and handed on:\n{plan}"
            );
        }
    }
    assert!(scans > 0, "no job has read the ledger");
    assert!(tasks.iter().all(|tasks| *tasks > 0), "{tasks:?} tasks");

    // Three times the calls are far from three times the bytes on the network: each task meets more of
    // the same groups, and hands on each once.
    for piece in 0..8 {
        let file = project.folder.path().join(format!("{piece}.parquet"));
        project
            .bucket
            .put(&format!("calls/again-{piece}.parquet"), &file);
        project
            .bucket
            .put(&format!("calls/once-more-{piece}.parquet"), &file);
    }
    let here = answer(&project.run(&ALLOCATION));
    assert_eq!(answer(&project.run(&question)), here);
    let mut later = cluster.jobs();
    later.retain(|job| !first.contains(job));
    let [few, many] = [&first, &later].map(|jobs| {
        let stages = jobs.iter().flat_map(|job| stages(&cluster, job));
        let bytes =
            stages.map(|stage| counted(stage["stage_plan"].as_str().unwrap(), "decoded_bytes="));
        bytes.sum::<u64>()
    });
    assert!(0 < few && many < few * 2, "{few} bytes became {many}");

    // Nobody's keys are in what the scheduler tells, or in what anybody writes.
    let jobs = cluster.jobs();
    let told = jobs.iter().flat_map(|job| {
        ["", "/stages", "/config"]
            .map(|about| cluster.text(&format!("/api/job/{job}{about}")).unwrap())
    });
    for text in told.chain([cluster.logs()]) {
        assert!(!text.is_empty() && !text.contains(SECRET) && !text.contains(KEY_ID));
    }

    // What has been fetched is not kept, and nothing is when executors have ended.
    let work = cluster.work();
    until("work folders are empty", || bytes_below(&work) == 0);
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 2);
    cluster.end_executors();
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0);
}

fn stages(cluster: &Cluster, job: &str) -> Vec<Value> {
    let stages = cluster.get(&format!("/api/job/{job}/stages?plan_format=metrics"));
    stages.unwrap()["stages"].as_array().unwrap().clone()
}

/// The sum of a metric over a plan.
fn counted(plan: &str, metric: &str) -> u64 {
    let values = plan.split(metric).skip(1);
    let digits = values.map(|rest| rest.split([',', ']']).next().unwrap().trim());
    digits.map(bytes).sum()
}

/// `1.5 K` is shown for 1536; near enough for a bound.
fn bytes(text: &str) -> u64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let whole: u64 = number.split('.').next().unwrap().parse().unwrap();
    let unit = match unit.chars().next() {
        Some('K') => 1 << 10,
        Some('M') => 1 << 20,
        Some('G') => 1 << 30,
        _ => 1,
    };
    (whole + u64::from(number.contains('.'))) * unit
}

fn bytes_below(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let about = entry.metadata().ok()?;
        Some(if about.is_dir() {
            bytes_below(&entry.path())
        } else {
            about.len()
        })
    });
    sizes.sum()
}

#[test]
fn every_saved_query_has_the_same_answer() {
    let project = Project::demo();
    let cluster = Cluster::start(2, Some(&project.bucket));
    let here = project.settings();
    let there = Settings {
        cluster: Some(cluster.url()),
        ..here.clone()
    };
    let compared = Runtime::new().unwrap().block_on(async {
        let here = Session::open(&here).await.unwrap();
        let there = Session::open(&there).await.unwrap();
        let queries = here.queries().iter();
        let queries = queries.filter(|query| query.folder != "sources");
        // A cluster waits more than it works where there is little to do.
        let compared = stream::iter(queries)
            .map(|query| compare(query, &here, &there))
            .buffer_unordered(4);
        let answers = compared.filter(|is_answer| future::ready(*is_answer));
        answers.count().await
    });
    assert!(compared > 30, "{compared}");
    assert!(!cluster.jobs().is_empty());
}

/// Whether a saved query has an answer, which must be the same.
async fn compare(query: &SavedQuery, here: &Session, there: &Session) -> bool {
    let mut arguments = vec![];
    for parameter in &query.header.parameters {
        if parameter.name == "period" {
            arguments.push(("period".to_owned(), "2026-10".to_owned()));
        }
    }
    let (one, other) = tokio::join!(
        all(here, &query.name, &arguments),
        all(there, &query.name, &arguments)
    );
    assert!(one == other, "`{}` has another answer", query.name);
    one.is_ok()
}

/// A saved query's rows, in any order, or what is wrong.
async fn all(
    session: &Session,
    name: &str,
    arguments: &[(String, String)],
) -> Result<Vec<String>, String> {
    let answer = session
        .run(name, arguments)
        .await
        .map_err(|error| error.to_string())?;
    let batches: Vec<_> = answer
        .stream
        .try_collect()
        .await
        .map_err(|error| error.to_string())?;
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let mut lines: Vec<_> = table.lines().map(str::to_owned).collect();
    lines.sort();
    Ok(lines)
}

/// The cluster and a question to it whose scan takes a while.
fn asked(cluster: &Cluster, project: &Project) -> (String, Child) {
    let here = answer(&project.run(&ALLOCATION));
    let question = project.start(&on(&cluster.url(), &ALLOCATION));
    until("both work", || {
        (1..=2).all(|at| {
            cluster
                .log(&format!("executor-{at}"))
                .contains("Received task")
        })
    });
    (here, question)
}

#[test]
fn an_executor_is_killed() {
    let project = Project::demo();
    let mut cluster = Cluster::start(2, Some(&project.bucket));
    let (here, question) = asked(&cluster, &project);
    cluster.kill_executor(0);
    let since = Instant::now();
    assert_eq!(answer(&question.wait_with_output().unwrap()), here);
    assert!(since.elapsed() < Duration::from_secs(90));
    cluster.wait_for(1);
    assert_eq!(answer(&project.run(&on(&cluster.url(), &ALLOCATION))), here);
}

#[test]
fn the_scheduler_is_killed_and_started_again() {
    let project = Project::demo();
    let mut cluster = Cluster::start(2, Some(&project.bucket));
    let (here, question) = asked(&cluster, &project);
    cluster.kill_scheduler();
    cluster.start_scheduler();
    let since = Instant::now();
    assert_eq!(answer(&question.wait_with_output().unwrap()), here);
    assert!(since.elapsed() < Duration::from_secs(90));
    assert_eq!(answer(&project.run(&on(&cluster.url(), &ALLOCATION))), here);
}

#[test]
fn all_executors_are_killed() {
    let project = Project::demo();
    let mut cluster = Cluster::start(2, Some(&project.bucket));
    let (here, question) = asked(&cluster, &project);
    cluster.kill_executor(0);
    cluster.kill_executor(1);
    let since = Instant::now();
    let said = refusal(&question.wait_with_output().unwrap());
    assert!(since.elapsed() < Duration::from_secs(90));
    assert!(said.starts_with("error: all executors were lost"), "{said}");
    cluster.add_executor(&[]);
    cluster.wait_for(1);
    assert_eq!(answer(&project.run(&on(&cluster.url(), &ALLOCATION))), here);
}

#[test]
fn the_scheduler_is_killed() {
    let project = Project::demo();
    let mut cluster = Cluster::start(2, Some(&project.bucket));
    let (here, question) = asked(&cluster, &project);
    cluster.kill_scheduler();
    let since = Instant::now();
    let said = refusal(&question.wait_with_output().unwrap());
    assert!(since.elapsed() < Duration::from_secs(90));
    let url = cluster.url();
    let silent = format!("error: the cluster {url} has not answered for 30 s");
    assert!(said.starts_with(&silent), "{said}");
    assert!(
        said.contains("hint: is its scheduler still running?"),
        "{said}"
    );
    cluster.start_scheduler();
    assert_eq!(answer(&project.run(&on(&url, &ALLOCATION))), here);
}

#[test]
fn the_bucket_is_cut_off() {
    let project = Project::demo();
    let cluster = Cluster::start(2, Some(&project.bucket));
    let (here, question) = asked(&cluster, &project);
    project.bucket.cut_off(true);
    thread::sleep(Duration::from_secs(10));
    project.bucket.cut_off(false);
    let since = Instant::now();
    let output = question.wait_with_output().unwrap();
    assert!(since.elapsed() < Duration::from_secs(90));
    if output.status.success() {
        assert_eq!(answer(&output), here);
    } else {
        let said = refusal(&output);
        assert!(said.contains("acme-llm"), "{said}");
    }
    assert_eq!(answer(&project.run(&on(&cluster.url(), &ALLOCATION))), here);
}

#[test]
fn a_work_folder_is_full() {
    let project = Project::demo();
    let mut cluster = Cluster::start(0, Some(&project.bucket));
    for _ in 0..2 {
        cluster.add_executor(&["--work-limit", "256KiB"]);
    }
    cluster.wait_for(2);
    let url = cluster.url();
    let said = refusal(&project.run(&on(&url, &["sql", BY_CALL])));
    assert!(
        said.starts_with("error: an executor's work folder is full: its limit is 262144 bytes"),
        "{said}"
    );
    assert_eq!(
        said.lines()
            .filter(|line| line.starts_with("error"))
            .count(),
        1
    );
    let small = [
        "sql",
        "SELECT provider, count(*) FROM ledger GROUP BY provider ORDER BY 1",
    ];
    assert_eq!(
        answer(&project.run(&on(&url, &small))),
        answer(&project.run(&small))
    );
}

#[test]
fn what_is_wrong_is_said_as_it_is_here() {
    let project = Project::demo();
    let cluster = Cluster::start(1, Some(&project.bucket));
    for wrong in [
        "sum(input_tokens / (input_tokens - input_tokens))",
        // The same text in every row: which row is met first is chance.
        "sum(CAST(left(model, 0) AS int))",
        "sum(9223372036854775807)",
        "sum(length(regexp_replace(model, '(', 'x')))",
    ] {
        let statement = format!("SELECT provider, {wrong} FROM ledger GROUP BY provider");
        let question = ["sql", &statement];
        let here = refusal(&project.run(&question));
        assert_eq!(refusal(&project.run(&on(&cluster.url(), &question))), here);
    }
}

#[test]
fn what_does_not_fit_is_spilled() {
    let project = Project::demo();
    let mut cluster = Cluster::start(0, Some(&project.bucket));
    for _ in 0..2 {
        cluster.add_executor(&["--memory-limit", "512KiB"]);
    }
    cluster.wait_for(2);
    let question = ["sql", BY_CALL];
    let here = answer(&project.run(&question));
    assert_eq!(answer(&project.run(&on(&cluster.url(), &question))), here);
    let stages = stages(&cluster, &cluster.jobs()[0]);
    let plans = stages
        .iter()
        .map(|stage| stage["stage_plan"].as_str().unwrap());
    let spilling = plans.filter(|plan| counted(plan, "spill_count=") > 0);
    // The tasks that hand on what they have read, and those that add it up.
    assert_eq!(spilling.count(), 2);
    let work = cluster.work();
    until("work folders are empty", || bytes_below(&work) == 0);
}

#[test]
fn what_fits_nowhere_is_refused() {
    let project = Project::demo();
    let mut cluster = Cluster::start(0, Some(&project.bucket));
    cluster.add_executor(&["--memory-limit", "64KiB"]);
    cluster.wait_for(1);
    let said = refusal(&project.run(&on(&cluster.url(), &["sql", BY_CALL])));
    assert!(said.starts_with("error: failed to allocate"), "{said}");
    assert!(said.contains("hint: give executors more"), "{said}");
}

#[test]
fn ctrl_c_ends_the_job() {
    let project = Project::demo();
    let cluster = Cluster::start(1, Some(&project.bucket));
    let question = project.start(&on(&cluster.url(), &["sql", BY_CALL]));
    until("it works", || {
        cluster.log("executor-1").contains("Received task")
    });
    // It would be done before anybody can press a key.
    project.bucket.cut_off(true);
    thread::sleep(Duration::from_secs(1));
    let interrupted = Command::new("kill")
        .args(["-INT", &question.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    let ended = question.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    until("the job has ended", || {
        let jobs = cluster.get("/api/jobs").unwrap();
        let mut jobs = jobs.as_array().unwrap().iter();
        jobs.all(|job| !["Queued", "Running"].contains(&job["status"].as_str().unwrap()))
    });
    let text = cluster.text("/api/jobs").unwrap();
    assert!(text.contains("ancelled"), "{text}");
    until("its task has ended", || {
        cluster.log("executor-1").contains("Finished task")
    });
    project.bucket.cut_off(false);
    let small = ["sql", "SELECT count(*) FROM ledger"];
    assert_eq!(
        answer(&project.run(&on(&cluster.url(), &small))),
        answer(&project.run(&small))
    );
}

#[test]
fn who_is_not_there_is_named() {
    let project = Project::demo();
    let nobody = format!("df://127.0.0.1:{}", free_port());
    let said = refusal(&project.run(&on(&nobody, &ALLOCATION)));
    assert!(
        said.starts_with(&format!(
            "error: the cluster {nobody} cannot be reached: connection refused"
        )),
        "{said}"
    );
    let said = refusal(&project.run(&on("http://127.0.0.1:1", &ALLOCATION)));
    assert!(said.contains("is not the address of a cluster"), "{said}");

    let cluster = Cluster::start(0, None);
    let said = refusal(&project.run(&on(&cluster.url(), &ALLOCATION)));
    assert!(said.contains("has no executors"), "{said}");
}

#[test]
fn who_shows_no_certificate_is_not_heard() {
    let project = Project::demo();
    let here = answer(&project.run(&ALLOCATION));
    let ours = Authority::new("ours");
    let cluster = Cluster::certified(&project.bucket, &ours);
    let url = cluster.url();
    let question = on(&url, &ALLOCATION);
    let said = refusal(&project.run(&question));
    assert!(
        said.starts_with(&format!("error: the cluster {url} cannot be reached")),
        "{said}"
    );
    assert!(said.contains("[cluster]"), "{said}");

    let file = project.folder.path().join("apportion.toml");
    let plain = std::fs::read_to_string(&file).unwrap();
    let certified = Authority::new("theirs").certify(project.folder.path());
    std::fs::write(&file, plain + certified).unwrap();
    let said = refusal(&project.run(&question));
    assert!(said.contains("certificate"), "{said}");

    ours.certify(project.folder.path());
    assert_eq!(answer(&project.run(&question)), here);
    for at in 1..=2 {
        let log = cluster.log(&format!("executor-{at}"));
        assert!(log.contains("Received task"), "{log}");
    }
    assert_eq!(cluster.speak_in_the_clear(), [false, false, false]);
    assert_eq!(Cluster::start(1, None).speak_in_the_clear(), [true, true]);
}

/// Answers as the scheduler of another build does.
#[test]
fn another_build_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("df://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = r#"{"scheduler_id": "apportion-0.0.9-00ff00ff00ff00ff-7e57"}"#;
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    let project = Project::demo();
    let said = refusal(&project.run(&on(&url, &ALLOCATION)));
    assert!(
        said.starts_with(&format!(
            "error: the scheduler of {url} is 0.0.9 (00ff00ff00ff00ff), this apportion is"
        )),
        "{said}"
    );
    let executor = refusal(&project.run(&on(&url, &["cluster", "executor"])));
    assert!(executor.contains("of one build"), "{executor}");
}

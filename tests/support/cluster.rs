//! A cluster on this machine: a scheduler and executors of one core, each a process of its own.

use crate::support::bucket::{Bucket, KEY_ID, SECRET};
use crate::support::certificates::Authority;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Runs for as long as it lives.
pub(crate) struct Cluster {
    folder: TempDir,
    port: u16,
    environment: Vec<(&'static str, String)>,
    scheduler: Child,
    executors: Vec<Child>,
}

impl Cluster {
    /// With a scheduler and executors that know the bucket, and nobody else's keys.
    pub(crate) fn start(executors: usize, bucket: Option<&Bucket>) -> Self {
        let mut cluster = Self::scheduled(TempDir::new().unwrap(), bucket);
        for _ in 0..executors {
            cluster.add_executor(&[]);
        }
        cluster.wait_for(executors);
        cluster
    }

    /// With two executors, whose parts speak to nobody without a certificate.
    pub(crate) fn certified(bucket: &Bucket, authority: &Authority) -> Self {
        let folder = TempDir::new().unwrap();
        let toml = authority.certify(folder.path());
        std::fs::write(folder.path().join("apportion.toml"), toml).unwrap();
        let mut cluster = Self::scheduled(folder, Some(bucket));
        cluster.add_executor(&[]);
        cluster.add_executor(&[]);
        cluster
    }

    fn scheduled(folder: TempDir, bucket: Option<&Bucket>) -> Self {
        let mut environment = vec![];
        if let Some(bucket) = bucket {
            environment = vec![
                ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
                ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
                ("AWS_ENDPOINT_URL", bucket.endpoint.clone()),
                ("AWS_REGION", "us-east-1".to_owned()),
            ];
        }
        let port = free_port();
        Self {
            scheduler: scheduler(folder.path(), port),
            folder,
            port,
            environment,
            executors: vec![],
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("df://127.0.0.1:{}", self.port)
    }

    pub(crate) fn add_executor(&mut self, options: &[&str]) {
        let name = format!("executor-{}", self.executors.len() + 1);
        let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
        command
            .args([
                "cluster",
                "executor",
                "--threads",
                "1",
                "--cluster",
                &self.url(),
            ])
            .args(["--listen", &format!("127.0.0.1:{}", free_port())])
            .arg("--work-folder")
            .arg(self.work())
            .args(options)
            .envs(self.environment.clone());
        self.executors
            .push(spawn(command, self.folder.path(), &name));
    }

    /// Waits until the scheduler knows so many executors.
    pub(crate) fn wait_for(&self, executors: usize) {
        until("executors have come", || {
            let known = self.get("/api/executors");
            known.is_some_and(|known| known.as_array().is_some_and(|all| all.len() == executors))
        });
    }

    pub(crate) fn kill_executor(&mut self, at: usize) {
        self.executors[at].kill().unwrap();
        self.executors[at].wait().unwrap();
    }

    /// Tells all executors to end, and waits until they have.
    pub(crate) fn end_executors(&mut self) {
        for executor in &mut self.executors {
            let id = executor.id().to_string();
            let told = Command::new("kill").args(["-INT", &id]).status();
            assert!(told.unwrap().success());
            executor.wait().unwrap();
        }
    }

    pub(crate) fn kill_scheduler(&mut self) {
        self.scheduler.kill().unwrap();
        self.scheduler.wait().unwrap();
    }

    /// At the address of the one that was killed.
    pub(crate) fn start_scheduler(&mut self) {
        self.scheduler = scheduler(self.folder.path(), self.port);
    }

    /// Where executors work.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// All that the parts have written about themselves.
    pub(crate) fn logs(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let logs = paths.filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|log| std::fs::read_to_string(log).unwrap())
            .collect()
    }

    /// What one part has written.
    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap()
    }

    /// What the scheduler says at a path; nothing where it does not answer.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&self.text(path)?).ok()
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some(body.to_owned())
    }

    /// Whether the scheduler and each executor speak to whoever shows nothing.
    pub(crate) fn speak_in_the_clear(&self) -> Vec<bool> {
        let executors = (1..=self.executors.len()).map(|at| {
            let log = self.log(&format!("executor-{at}"));
            let (_, port) = log.split_once("data at 127.0.0.1:").unwrap();
            port.lines().next().unwrap().parse().unwrap()
        });
        let ports = [self.port].into_iter().chain(executors);
        ports.map(speaks_in_the_clear).collect()
    }

    /// The numbers of all jobs so far.
    pub(crate) fn jobs(&self) -> Vec<String> {
        let jobs = self.get("/api/jobs").unwrap();
        let jobs = jobs.as_array().unwrap().iter();
        jobs.map(|job| job["job_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.executors.iter_mut().chain([&mut self.scheduler]) {
            let _ = process.kill();
            let _ = process.wait();
        }
        if thread::panicking() {
            let _ = std::io::stderr().write_all(self.logs().as_bytes());
        }
    }
}

fn scheduler(folder: &Path, port: u16) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.args([
        "cluster",
        "scheduler",
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);
    spawn(command, folder, "scheduler")
}

/// Starts a process, and comes back when it has said that it is there.
fn spawn(mut command: Command, folder: &Path, name: &str) -> Child {
    let log = folder.join(format!("{name}.log"));
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&log)
        .unwrap();
    let mut child = command
        .current_dir(folder)
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut file = file;
    let mut said = String::new();
    while !said.contains("listens at") && !said.contains("works for") {
        let mut line = String::new();
        assert!(
            lines.read_line(&mut line).unwrap() > 0,
            "{name} ended: {said}"
        );
        file.write_all(line.as_bytes()).unwrap();
        said += &line;
    }
    thread::spawn(move || std::io::copy(&mut lines, &mut file));
    child
}

/// Whether HTTP/2 settings are answered by settings.
fn speaks_in_the_clear(port: u16) -> bool {
    const SETTINGS: u8 = 4;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    greeting.extend([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]);
    stream.write_all(&greeting).unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).is_ok() && frame[3] == SETTINGS
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits for at most half a minute.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "waited in vain until {what}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

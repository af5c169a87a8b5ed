//! What was typed: the verbs and options of the command line. Nothing here opens or reads anything.

use crate::config::memory_size;
use crate::output::Format;
use crate::prices::Source;
use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// SQL that tells what each customer's inference really cost, to the last unit of the bill.
///
/// Without a command, a prompt opens; when standard input is not a terminal, SQL is read from it.
#[derive(Debug, Parser)]
#[command(name = "apportion", version, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 done, 1 a check found something, 2 an error.")]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that hold before and after the verb.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// Read the settings from FILE, not from the nearest apportion.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Use the built-in example data
    #[arg(long, global = true)]
    pub demo: bool,

    /// table, vertical, csv, tsv, json, ndjson, markdown, parquet or arrow [default: by the ending of -o, else table]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub format: Option<Format>,

    /// Write the results to FILE: the whole of them, or nothing
    #[arg(short, long, global = true, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Use at most this much memory, such as 8GiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = memory_size)]
    pub memory_limit: Option<usize>,

    /// Use this many threads
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// Run large parts of statements on the cluster whose scheduler is at URL, df://HOST:PORT
    #[arg(long, global = true, value_name = "URL")]
    pub cluster: Option<String>,

    /// Print no notices and no timing, only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Options {
    /// These options with those typed later laid over them.
    #[must_use]
    pub fn overlaid(self, later: Self) -> Self {
        Self {
            config: later.config.or(self.config),
            demo: later.demo || self.demo,
            format: later.format.or(self.format),
            output: later.output.or(self.output),
            memory_limit: later.memory_limit.or(self.memory_limit),
            threads: later.threads.or(self.threads),
            cluster: later.cluster.or(self.cluster),
            quiet: later.quiet || self.quiet,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run SQL statements
    Sql(SqlArgs),
    /// Run a saved query; each of its parameters is an option
    Run(RunArgs),
    /// List the saved queries, the tables and the functions
    List,
    /// Describe a saved query, a table or a function
    Describe(DescribeArgs),
    /// List the kinds of exports that can be named as `source` of an input
    Sources,
    /// Copy an export to Parquet once, by month; `-o` names the folder
    Import(ImportArgs),
    /// Build and look into the price book
    #[command(subcommand)]
    Prices(PricesCommand),
    /// Run the data checks; exit 1 if an error-level check found something
    Check(CheckArgs),
    /// Run a part of a cluster
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Write a starter project into an empty or new folder
    Init(FolderArgs),
    /// Write the demo data into a folder
    Demo(FolderArgs),
    /// Print what makes a shell complete commands and options
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("statements").args(["sql", "file"]).required(true))]
pub struct SqlArgs {
    /// The statements, separated by semicolons; they may start with a comment
    #[arg(allow_hyphen_values = true)]
    pub sql: Option<String>,

    /// Read the statements from FILE; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// What `$NAME` stands for in the statements: a number if written as one, else text
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
}

/// The options of a saved query are known only when its header has been read, so what follows the
/// name is kept as it was typed. The name is part of the same list: `run NAME --help` then asks
/// for the help of the query, not of the verb.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A saved query's name, or the path of a .sql file, then its options
    ///
    /// `apportion run NAME --help` shows the options of a query.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    #[arg(value_names = ["NAME", "OPTIONS"])]
    pub words: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// The name of a saved query, a table or a function
    pub name: String,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The export: a file, a folder, a pattern or an s3:// URL
    pub location: String,

    /// Its kind, one of `apportion sources`
    #[arg(long, value_name = "KIND")]
    pub source: String,
}

#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// Add a price list to the price book; `-o` names the book [default: prices.parquet]
    Import(PriceListArgs),
    /// Show the rows that would price calls of a model, and why
    Show(ShowArgs),
}

#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Take jobs and hand out their tasks, until Ctrl-C
    ///
    /// With certificates in the config's `[cluster]` it speaks to nobody without one.
    Scheduler(SchedulerArgs),
    /// Run tasks for the scheduler that `--cluster` names, until Ctrl-C
    ///
    /// `--threads` says how many tasks run at a time, `--memory-limit` how much memory they share. With
    /// certificates in the config's `[cluster]` it speaks to nobody without one.
    Executor(ExecutorArgs),
}

#[derive(Debug, Args)]
pub struct SchedulerArgs {
    /// Where clients and executors reach it
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50050")]
    pub listen: SocketAddr,
}

#[derive(Debug, Args)]
pub struct ExecutorArgs {
    /// Where the scheduler and other executors fetch data
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:50051")]
    pub listen: SocketAddr,

    /// The name by which others reach it [default: the address that the scheduler sees]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// Keep data that stages hand on in FOLDER [default: the system's folder for temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub work_folder: Option<PathBuf>,

    /// Keep at most this much there; a task that needs more fails
    #[arg(long, value_name = "SIZE", value_parser = memory_size, default_value = "64GiB")]
    pub work_limit: usize,
}

#[derive(Debug, Args)]
pub struct PriceListArgs {
    /// The price list
    pub file: PathBuf,

    /// Whose format it has [default: as the file looks]
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub from: Option<Source>,

    /// The day from which a changed price without a date holds, as 2026-10-01 [default: today]
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A model's name, as ledgers or bills write it
    pub model: String,

    /// Only of this provider
    #[arg(long)]
    pub provider: Option<String>,

    /// At this date, or date and time, UTC [default: now]
    #[arg(long, value_name = "DATE")]
    pub at: Option<String>,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The checks to run [default: all]
    pub names: Vec<String>,

    /// The month, or range of months, for checks that ask for one
    #[arg(long)]
    pub period: Option<String>,
}

#[derive(Debug, Args)]
pub struct FolderArgs {
    /// The folder, made where it does not exist
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(hide_possible_values = true)]
    pub shell: Shell,
}

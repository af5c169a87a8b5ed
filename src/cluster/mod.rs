//! More than one machine: large parts of a statement run on a Ballista cluster.
//!
//! ```text
//! apportion cluster scheduler                                  takes jobs and hands out their tasks
//! apportion cluster executor --cluster df://scheduler:50050    on every machine that works
//! apportion --cluster df://scheduler:50050 run allocation --period 2026-10
//! ```
//!
//! A statement is planned as ever, by the one who asks. Of its plan, `place` puts each largest part
//! that aggregates files within the executors' reach behind one `ClusterExec`, which sends the part
//! as a `job` and gives the aggregates back. Everything else stays: relations that several readers
//! share, the split of a bill, order. So both ways run the same operators over the same functions,
//! and what crosses the network is sums.
//!
//! What functions know (prices, aliases, bands) travels in the plan, by `codec`. Keys do not: an
//! executor opens a bucket as its own settings, environment or role let it.

#[cfg(feature = "cluster")]
mod address;
#[cfg(feature = "cluster")]
mod brought;
#[cfg(feature = "cluster")]
mod build;
#[cfg(feature = "cluster")]
mod client;
#[cfg(feature = "cluster")]
mod codec;
#[cfg(feature = "cluster")]
mod compact;
#[cfg(feature = "cluster")]
mod executor;
#[cfg(feature = "cluster")]
mod job;
#[cfg(feature = "cluster")]
mod open_jobs;
#[cfg(feature = "cluster")]
mod place;
#[cfg(feature = "cluster")]
mod remote;
#[cfg(feature = "cluster")]
mod rest;
#[cfg(feature = "cluster")]
mod scheduler;
#[cfg(feature = "cluster")]
mod work_folder;

#[cfg(feature = "cluster")]
pub(crate) use self::{
    client::Cluster, executor::execute, open_jobs::LastWord, remote::tasks, scheduler::schedule,
};

#[cfg(not(feature = "cluster"))]
mod absent;

#[cfg(not(feature = "cluster"))]
pub(crate) use absent::{Cluster, LastWord, execute, schedule, tasks};

/// How far the jobs of a part are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tasks {
    pub(crate) done: usize,
    pub(crate) of: usize,
}

/// Writes what Ballista says of its work to standard error, as `RUST_LOG` asks; warnings, if it does not.
#[cfg(feature = "cluster")]
fn begin_log() {
    let wanted = env_logger::Env::default().default_filter_or("warn");
    let _ = env_logger::Builder::from_env(wanted).try_init();
}

/// Why a part of a cluster cannot serve at an address.
#[cfg(feature = "cluster")]
fn unbound(address: std::net::SocketAddr, error: &std::io::Error) -> crate::error::Error {
    let reason = crate::error::reason(error);
    crate::error::Error::new(format!("cannot listen at {address}: {reason}"))
        .hint("`--listen HOST:PORT` names another address")
}

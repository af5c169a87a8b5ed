//! What knows Ballista: a client, a scheduler, an executor, and what travels between them.

mod address;
mod bounded;
mod brought;
mod build;
mod client;
mod codec;
mod compact;
mod contact;
mod cut;
mod executor;
mod gate;
mod heard;
mod job;
mod open_jobs;
mod place;
mod remote;
mod scheduler;
mod tls;
mod work_folder;

pub(crate) use client::Cluster;
pub(crate) use executor::execute;
pub(crate) use open_jobs::LastWord;
pub(crate) use remote::tasks;
pub(crate) use scheduler::schedule;

use crate::error::{Error, reason};
use std::io;
use std::net::SocketAddr;

/// Writes what Ballista says of its work to standard error, as `RUST_LOG` asks; warnings, if it does not,
/// but not that what did not fit into memory was spilled.
fn begin_log() {
    const WARNINGS: &str = "warn,ballista_core::execution_plans::sort_shuffle=error";
    let wanted = env_logger::Env::default().default_filter_or(WARNINGS);
    let _ = env_logger::Builder::from_env(wanted).try_init();
}

/// Why a part of a cluster cannot serve at an address.
fn unbound(address: SocketAddr, error: &io::Error) -> Error {
    let reason = reason(error);
    Error::new(format!("cannot listen at {address}: {reason}"))
        .hint("`--listen HOST:PORT` names another address")
}

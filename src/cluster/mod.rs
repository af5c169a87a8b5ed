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

use std::ops::AddAssign;

#[cfg(feature = "cluster")]
mod ballista;
#[cfg(feature = "cluster")]
pub(crate) use ballista::{Cluster, LastWord, execute, schedule, tasks};

#[cfg(not(feature = "cluster"))]
mod absent;
#[cfg(not(feature = "cluster"))]
pub(crate) use absent::{Cluster, LastWord, execute, schedule, tasks};

/// How far the jobs of a part are, or of several.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tasks {
    pub done: usize,
    pub running: usize,
    /// Each of tasks that exchange nothing among each other.
    pub stages: usize,
    pub of_stages: usize,
}

impl AddAssign for Tasks {
    fn add_assign(&mut self, more: Self) {
        self.done += more.done;
        self.running += more.running;
        self.stages += more.stages;
        self.of_stages += more.of_stages;
    }
}

//! [`SharedInput`]: runs once, and lets go of its batches when all who read them have them.

use super::few_buffers::compacted;
use super::held::{Buffers, Held};
use crate::task::{self, Task};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::future::FutureExt;
use futures::stream::TryStreamExt;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// All batches of an input.
type Batches = Arc<Vec<Held>>;

/// An input that several readers share.
pub(super) struct SharedInput {
    pub(super) label: String,
    /// Whether readers may come again, as a recursive query's do.
    is_kept: bool,
    /// Those of the statement.
    buffers: Arc<Buffers>,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    /// Those that do not have all of their batches yet.
    readers: usize,
}

enum Stage {
    /// Its readers are planned beside it.
    Unplanned,
    Planned(Arc<dyn ExecutionPlan>),
    /// The plan is gone when it has been run: joins keep what they built in it.
    Started(Weak<dyn ExecutionPlan>, Task<Batches>),
    Gone,
}

impl fmt::Debug for SharedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedInput")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl SharedInput {
    pub(super) fn new(label: String, is_kept: bool, buffers: Arc<Buffers>) -> Self {
        let state = State {
            stage: Stage::Unplanned,
            readers: 0,
        };
        Self {
            label,
            is_kept,
            buffers,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn give(&self, input: Arc<dyn ExecutionPlan>) {
        self.state().stage = Stage::Planned(input);
    }

    /// The plan, until it has been run.
    pub(super) fn plan(&self) -> Option<Arc<dyn ExecutionPlan>> {
        match &self.state().stage {
            Stage::Planned(plan) => Some(Arc::clone(plan)),
            Stage::Started(plan, _) => plan.upgrade(),
            Stage::Unplanned | Stage::Gone => None,
        }
    }

    pub(super) fn enter(&self) {
        self.state().readers += 1;
    }

    /// One reader has all that it will ask for.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.readers -= 1;
        let is_started = matches!(state.stage, Stage::Started(..));
        if state.readers == 0 && is_started && !self.is_kept {
            state.stage = Stage::Gone;
        }
    }

    /// The first reader starts the input; any reader that is polled drives it.
    pub(super) fn run(&self, context: &Arc<TaskContext>) -> Result<Task<Batches>> {
        let mut state = self.state();
        let plan = match &state.stage {
            Stage::Started(_, running) => return Ok(running.clone()),
            Stage::Planned(plan) => Arc::clone(plan),
            Stage::Unplanned => return internal_err!("`{}` was not planned", self.label),
            Stage::Gone => return internal_err!("`{}` was read once more", self.label),
        };
        let consumer = MemoryConsumer::new(format!("shared {}", self.label));
        let memory = Arc::new(consumer.register(context.memory_pool()));
        let started = Arc::downgrade(&plan);
        let buffers = Arc::clone(&self.buffers);
        let running = gather(plan, Arc::clone(context), buffers, memory);
        let running = running.map(|done| done.map_err(Arc::new)).boxed().shared();
        state.stage = Stage::Started(started, running.clone());
        Ok(running)
    }
}

/// All partitions at once: an exchange below may wait until each of its outputs is read.
async fn gather(
    input: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
    buffers: Arc<Buffers>,
    memory: Arc<MemoryReservation>,
) -> Result<Batches> {
    let count = input.output_partitioning().partition_count();
    let mut parts = vec![];
    for partition in 0..count {
        let mut stream = input.execute(partition, Arc::clone(&context))?;
        let (buffers, memory) = (Arc::clone(&buffers), Arc::clone(&memory));
        parts.push(SpawnedTask::spawn(async move {
            let mut batches = vec![];
            while let Some(batch) = stream.try_next().await? {
                batches.push(buffers.hold(compacted(batch)?, &memory)?);
            }
            Ok(batches)
        }));
    }
    let batches = task::all(parts).await?;
    Ok(Arc::new(batches.into_iter().flatten().collect()))
}

//! [`Left`]: what one statement leaves of a shared relation for those that come.

use super::exec::Reader;
use super::planner::Ready;
use std::sync::Arc;

/// Counts as a reader of the input for as long as somebody may come.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) ready: Arc<Ready>,
    _to_come: Reader,
}

impl Left {
    pub(super) fn new(ready: Arc<Ready>) -> Self {
        Self {
            _to_come: Reader::new(Arc::clone(&ready.input), 1),
            ready,
        }
    }
}

//! [`Held`]: a batch that is kept, and the memory that it takes.
//!
//! Relations hand on columns of one another, and an aggregate slices of one batch: each buffer counts
//! once for a statement, for as long as any batch has it.

use datafusion::arrow::array::{Array, ArrayData, RecordBatch};
use datafusion::arrow::buffer::Buffer;
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) batch: RecordBatch,
    _buffers: Vec<Arc<Counted>>,
}

/// A buffer that is kept: another one cannot stand at its address.
#[derive(Debug)]
struct Counted {
    buffer: Buffer,
    memory: Arc<MemoryReservation>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.memory.shrink(self.buffer.capacity());
    }
}

/// The buffers that a statement keeps, by where they begin.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<HashMap<usize, Weak<Counted>>>);

impl Buffers {
    /// Counts what of a batch is not kept yet.
    pub(super) fn hold(&self, batch: RecordBatch, memory: &Arc<MemoryReservation>) -> Result<Held> {
        let mut of_batch = vec![];
        for column in batch.columns() {
            buffers(&column.to_data(), &mut of_batch);
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = vec![];
        for buffer in of_batch {
            let place = buffer.data_ptr().addr().get();
            if let Some(counted) = known.get(&place).and_then(Weak::upgrade) {
                held.push(counted);
                continue;
            }
            memory.try_grow(buffer.capacity())?;
            let memory = Arc::clone(memory);
            let counted = Arc::new(Counted { buffer, memory });
            known.insert(place, Arc::downgrade(&counted));
            held.push(counted);
        }
        Ok(Held {
            batch,
            _buffers: held,
        })
    }
}

fn buffers(data: &ArrayData, found: &mut Vec<Buffer>) {
    found.extend_from_slice(data.buffers());
    found.extend(data.nulls().map(|nulls| nulls.buffer().clone()));
    for child in data.child_data() {
        buffers(child, found);
    }
}

//! [`Remembered`]: what follows from the dictionaries of a file, which hands on the same ones batch after
//! batch.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::common::Result;

/// So many are remembered, those met last: each thread reads a file of its own.
const MOST: usize = 16;

/// What was found for each key. It is no part of what it belongs to: with it and without it the
/// answers are the same.
pub(crate) struct Remembered<K, T>(Mutex<Vec<(K, T)>>);

impl<K: PartialEq, T: Clone> Remembered<K, T> {
    pub(crate) fn get_or(&self, key: K, find: impl FnOnce() -> Result<T>) -> Result<T> {
        let met = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = met()
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, found)| found.clone());
        if let Some(found) = known {
            return Ok(found);
        }
        let found = find()?;
        let mut met = met();
        if met.len() == MOST {
            met.remove(0);
        }
        met.push((key, found.clone()));
        Ok(found)
    }
}

impl<K, T> Default for Remembered<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K, T> fmt::Debug for Remembered<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}

impl<K, T> PartialEq for Remembered<K, T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<K, T> Eq for Remembered<K, T> {}

impl<K, T> Hash for Remembered<K, T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Values that are the same where they lie at the same place.
pub(crate) struct Values(pub(crate) ArrayRef);

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        are_at_one_place(&self.0, &other.0)
    }
}

/// Whether two arrays are one in memory.
pub(crate) fn are_at_one_place(a: &ArrayRef, b: &ArrayRef) -> bool {
    if Arc::ptr_eq(a, b) {
        return true;
    }
    if a.len() != b.len() || a.data_type() != b.data_type() {
        return false;
    }
    // Readers wrap the same views anew for each batch, and to take them apart costs an allocation.
    let (Some(a), Some(b)) = (a.as_string_view_opt(), b.as_string_view_opt()) else {
        return a.to_data().ptr_eq(&b.to_data());
    };
    let (of_a, of_b) = (a.data_buffers(), b.data_buffers());
    a.views().inner().ptr_eq(b.views().inner())
        && of_a.len() == of_b.len()
        && of_a.iter().zip(of_b).all(|(a, b)| a.ptr_eq(b))
        && match (a.nulls(), b.nulls()) {
            (None, None) => true,
            (Some(a), Some(b)) => a.inner().ptr_eq(b.inner()),
            _ => false,
        }
}

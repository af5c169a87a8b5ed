//! [`Word`]: an integer whose bits are divided among keys.

use std::ops::{BitAnd, BitOr, BitOrAssign, Shl, Shr};

use crate::columnar::recent;

pub(super) trait Word:
    recent::Key
    + Default
    + From<u32>
    + TryInto<u32>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitOrAssign
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// So many ones from the lowest bit on.
    fn ones(width: u32) -> Self;
}

impl Word for u64 {
    fn ones(width: u32) -> Self {
        Self::MAX.checked_shr(Self::BITS - width).unwrap_or(0)
    }
}

impl Word for u128 {
    fn ones(width: u32) -> Self {
        Self::MAX.checked_shr(Self::BITS - width).unwrap_or(0)
    }
}

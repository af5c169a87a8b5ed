//! What the tests share.

pub(crate) mod bucket;
#[cfg(feature = "cluster")]
pub(crate) mod certificates;
#[cfg(feature = "cluster")]
pub(crate) mod cluster;
pub(crate) mod random;
pub(crate) mod reference;
pub(crate) mod tables;

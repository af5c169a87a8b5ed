//! What the tests share.

pub(crate) mod bucket;
pub(crate) mod random;
pub(crate) mod reference;
pub(crate) mod tables;

//! Rules that classify customers. No Arrow.

pub mod bands;
pub mod cap;

//! Rules that classify customers, and figures drawn as text. No Arrow.

pub mod bands;
pub mod blocks;
pub mod cap;
pub mod flags;

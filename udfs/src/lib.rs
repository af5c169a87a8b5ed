//! SQL functions for Apache DataFusion that price model calls and split bills exactly.
//!
//! ```text
//! pinned · encoded · stretch     what of a file below a GROUP BY need not be read, or spelt out, and
//!        │                       by which thread the others are read
//!        │
//! tally · split                  GROUP BY over names and the split, as operators of the engine
//!        │
//! scalar · window · aggregate    one file per SQL function: manual, adapter, kernel, tests
//!        │
//! columnar                       what functions are called with; every encoding behind one view
//! reference                      prices, aliases and bands, read once from their relations
//!        │
//! pricing · pattern              price book, aliases, token counts; bands. No Arrow.
//!        │
//! money                          integers only: amounts, the one rounding, the one split. No Arrow.
//! ```
//!
//! Dependencies run downwards. The crate opens no file, reads no clock and prints nothing.
//!
//! ```
//! use datafusion::prelude::SessionContext;
//! # #[tokio::main]
//! # async fn main() -> datafusion::common::Result<()> {
//! let mut context = SessionContext::new();
//! apportion_udfs::register_all(&mut context)?;
//! let parts = "SELECT apportion(1, weight, 2) OVER (ORDER BY id) FROM (VALUES ('a', 1), ('b', 2)) t (id, weight)";
//! context.sql(parts).await?.show().await
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod encoded;
pub mod money;
pub mod once;
pub mod pattern;
pub mod pinned;
pub mod pricing;
pub mod split;
pub mod stretch;
pub mod tally;

mod aggregate;
mod columnar;
mod functions;
mod parquet_scan;
mod reference;
mod scalar;
#[cfg(test)]
mod testing;
mod window;

pub use functions::{
    FunctionDoc, FunctionKind, Parameter, functions, informed_function, reference_of, register_all,
    register_reference,
};
pub use reference::Reference;

//! Apportion: SQL that tells what each customer's inference really cost, to the last unit of the bill.
//!
//! The library behind the program, and for other entrances to the same SQL. A statement goes one
//! way: text → [`session`] → [`saved_query::expand`] (calls of saved queries become subqueries,
//! relations are [conformed](relation::conform)) → the engine's plan, in which columns say whose they
//! are (`qualified`), those of one value are gone (`constants`), conditions reach the column that they
//! are about (`twice_named`), and equal calls are planned once; `shared` runs them, and threads exchange
//! no more rows than they must (`exchange`) → batches.
//!
//! * [`cli`] what was typed; [`command`] the verbs; [`prompt`] the interactive loop
//! * [`output`] results in every format, whole or not at all
//! * [`config`] what `apportion.toml` says, typed
//! * [`session`] the only place where an engine session is built
//! * `cluster` large parts of a statement on more than one machine
//! * [`store`] a location becomes a table: Parquet, CSV or JSON, on disk or in a bucket
//! * [`relation`] the columns of ledger, billing and the others
//! * [`saved_query`] SQL files with a header, and how calls of them are expanded
//! * [`prices`] the price book: what published price lists become
//! * [`demo`] the demo data, made from a seed
//! * `task` what is worked out beside other things
//! * [`error`] errors as data; [`panic`] what broke off, for the error that it becomes
//!
//! Everything that knows about cost is in `apportion-udfs` and in `queries/`.

#![forbid(unsafe_code)]

pub mod cli;
mod cluster;
pub mod command;
pub mod config;
mod constants;
pub mod demo;
pub mod error;
mod exchange;
pub mod output;
pub mod panic;
pub mod prices;
pub mod prompt;
mod qualified;
mod read_once;
pub mod relation;
pub mod saved_query;
pub mod session;
mod shared;
mod store;
mod task;
mod twice_named;

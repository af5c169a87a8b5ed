//! Between SQL and the arithmetic: what functions are called with, and how their columns are read.
//!
//! * [`manual`]: a function's name, parameters and words; signature, coercion and documentation all
//!   follow from it.
//! * [`kind`]: which SQL types a parameter takes, and the one that it becomes.
//! * [`arguments`]: the arguments of one call, read row by row.
//! * [`text`] and [`number`]: every encoding of text and every width of number behind one view.
//! * [`codes`]: a number for each distinct value.
//! * [`keys`]: a number for each value of a column, batch after batch; [`texts`] those of texts.
//! * [`met`] and [`met_texts`]: keys, numbered as they are met; [`recent`]: the codes of those met
//!   lately.
//! * [`repeats`]: which of many texts may be equal to another.
//! * [`remembered`]: what follows from a file's dictionaries; [`places`]: where rows stand in them.

pub(crate) mod arguments;
pub(crate) mod codes;
pub(crate) mod keys;
pub(crate) mod kind;
pub(crate) mod manual;
pub(crate) mod met;
pub(crate) mod met_texts;
pub(crate) mod number;
pub(crate) mod places;
pub(crate) mod recent;
pub(crate) mod remembered;
pub(crate) mod repeats;
pub(crate) mod text;
mod texts;

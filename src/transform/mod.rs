//! Transforms: pure computations on bytes, text and values, without threads, queues or JavaScript.
//!
//! To add one, implement [`Transform`] in a file of its family and add a line to [`registry`].

mod brotli;
mod bytes;
mod chain;
mod contract;
mod crypto;
mod csv;
mod deflate;
#[cfg(feature = "fault")]
mod fault;
pub mod fields;
mod held;
mod identity;
mod json;
mod lz4;
mod memory;
mod numeric;
mod output_limit;
pub mod registry;
mod secret;
pub mod streaming;
#[cfg(all(test, not(feature = "loom")))]
mod testing;
#[cfg(all(test, not(feature = "loom")))]
mod tests;
mod text;
mod value;
mod zstd;

pub use crate::args::{Arg, Args, ArgumentError, Options};
pub use bytes::{Bytes, Lend};
pub use chain::Chain;
pub use contract::{Emit, Event, Output, STEP, StreamTransform, Transform, run_stream};
pub use held::Held;
pub use json::build_plan;
pub use json::parse::json_in_parts;
pub use value::{Document, SMALL_DOCUMENT, Value};

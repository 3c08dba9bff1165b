//! offloop keeps Node's event loop free: heavy work happens on a bounded pool of threads and comes back as a promise.
//!
//! Everything outside `node` is plain Rust and knows nothing of JavaScript.
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]
#![deny(unsafe_code)]

pub mod args;
pub mod cache;
pub mod cancel;
pub mod clock;
pub mod error;
pub mod handle_map;
pub mod metrics;
pub mod mismatch;
// Node-API exists only inside Node, so JavaScript tests this module.
#[cfg(all(feature = "node", not(feature = "loom"), not(test)))]
#[expect(unsafe_code, reason = "Node-API is a C interface")]
mod node;
pub mod pool;
pub mod snapshot;
pub mod sync;
pub mod transform;
pub mod watch;

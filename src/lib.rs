//! offloop keeps Node's event loop free: heavy work happens on a bounded pool of threads and comes back as a promise.
//!
//! Everything outside `node` is plain Rust and knows nothing of JavaScript.
#![cfg_attr(not(feature = "node"), forbid(unsafe_code))]
#![deny(unsafe_code)]

pub mod cancel;
pub mod error;
pub mod sync;
pub mod transform;

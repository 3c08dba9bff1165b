//! The border: the only code that names napi, JavaScript values or promises. It holds no algorithms.
//!
//! Each environment (the main thread, every worker thread) has an [`environment::Environment`] of its own: its
//! handles, its tasks under way, and its completion [`port`]. JavaScript names all of them by small integers, which
//! costs less per call than objects do.

mod args;
mod background_drop;
mod cache;
mod completion;
mod drain;
mod environment;
mod id;
mod napi_raw;
mod pool;
mod streaming;
mod task;
mod transform;

//! The N-API boundary: the only code that names napi, JavaScript values or promises. It holds no algorithms.
//!
//! Each environment (the main thread, every worker thread) has an [`environment::Environment`]: its handles, its tasks in
//! flight and its [`completion`] port. JavaScript names native objects by integers ([`handles`]), which cost less per call than
//! wrapped objects.

mod allocator;
mod args;
mod background_drop;
mod batch_results;
mod borrowed;
mod cache;
mod completion;
mod convert;
mod drain;
mod environment;
mod file_lock;
mod function_thread;
mod handles;
mod json_list;
mod napi_raw;
mod pool;
mod protocol;
mod snapshot;
mod streaming;
mod task;
mod transform;
mod watch;

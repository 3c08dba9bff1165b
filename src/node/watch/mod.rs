//! Watches the event loop of an environment.

pub mod active;
mod begun;
mod calls;
mod capture;
mod garbage;
mod pulse;
mod report;
mod runtime;
mod watched_loop;

//! Watches the event loop of an environment.

pub mod active;
mod calls;
mod capture;
mod events;
mod garbage;
mod pulse;
mod report;
mod runtime;
mod watched_loop;

//! Systems whose threads report nothing here.

use super::usage::{Sources, Usage};

#[derive(Debug, Default)]
pub struct Thread;

impl Thread {
    /// Describes the calling thread.
    #[must_use]
    pub fn current() -> Self {
        Thread
    }

    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources::default()
    }

    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::default()
    }

    #[must_use]
    pub fn waited(&self) -> super::Nanos {
        0
    }

    #[must_use]
    pub fn system_call(&self) -> Option<&'static str> {
        None
    }
}

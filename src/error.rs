//! What can go wrong with a task, as data: a kind, a message that says what to do, and where in the input.

use std::borrow::Cow;
use std::fmt;

/// Why a task did not deliver its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The caller no longer wants the result. Never seen by users: they get their signal's reason.
    Cancelled,
    /// The input has the wrong type for the transform.
    InvalidType,
    /// The input is corrupt, malformed or cut short.
    InvalidData,
    /// A sealed message is not what was sealed.
    Authentication,
    /// The output would have grown beyond its limit.
    OutputLimit,
    /// The task waited in the queue for longer than its pool allows.
    QueueTimeout,
    /// A bug of this package: the task panicked.
    Panic,
    /// The operating system does not provide a resource that the task needs, such as memory.
    Unsupported,
}

impl Kind {
    /// The `code` of the JavaScript error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Kind::Cancelled => "ABORT_ERR",
            Kind::InvalidType => "ERR_INVALID_ARG_TYPE",
            Kind::InvalidData => "ERR_OFFLOOP_INVALID_DATA",
            Kind::Authentication => "ERR_OFFLOOP_AUTHENTICATION",
            Kind::OutputLimit => "ERR_OFFLOOP_OUTPUT_LIMIT",
            Kind::QueueTimeout => "ERR_OFFLOOP_QUEUE_TIMEOUT",
            Kind::Panic => "ERR_OFFLOOP_PANIC",
            Kind::Unsupported => "ERR_OFFLOOP_UNSUPPORTED",
        }
    }
}

/// A failed task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: Cow<'static, str>,
    /// Bytes from the start of the input, where a place is known.
    pub offset: Option<u64>,
    /// The transform that failed, where it is one step of several.
    pub transform: Option<&'static str>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, message: message.into(), offset: None, transform: None }
    }

    #[must_use]
    pub fn cancelled() -> Self {
        Error::new(Kind::Cancelled, "The task was cancelled")
    }

    pub fn invalid_data(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Kind::InvalidData, message)
    }

    #[must_use]
    pub fn output_limit(limit: u64) -> Self {
        Error::new(
            Kind::OutputLimit,
            format!("The output is larger than {limit} bytes; raise maxOutput if that is expected"),
        )
    }

    /// Returns the error for a failed allocation of `what`.
    #[must_use]
    pub fn out_of_memory(what: impl fmt::Display) -> Self {
        Error::new(Kind::Unsupported, format!("There is no memory for {what} at the moment"))
    }

    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Names the failing step, unless a step further in has done so.
    #[must_use]
    pub fn in_transform(mut self, name: &'static str) -> Self {
        self.transform.get_or_insert(name);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

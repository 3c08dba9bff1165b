//! Errors of tasks: a kind, a message, and an offset in the input.

use std::borrow::Cow;
use std::fmt;

/// Cause of a failed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The caller aborted the task. Users receive the abort reason of their signal instead.
    Cancelled,
    /// The input has the wrong type for the transform.
    InvalidType,
    /// A field of the input is malformed.
    InvalidValue,
    /// A field of the input has a size or costs beyond the limits.
    OutOfRange,
    /// The input is corrupt, malformed or cut short.
    InvalidData,
    /// A sealed message does not match its tag.
    Authentication,
    /// The output exceeds its limit.
    OutputLimit,
    /// The task waited in the queue longer than its pool allows.
    QueueTimeout,
    /// The transform was disposed of.
    Closed,
    /// A bug in this package: the task panicked.
    Panic,
    /// The operating system provides no memory, no thread or no random numbers at the moment.
    Resources,
}

impl Kind {
    /// Returns the `code` of the JavaScript error.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Kind::Cancelled => "ABORT_ERR",
            Kind::InvalidType => "ERR_INVALID_ARG_TYPE",
            Kind::InvalidValue => "ERR_INVALID_ARG_VALUE",
            Kind::OutOfRange => "ERR_OUT_OF_RANGE",
            Kind::InvalidData => "ERR_OFFLOOP_INVALID_DATA",
            Kind::Authentication => "ERR_OFFLOOP_AUTHENTICATION",
            Kind::OutputLimit => "ERR_OFFLOOP_OUTPUT_LIMIT",
            Kind::QueueTimeout => "ERR_OFFLOOP_QUEUE_TIMEOUT",
            Kind::Closed => "ERR_OFFLOOP_CLOSED",
            Kind::Panic => "ERR_OFFLOOP_PANIC",
            Kind::Resources => "ERR_OFFLOOP_RESOURCES",
        }
    }
}

/// A failed task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: Cow<'static, str>,
    /// Offset in the input in bytes, if known.
    pub offset: Option<u64>,
    /// The failed transform, if it is a step of a chain.
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
            format!("The output is larger than {limit} bytes, the maxOutput of the transform or of its pool"),
        )
    }

    /// Returns the error for a failed allocation of `resource`.
    #[must_use]
    pub fn out_of_memory(resource: impl fmt::Display) -> Self {
        Error::new(Kind::Resources, format!("Out of memory: cannot allocate {resource}"))
    }

    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Returns the message for JavaScript, with the offset of invalid data: after the fault, if details follow a colon. A colon
    /// behind a quotation mark may be part of the data.
    #[must_use]
    pub fn located_message(&self) -> Cow<'_, str> {
        let message = &self.message;
        let (Kind::InvalidData, Some(offset)) = (self.kind, self.offset) else { return Cow::Borrowed(message) };
        Cow::Owned(match message.split_once(": ") {
            Some((fault, details)) if !fault.contains('\'') => format!("{fault} at byte {offset}: {details}"),
            _ => format!("{message} (at byte {offset})"),
        })
    }

    /// Sets the failed transform, unless an inner step has set it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_invalid_data_has_its_offset() {
        for (message, located) in [
            ("Invalid JSON: expected a value", "Invalid JSON at byte 7: expected a value"),
            ("The text is cut short", "The text is cut short (at byte 7)"),
            ("The field 'a: b' is empty", "The field 'a: b' is empty (at byte 7)"),
        ] {
            assert_eq!(Error::invalid_data(message).located_message(), message);
            assert_eq!(Error::invalid_data(message).at(7).located_message(), located);
        }
        assert_eq!(Error::new(Kind::OutputLimit, "too long").at(7).located_message(), "too long");
    }
}

//! Why a pattern is refused.

use std::fmt;

/// The reason for refusing a pattern. `at` counts UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not valid in ECMA-262.
    Syntax {
        reason: String,
        at: usize,
    },
    /// Valid in ECMA-262, but not supported.
    Unsupported {
        reason: String,
        at: usize,
    },
    TooLarge(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Syntax { reason, at } | Refusal::Unsupported { reason, at } => write!(f, "{reason} (at {at})"),
            Refusal::TooLarge(reason) => write!(f, "it is too large: {reason}"),
        }
    }
}

impl Refusal {
    /// Formats the rule and the reason.
    pub fn explain(&self) -> String {
        format!("must be a regular expression of ECMA-262 with the u flag that runs in linear time: {self}")
    }
}

/// Returns the reason in an error of the regex crates, which ends with it.
pub fn last_line(error: &impl fmt::Display) -> String {
    error.to_string().lines().last().unwrap_or_default().to_string()
}

//! The native half of `json.stringify`: JavaScript writes the JSON, and the pool passes it on.

use crate::args::Args;
use crate::transform::contract::BuildResult;
use crate::transform::identity::Identity;

/// `json.stringify()`
pub fn stringify(_: &Args) -> BuildResult {
    Ok(Box::new(Identity("json.stringify")))
}

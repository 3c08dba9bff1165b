//! JSONPath (RFC 9535).

pub mod evaluator;
pub mod node_index;
pub mod parser;
pub mod query;
pub mod streaming;

//! CSV (RFC 4180): tables and aggregations.

pub mod aggregate;
pub mod groups;
pub mod options;
pub mod parse;
pub mod reader;
pub mod record;
pub mod spec;
pub mod table;

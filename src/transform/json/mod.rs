//! JSON: parsing, writing, minifying, JSONPath and JSON Schema.

pub mod acceptor;
pub mod build_plan;
pub mod document;
pub mod minify;
pub mod numbers;
pub mod parse;
pub mod path;
pub mod piece_encoding;
pub mod pointer;
pub mod scanner;
pub mod schema_checks;
pub mod schema_locations;
pub mod schema_patterns;
pub mod select;
pub mod short_strings;
pub mod splitter;
pub mod stringify;
pub mod swar;
pub mod unescape;
pub mod validate;
pub mod validate_each;

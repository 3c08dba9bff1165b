//! Text: regular expressions, base64, encodings.

pub mod base64;
pub mod detect_encoding;
pub mod pattern;
pub mod regex;

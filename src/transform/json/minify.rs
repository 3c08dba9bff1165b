//! Removes the white space between the tokens of JSON. Strings and numbers are not changed.

use super::document::text;
use super::scanner::{SyntaxOnly, UNLIMITED_DEPTH, scan};
use super::swar::{space, string_end};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::memory;
use crate::transform::value::Value;

struct Minify;

/// `json.minify()`
pub fn minify(args: &Args) -> BuildResult {
    args.options(0, &[])?;
    Ok(Box::new(Minify))
}

impl Transform for Minify {
    fn name(&self) -> &'static str {
        "json.minify"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        scan(&text, UNLIMITED_DEPTH, &mut SyntaxOnly, cancel)?;
        cancel.check()?;
        memory::check(text.len())?;
        Ok(without_space(&text).into())
    }
}

/// Returns valid JSON without the white space between its tokens.
pub fn without_space(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match rest[0] {
            b' ' | b'\n' | b'\r' | b'\t' => at = space(text, at),
            b'"' => {
                let end = string_end(text, at);
                out.extend_from_slice(&text[at..end]);
                at = end;
            }
            _ => {
                let len = rest.iter().position(|byte| matches!(byte, b'"' | b' ' | b'\n' | b'\r' | b'\t'));
                let len = len.unwrap_or(rest.len());
                out.extend_from_slice(&rest[..len]);
                at += len;
            }
        }
    }
    out.shrink_to_fit();
    out
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::{args, whole};

    #[test]
    fn only_white_space_is_removed() {
        let transform = minify(&args([])).unwrap();
        let minified = |text: &str| String::from_utf8(whole(&*transform, text.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            minified(" { \"a b\" : [ 1.0 , -0e5,\n\ttrue ], \"\\\" \" : \" \\\\\" } "),
            r#"{"a b":[1.0,-0e5,true],"\" ":" \\"}"#
        );
        assert_eq!(minified("\"\\ud800 \""), "\"\\ud800 \"");
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(minified(&deep), deep);
        for bad in ["", "[1,]", "{\"a\"}", "\u{feff}1", "tru", "\"\n\""] {
            assert!(whole(&*transform, bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

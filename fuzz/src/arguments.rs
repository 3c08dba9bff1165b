//! Arguments that are languages of their own: they are refused when the transform is made, or work.

use super::dice::Dice;
use super::forms::{both, options, parses, text, try_build, whole};

const DOCUMENT: &str = r#"{"a":[1,{"b":"x","a":null},[2.5,"aé😀"]],"b":{"a":{"a":{"c":[true,{}]}}},"":-1e3}"#;

pub fn path(input: &[u8]) {
    let Ok(path) = std::str::from_utf8(input) else { return };
    if let Ok(transform) = try_build("json.select", &[text(path)]) {
        assert!(both(&*transform, DOCUMENT.as_bytes()).is_some(), "the document is JSON");
    }
}

pub fn schema(input: &[u8]) {
    let Ok(schema) = std::str::from_utf8(input) else { return };
    let Ok(transform) = try_build("json.validate", &[text(schema)]) else { return };
    for document in [DOCUMENT, "[[[[[]]]]]", "\"aé😀\"", "17", "null"] {
        assert!(both(&*transform, document.as_bytes()).is_some(), "the document is JSON");
    }
    parses("json.validateEach", &[text(schema)], DOCUMENT.as_bytes());
}

/// A pattern, and in the lines after it a replacement, which is what is searched as well.
pub fn pattern(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (pattern, rest) = input.split_once('\n').unwrap_or((input, "$1$&aé😀 x"));
    let mut dice = Dice::of(input.as_bytes());
    let flags: String = "gimsux".chars().filter(|_| dice.below(4) == 0).collect();
    let flags = options(&[("flags", text(&flags))]);
    if let Ok(transform) = try_build("text.matches", &[text(pattern), flags.clone()]) {
        for searched in [rest, pattern, DOCUMENT] {
            assert!(whole(&*transform, searched.as_bytes()).is_ok(), "any text can be searched");
        }
    }
    if let Ok(transform) = try_build("text.replace", &[text(pattern), text(rest), flags]) {
        assert!(whole(&*transform, rest.as_bytes()).is_ok(), "any text can be searched");
    }
}

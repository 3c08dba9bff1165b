//! Arguments that have their own syntax: a transform either refuses them when it is made, or works.

use super::dice::Dice;
use super::forms::{both, options, parses, text, try_build, whole};
use offloop::transform::Transform;
use serde_json::{Value, json};

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

/// The first line is a pattern; the rest is both the replacement and a text to search.
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

/// Matches all lines but the first against the pattern in the first. `pattern`, `patternProperties` and `text.matches` must agree.
pub fn schema_pattern(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (pattern, matched) = input.split_once('\n').unwrap_or((input, "aé😀 x"));
    let schema = |schema: Value| text(&schema.to_string());
    let keyword = try_build("json.validate", &[schema(json!({ "pattern": pattern }))]);
    let names = try_build("json.validate", &[schema(json!({ "patternProperties": { pattern: false } }))]);
    let draft = "http://json-schema.org/draft-07/schema#";
    let older = schema(json!({ "$schema": draft, "patternProperties": { pattern: false } }));
    assert_eq!(names.is_ok(), try_build("json.validate", &[older]).is_ok(), "drafts differ");
    let Ok(keyword) = keyword else {
        assert!(names.is_err(), "accepted for names and not for values");
        return;
    };
    // With its groups the pattern may be too large for `text.matches`.
    let found = try_build("text.matches", &[text(pattern)]).map(|it| parsed(&*it, matched.as_bytes()) != json!([]));
    let is_valid = parsed(&*keyword, json!(matched).to_string().as_bytes())["valid"] == json!(true);
    assert_eq!(found.unwrap_or(is_valid), is_valid, "text.matches differs");
    if let Ok(names) = names {
        let verdict = parsed(&*names, json!({ matched: 1 }).to_string().as_bytes());
        assert_eq!(verdict["valid"], json!(!is_valid), "names differ");
        let location = format!("/patternProperties/{}", pattern.replace('~', "~0").replace('/', "~1"));
        assert!(!is_valid || verdict["errors"][0]["schemaPath"] == json!(location), "{verdict}");
    }
}

fn parsed(transform: &dyn Transform, input: &[u8]) -> Value {
    serde_json::from_slice(&whole(transform, input).expect("any text can be searched")).expect("the output is JSON")
}

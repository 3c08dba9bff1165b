//! Gives JSON Schema the patterns of [`super::pattern`] in place of the jsonschema crate's. A custom keyword replaces `pattern`. The
//! crate keeps `patternProperties`, on which its other keywords depend, but with translated names; errors map them back.

use super::pattern::{Flags, Pattern, Refusal, for_regex_crate};
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;
use std::sync::Arc;

/// Keywords that map names to schemas.
const MAPS: [&str; 6] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
/// Keywords that hold a schema or a list of schemas.
const SCHEMAS: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that hold values.
const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];

/// A refused pattern and its JSON pointer in the schema.
pub struct Refused {
    pub reason: String,
    pub place: String,
}

impl Refused {
    fn new(refusal: &Refusal, pattern: &str, place: String) -> Self {
        Refused { reason: format!("a pattern {}", refusal.explain(pattern)), place }
    }
}

/// Original pointer tokens by translated ones.
pub type Renamed = HashMap<String, String>;

/// Compiled patterns by source.
pub type Patterns = HashMap<String, Arc<Pattern>>;

#[derive(Default)]
pub struct Prepared {
    pub renamed: Renamed,
    pub patterns: Patterns,
}

/// Compiles every `pattern` and translates the names of every `patternProperties`.
///
/// # Errors
/// For the first pattern that is refused.
pub fn prepare(schema: &mut Json) -> Result<Prepared, Refused> {
    let mut prepared = Prepared::default();
    walk(schema, "", true, &mut prepared)?;
    Ok(prepared)
}

/// Returns whether the translated names pass for ECMA-262, which the meta-schemas of older drafts require.
pub fn is_ecma(renamed: &Renamed) -> bool {
    !renamed.keys().any(|name| name.contains("(?-u:"))
}

/// Walks a schema. Without `strict` the value is inside an unknown keyword, and may not be a schema.
fn walk(schema: &mut Json, place: &str, strict: bool, prepared: &mut Prepared) -> Result<(), Refused> {
    let Json::Object(members) = schema else { return Ok(()) };
    for (keyword, value) in members.iter_mut() {
        let keyword = keyword.as_str();
        let place = || format!("{place}/{}", token(keyword));
        match value {
            Json::String(pattern) if keyword == "pattern" && strict => {
                if let Entry::Vacant(entry) = prepared.patterns.entry(pattern.clone()) {
                    entry.insert(compiled(pattern).map_err(|it| Refused::new(&it, pattern, place()))?);
                }
            }
            Json::String(reference) if matches!(keyword, "$ref" | "$dynamicRef" | "$recursiveRef") => {
                rewrite_reference(reference);
            }
            Json::Object(inner) if MAPS.contains(&keyword) => {
                for (name, inner) in inner.iter_mut() {
                    walk(inner, &format!("{}/{}", place(), token(name)), strict, prepared)?;
                }
                if keyword == "patternProperties" {
                    rename(inner, &place(), strict, &mut prepared.renamed)?;
                }
            }
            Json::Object(_) if !VALUES.contains(&keyword) => {
                walk(value, &place(), strict && SCHEMAS.contains(&keyword), prepared)?;
            }
            Json::Array(list) if !VALUES.contains(&keyword) => {
                for (index, inner) in list.iter_mut().enumerate() {
                    let place = format!("{}/{index}", place());
                    walk(inner, &place, strict && SCHEMAS.contains(&keyword), prepared)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn rename(properties: &mut Map<String, Json>, place: &str, strict: bool, renamed: &mut Renamed) -> Result<(), Refused> {
    for (name, schema) in std::mem::take(properties) {
        let written = match written(&name) {
            Ok(written) => written,
            Err(refusal) if strict => return Err(Refused::new(&refusal, &name, format!("{place}/{}", token(&name)))),
            Err(_) => name.clone(),
        };
        if written != name {
            renamed.insert(token(&written), token(&name));
        }
        properties.insert(written, schema);
    }
    Ok(())
}

/// Translates a pattern for the crate. If the text changes, it is tagged with the original so that no two patterns collide.
fn written(name: &str) -> Result<String, Refusal> {
    let mut written = for_regex_crate(name)?;
    if written != name {
        // The second alternative never matches.
        written = format!("(?:{written})|[^\\u{{0}}-\\u{{10FFFF}}]");
        for byte in name.bytes() {
            let _ = write!(written, "{byte:02x}");
        }
    }
    Ok(written)
}

/// Translates the names in the pointer of a reference.
fn rewrite_reference(reference: &mut String) {
    let Some((base, pointer)) = reference.split_once("#/") else { return };
    let mut tokens: Vec<String> = pointer.split('/').map(String::from).collect();
    let mut is_changed = false;
    for place in 1..tokens.len() {
        if tokens[place - 1] != "patternProperties" {
            continue;
        }
        let Some(name) = decoded(&tokens[place]) else { continue };
        if let Some(other) = written(&name).ok().filter(|other| *other != name) {
            tokens[place] = encoded(&token(&other));
            is_changed = true;
        }
    }
    if is_changed {
        *reference = format!("{base}#/{}", tokens.join("/"));
    }
}

/// Escapes a name as a token of a JSON pointer.
fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Decodes a token of a pointer in a URI fragment.
fn decoded(token: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = token.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
        }
    }
    Some(String::from_utf8(bytes).ok()?.replace("~1", "/").replace("~0", "~"))
}

/// Encodes a token for a URI fragment.
fn encoded(token: &str) -> String {
    let mut out = String::new();
    for byte in token.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Restores the original names in a pointer.
pub fn with_names(pointer: String, renamed: &Renamed) -> String {
    if renamed.is_empty() {
        return pointer;
    }
    let tokens: Vec<&str> = pointer.split('/').map(|token| renamed.get(token).map_or(token, String::as_str)).collect();
    tokens.join("/")
}

fn compiled(pattern: &str) -> Result<Arc<Pattern>, Refusal> {
    Pattern::new(pattern, Flags::default(), false).map(Arc::new)
}

/// The keyword `pattern`.
pub struct Matching {
    source: String,
    pattern: Arc<Pattern>,
}

impl Matching {
    /// # Errors
    /// For a pattern that is refused.
    pub fn new(source: &str, patterns: &Patterns) -> Result<Self, Refusal> {
        let pattern = patterns.get(source).cloned().map_or_else(|| compiled(source), Ok)?;
        Ok(Matching { source: source.to_string(), pattern })
    }
}

/// The most characters of a text that a message quotes. The caller shortens messages further.
const MAX_TOLD: usize = 1000;

impl<'i> Keyword<'i> for Matching {
    fn validate(&self, instance: &'i Json) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            return Ok(());
        }
        let text: String = instance.as_str().unwrap_or_default().chars().take(MAX_TOLD).collect();
        Err(ValidationError::custom(format!("{} does not match \"{}\"", Json::String(text), self.source)))
    }

    fn is_valid(&self, instance: &'i Json) -> bool {
        instance.as_str().is_none_or(|text| self.pattern.is_match(text))
    }
}

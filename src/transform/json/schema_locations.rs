//! Finds the schemas in a JSON Schema, including those under unknown keywords that only a reference makes schemas.

use super::pointer::{decoded, token};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};

/// Keywords that map names to schemas.
pub const MAPS: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
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
pub const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];
/// Keywords that refer to a schema.
pub const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Returns the JSON pointers of all schemas.
pub fn schemas(root: &Json) -> HashSet<String> {
    let mut search = Search { schemas: HashSet::new(), bases: HashMap::new(), references: Vec::new() };
    search.schema(root, "", "");
    let mut next = 0;
    loop {
        let bases = search.bases.len();
        while let Some(Reference { base, document, pointer }) = search.references.get(next).cloned() {
            next += 1;
            let named = document.and_then(|document| search.bases.get(&document)).into_iter().flatten();
            let targets: Vec<String> =
                named.chain([&base, &String::new()]).map(|base| format!("{base}/{pointer}")).collect();
            for target in targets {
                if let Some(schema) = root.pointer(&target) {
                    search.schema(schema, &target, &base);
                }
            }
        }
        if search.bases.len() == bases {
            return search.schemas;
        }
        // A reference may name a schema that was found later.
        next = 0;
    }
}

/// Returns the JSON pointer of the first reference that `message` of an error quotes: by its URI, its pointer or its anchor.
pub fn failed_reference(root: &Json, message: &str) -> Option<String> {
    let quotes = |reference: &str| {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let is_quoted = |text: &str| !text.is_empty() && message.contains(&format!("{text}'"));
        is_quoted(&last_segment(uri)) || is_quoted(fragment) || decoded(fragment).is_some_and(|it| is_quoted(&it))
    };
    let mut pointers: Vec<_> = schemas(root).into_iter().collect();
    pointers.sort_unstable();
    pointers.iter().find_map(|pointer| {
        let is_failed = |keyword: &&str| root.pointer(pointer)?.get(keyword)?.as_str().map(quotes);
        let keyword = REFERENCES.iter().chain(&["$schema"]).find(|keyword| is_failed(keyword) == Some(true))?;
        Some(format!("{pointer}/{keyword}"))
    })
}

/// Returns whether the value at `pointer` is or contains one of `schemas`.
pub fn contains_schema(schemas: &HashSet<String>, pointer: &str) -> bool {
    schemas.iter().any(|it| it.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[derive(Clone)]
struct Reference {
    /// The schema that `pointer` is relative to, if there is no `document`.
    base: String,
    /// The last segment of the path of the referenced document.
    document: Option<String>,
    /// The JSON pointer without its first slash.
    pointer: String,
}

struct Search {
    /// The pointers of the schemas found.
    schemas: HashSet<String>,
    /// The pointers of the schemas with an identifier, by the last segment of its path.
    bases: HashMap<String, Vec<String>>,
    references: Vec<Reference>,
}

impl Search {
    fn schema(&mut self, schema: &Json, pointer: &str, base: &str) {
        if !self.schemas.insert(pointer.to_string()) {
            return;
        }
        let Json::Object(members) = schema else { return };
        let id = ["$id", "id"].iter().find_map(|it| members.get(*it)?.as_str()).filter(|it| !it.starts_with('#'));
        let base = if id.is_some() { pointer } else { base };
        if let Some(id) = id {
            self.bases.entry(last_segment(id)).or_default().push(pointer.to_string());
        }
        for (keyword, value) in members {
            let location = format!("{pointer}/{}", token(keyword));
            match value {
                Json::String(reference) if REFERENCES.contains(&keyword.as_str()) => {
                    let Some((uri, pointer)) = reference.split_once("#/") else { continue };
                    let Some(pointer) = unescaped(pointer) else { continue };
                    let document = (!uri.is_empty()).then(|| last_segment(uri));
                    self.references.push(Reference { base: base.to_string(), document, pointer });
                }
                Json::Object(inner) if MAPS.contains(&keyword.as_str()) => {
                    for (name, inner) in inner {
                        self.schema(inner, &format!("{location}/{}", token(name)), base);
                    }
                }
                Json::Object(_) if SCHEMAS.contains(&keyword.as_str()) => self.schema(value, &location, base),
                Json::Array(list) if SCHEMAS.contains(&keyword.as_str()) => {
                    for (index, inner) in list.iter().enumerate() {
                        self.schema(inner, &format!("{location}/{index}"), base);
                    }
                }
                _ => {}
            }
        }
    }
}

fn last_segment(uri: &str) -> String {
    uri.trim_end_matches('#').rsplit('/').next().unwrap_or_default().to_string()
}

/// Decodes the tokens of a pointer in a URI fragment.
fn unescaped(pointer: &str) -> Option<String> {
    let tokens: Option<Vec<String>> = pointer.split('/').map(|it| decoded(it).map(|it| token(&it))).collect();
    Some(tokens?.join("/"))
}

//! Finds the places in a JSON Schema that hold schemas, also those within unknown keywords that only a reference makes schemas.

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
    let mut search = Search { places: HashSet::new(), bases: HashMap::new(), references: Vec::new() };
    search.schema(root, "", "");
    let mut next = 0;
    loop {
        let bases = search.bases.len();
        while let Some(Reference { base, document, pointer }) = search.references.get(next).cloned() {
            next += 1;
            let named = document.and_then(|document| search.bases.get(&document)).into_iter().flatten();
            let targets: Vec<String> =
                named.chain([&base, &String::new()]).map(|base| format!("{base}/{pointer}")).collect();
            for place in targets {
                if let Some(schema) = root.pointer(&place) {
                    search.schema(schema, &place, &base);
                }
            }
        }
        if search.bases.len() == bases {
            return search.places;
        }
        // A reference may name a schema that was found later.
        next = 0;
    }
}

/// Returns whether a place is or holds one of `places`.
pub fn is_within(places: &HashSet<String>, place: &str) -> bool {
    places.iter().any(|it| it.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[derive(Clone)]
struct Reference {
    /// The pointer of the schema that its pointer is relative to, if it names no document.
    base: String,
    /// The last segment of the path of the document that it names.
    document: Option<String>,
    /// Without its first slash.
    pointer: String,
}

struct Search {
    places: HashSet<String>,
    /// The pointers of the schemas with an identifier, by the last segment of its path.
    bases: HashMap<String, Vec<String>>,
    references: Vec<Reference>,
}

impl Search {
    fn schema(&mut self, schema: &Json, place: &str, base: &str) {
        if !self.places.insert(place.to_string()) {
            return;
        }
        let Json::Object(members) = schema else { return };
        let id = ["$id", "id"].iter().find_map(|it| members.get(*it)?.as_str()).filter(|it| !it.starts_with('#'));
        let base = if id.is_some() { place } else { base };
        if let Some(id) = id {
            self.bases.entry(last_segment(id)).or_default().push(place.to_string());
        }
        for (keyword, value) in members {
            let place = format!("{place}/{}", token(keyword));
            match value {
                Json::String(reference) if REFERENCES.contains(&keyword.as_str()) => {
                    let Some((uri, pointer)) = reference.split_once("#/") else { continue };
                    let Some(pointer) = unescaped(pointer) else { continue };
                    let document = (!uri.is_empty()).then(|| last_segment(uri));
                    self.references.push(Reference { base: base.to_string(), document, pointer });
                }
                Json::Object(inner) if MAPS.contains(&keyword.as_str()) => {
                    for (name, inner) in inner {
                        self.schema(inner, &format!("{place}/{}", token(name)), base);
                    }
                }
                Json::Object(_) if SCHEMAS.contains(&keyword.as_str()) => self.schema(value, &place, base),
                Json::Array(list) if SCHEMAS.contains(&keyword.as_str()) => {
                    for (index, inner) in list.iter().enumerate() {
                        self.schema(inner, &format!("{place}/{index}"), base);
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

//! Gives JSON Schema the patterns of [`crate::transform::text::pattern`] in place of the jsonschema crate's. A custom
//! keyword replaces `pattern`. The crate keeps `patternProperties`, on which its other keywords depend, but with translated
//! names; errors map them back.

use super::pointer::{decoded, encoded, token};
use super::schema_locations::{MAPS, REFERENCES, VALUES, is_within, schemas};
use crate::transform::text::pattern::{Refusal, Room, Tester, for_regex_crate};
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value as Json};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// A refused pattern and its JSON pointer in the schema.
pub struct Refused {
    pub reason: String,
    pub place: String,
}

impl Refused {
    fn new(refusal: &Refusal, pattern: &str, place: &str) -> Self {
        Refused { reason: format!("a pattern {}", refusal.explain(pattern)), place: place.to_string() }
    }
}

/// Original pointer tokens by translated ones.
pub type Renamed = HashMap<String, String>;

/// Compiled patterns by source.
pub type Patterns = HashMap<String, Arc<Tester>>;

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
    let places = schemas(schema);
    let mut walk = Walk { places, prepared: Prepared::default(), names: HashMap::new(), room: Room::default() };
    walk.value(schema, "")?;
    Ok(walk.prepared)
}

/// Returns whether the translated names pass for ECMA-262, which the meta-schemas of older drafts require.
pub fn is_ecma(renamed: &Renamed) -> bool {
    !renamed.keys().any(|name| name.contains("(?-u:"))
}

struct Walk {
    /// The pointers of all schemas.
    places: HashSet<String>,
    prepared: Prepared,
    /// Translated names by original ones.
    names: HashMap<String, String>,
    room: Room,
}

impl Walk {
    /// Walks a value that may not be a schema, since the keyword that holds it is unknown.
    fn value(&mut self, value: &mut Json, place: &str) -> Result<(), Refused> {
        let is_schema = self.places.contains(place);
        match value {
            Json::Object(members) => {
                for (keyword, value) in members.iter_mut() {
                    self.member(keyword, value, &format!("{place}/{}", token(keyword)), is_schema)?;
                }
            }
            Json::Array(list) => {
                for (index, inner) in list.iter_mut().enumerate() {
                    self.value(inner, &format!("{place}/{index}"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(&mut self, keyword: &str, value: &mut Json, place: &str, is_schema: bool) -> Result<(), Refused> {
        match value {
            Json::String(pattern) if keyword == "pattern" && is_schema => {
                if let Entry::Vacant(entry) = self.prepared.patterns.entry(pattern.clone()) {
                    let made = Tester::new(pattern, &mut self.room).map_err(|it| Refused::new(&it, pattern, place))?;
                    entry.insert(Arc::new(made));
                }
            }
            Json::String(reference) if REFERENCES.contains(&keyword) => self.rewrite_reference(reference),
            Json::Object(inner) if MAPS.contains(&keyword) => {
                for (name, inner) in inner.iter_mut() {
                    self.value(inner, &format!("{place}/{}", token(name)))?;
                }
                if keyword == "patternProperties" {
                    self.rename(inner, place, is_schema)?;
                }
            }
            Json::Object(_) | Json::Array(_) if VALUES.contains(&keyword) => {
                if is_within(&self.places, place) {
                    self.referenced(keyword, value, place)?;
                }
            }
            _ => self.value(value, place)?,
        }
        Ok(())
    }

    /// Walks a value part of which is a schema by a reference. The value itself must stay as it is.
    fn referenced(&mut self, keyword: &str, value: &mut Json, place: &str) -> Result<(), Refused> {
        let mut copy = value.clone();
        self.value(&mut copy, place)?;
        if matches!(keyword, "const" | "enum") && copy != *value {
            let reason =
                format!("a \"$ref\" to a schema with \"patternProperties\" within \"{keyword}\" is not supported");
            return Err(Refused { reason, place: place.to_string() });
        }
        *value = copy;
        Ok(())
    }

    fn rename(&mut self, properties: &mut Map<String, Json>, place: &str, is_schema: bool) -> Result<(), Refused> {
        for (name, schema) in std::mem::take(properties) {
            let written = match self.written(&name) {
                Ok(written) => written,
                Err(refusal) if is_schema => {
                    return Err(Refused::new(&refusal, &name, &format!("{place}/{}", token(&name))));
                }
                Err(_) => name.clone(),
            };
            if written != name {
                self.prepared.renamed.insert(token(&written), token(&name));
            }
            properties.insert(written, schema);
        }
        Ok(())
    }

    /// Translates a name for the crate. If the text changes, it is tagged with the original so that no two names collide.
    fn written(&mut self, name: &str) -> Result<String, Refusal> {
        if let Some(written) = self.names.get(name) {
            return Ok(written.clone());
        }
        let mut written = for_regex_crate(name, &mut self.room)?;
        if written != name {
            // The second alternative never matches.
            written = format!("(?:{written})|[^\\u{{0}}-\\u{{10FFFF}}]");
            for byte in name.bytes() {
                let _ = write!(written, "{byte:02x}");
            }
        }
        self.names.insert(name.to_string(), written.clone());
        Ok(written)
    }

    /// Translates the names in the pointer of a reference.
    fn rewrite_reference(&mut self, reference: &mut String) {
        let Some((base, pointer)) = reference.split_once("#/") else { return };
        let mut tokens: Vec<String> = pointer.split('/').map(String::from).collect();
        let mut is_changed = false;
        for place in 1..tokens.len() {
            if tokens[place - 1] != "patternProperties" {
                continue;
            }
            let Some(name) = decoded(&tokens[place]) else { continue };
            if let Some(other) = self.written(&name).ok().filter(|other| *other != name) {
                tokens[place] = encoded(&token(&other));
                is_changed = true;
            }
        }
        if is_changed {
            *reference = format!("{base}#/{}", tokens.join("/"));
        }
    }
}

/// Restores the original names in a pointer.
pub fn with_names(pointer: String, renamed: &Renamed) -> String {
    if renamed.is_empty() {
        return pointer;
    }
    let tokens: Vec<&str> = pointer.split('/').map(|token| renamed.get(token).map_or(token, String::as_str)).collect();
    tokens.join("/")
}

/// The keyword `pattern`.
pub struct Matching {
    source: String,
    pattern: Arc<Tester>,
}

impl Matching {
    /// # Errors
    /// For a pattern that is refused.
    pub fn new(source: &str, patterns: &Patterns) -> Result<Self, Refusal> {
        let pattern = match patterns.get(source) {
            Some(pattern) => Arc::clone(pattern),
            None => Arc::new(Tester::new(source, &mut Room::default())?),
        };
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

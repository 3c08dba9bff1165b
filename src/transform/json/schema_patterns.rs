//! Gives JSON Schema the patterns of [`crate::transform::text::pattern`] in place of the jsonschema crate's. A custom
//! keyword replaces `pattern`. The crate keeps `patternProperties`, on which its other keywords depend, but with translated
//! names; errors map them back.

use super::pointer::{decoded, encoded, token};
use super::schema_locations::{MAPS, REFERENCES, VALUES, contains_schema, schemas};
use crate::args::quoted;
use crate::transform::text::pattern::{Budget, Refusal, Tester, for_regex_crate};
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value as Json};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

/// Why a schema is refused, and where.
pub struct RefusedSchema {
    pub reason: String,
    /// JSON pointer of the value in the schema.
    pub pointer: String,
    pub received: String,
}

impl RefusedSchema {
    pub fn new(reason: impl Into<String>, pointer: impl Into<String>, received: impl Into<String>) -> Self {
        RefusedSchema { reason: reason.into(), pointer: pointer.into(), received: received.into() }
    }

    fn pattern(refusal: &Refusal, pattern: &str, pointer: &str) -> Self {
        RefusedSchema::new(format!("a pattern {}", refusal.explain()), pointer, quoted(pattern))
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
pub fn prepare(schema: &mut Json) -> Result<Prepared, RefusedSchema> {
    let schemas = schemas(schema);
    let mut walk = Walk { schemas, prepared: Prepared::default(), names: HashMap::new(), budget: Budget::default() };
    walk.value(schema, "")?;
    Ok(walk.prepared)
}

/// Returns whether the translated names are valid in ECMA-262, which the meta-schemas of older drafts require.
pub fn is_ecma(renamed: &Renamed) -> bool {
    !renamed.keys().any(|name| name.contains("(?-u:"))
}

struct Walk {
    /// The pointers of all schemas.
    schemas: HashSet<String>,
    prepared: Prepared,
    /// Translated names by original ones.
    names: HashMap<String, String>,
    budget: Budget,
}

impl Walk {
    /// Walks a value that may not be a schema, since the keyword that holds it is unknown.
    fn value(&mut self, value: &mut Json, pointer: &str) -> Result<(), RefusedSchema> {
        let is_schema = self.schemas.contains(pointer);
        match value {
            Json::Object(members) => {
                for (keyword, value) in members.iter_mut() {
                    self.member(keyword, value, &format!("{pointer}/{}", token(keyword)), is_schema)?;
                }
            }
            Json::Array(list) => {
                for (index, inner) in list.iter_mut().enumerate() {
                    self.value(inner, &format!("{pointer}/{index}"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(&mut self, keyword: &str, value: &mut Json, pointer: &str, is_schema: bool) -> Result<(), RefusedSchema> {
        match value {
            Json::String(pattern) if keyword == "pattern" && is_schema => {
                if let Entry::Vacant(entry) = self.prepared.patterns.entry(pattern.clone()) {
                    let made = Tester::new(pattern, &mut self.budget)
                        .map_err(|it| RefusedSchema::pattern(&it, pattern, pointer))?;
                    entry.insert(Arc::new(made));
                }
            }
            Json::String(reference) if REFERENCES.contains(&keyword) => self.rewrite_reference(reference),
            Json::Object(inner) if MAPS.contains(&keyword) => {
                for (name, inner) in inner.iter_mut() {
                    self.value(inner, &format!("{pointer}/{}", token(name)))?;
                }
                if keyword == "patternProperties" {
                    self.rename(inner, pointer, is_schema)?;
                }
            }
            Json::Object(_) | Json::Array(_) if VALUES.contains(&keyword) => {
                if contains_schema(&self.schemas, pointer) {
                    self.referenced(keyword, value, pointer)?;
                }
            }
            _ => self.value(value, pointer)?,
        }
        Ok(())
    }

    /// Walks the value of a keyword in [`VALUES`] that is or contains a referenced schema. `const` and `enum` must not change.
    fn referenced(&mut self, keyword: &str, value: &mut Json, pointer: &str) -> Result<(), RefusedSchema> {
        let mut copy = value.clone();
        self.value(&mut copy, pointer)?;
        if matches!(keyword, "const" | "enum") && copy != *value {
            let reason =
                format!("a \"$ref\" to a schema with \"patternProperties\" within \"{keyword}\" is not supported");
            return Err(RefusedSchema::new(reason, pointer, format!("'{keyword}'")));
        }
        *value = copy;
        Ok(())
    }

    fn rename(
        &mut self,
        properties: &mut Map<String, Json>,
        pointer: &str,
        is_schema: bool,
    ) -> Result<(), RefusedSchema> {
        for (name, schema) in std::mem::take(properties) {
            let translated = match self.translated(&name) {
                Ok(translated) => translated,
                Err(refusal) if is_schema => {
                    return Err(RefusedSchema::pattern(&refusal, &name, &format!("{pointer}/{}", token(&name))));
                }
                Err(_) => name.clone(),
            };
            if translated != name {
                self.prepared.renamed.insert(token(&translated), token(&name));
            }
            properties.insert(translated, schema);
        }
        Ok(())
    }

    /// Translates a name for the crate. If the text changes, it is tagged with the original so that no two names collide.
    fn translated(&mut self, name: &str) -> Result<String, Refusal> {
        if let Some(translated) = self.names.get(name) {
            return Ok(translated.clone());
        }
        let mut translated = for_regex_crate(name, &mut self.budget)?;
        if translated != name {
            // The second alternative never matches.
            translated = format!("(?:{translated})|[^\\u{{0}}-\\u{{10FFFF}}]");
            for byte in name.bytes() {
                let _ = write!(translated, "{byte:02x}");
            }
        }
        self.names.insert(name.to_string(), translated.clone());
        Ok(translated)
    }

    /// Translates the names in the pointer of a reference.
    fn rewrite_reference(&mut self, reference: &mut String) {
        let Some((base, pointer)) = reference.split_once("#/") else { return };
        let mut tokens: Vec<String> = pointer.split('/').map(String::from).collect();
        let mut has_changed = false;
        for index in 1..tokens.len() {
            if tokens[index - 1] != "patternProperties" {
                continue;
            }
            let Some(name) = decoded(&tokens[index]) else { continue };
            if let Some(other) = self.translated(&name).ok().filter(|other| *other != name) {
                tokens[index] = encoded(&token(&other));
                has_changed = true;
            }
        }
        if has_changed {
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
pub struct PatternKeyword {
    source: String,
    pattern: Arc<Tester>,
}

impl PatternKeyword {
    /// # Errors
    /// For a pattern that is refused.
    pub fn new(source: &str, patterns: &Patterns) -> Result<Self, Refusal> {
        let pattern = match patterns.get(source) {
            Some(pattern) => Arc::clone(pattern),
            None => Arc::new(Tester::new(source, &mut Budget::default())?),
        };
        Ok(PatternKeyword { source: source.to_string(), pattern })
    }
}

/// Characters of a text that a message quotes. The caller shortens messages further.
const MAX_QUOTED: usize = 1000;

impl<'i> Keyword<'i> for PatternKeyword {
    fn validate(&self, instance: &'i Json) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            return Ok(());
        }
        let text: String = instance.as_str().unwrap_or_default().chars().take(MAX_QUOTED).collect();
        Err(ValidationError::custom(format!("{} does not match \"{}\"", Json::String(text), self.source)))
    }

    fn is_valid(&self, instance: &'i Json) -> bool {
        instance.as_str().is_none_or(|text| self.pattern.is_match(text))
    }
}

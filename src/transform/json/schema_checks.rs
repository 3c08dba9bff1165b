//! Compiles the common keywords of a JSON Schema to checks of single values, for [`super::acceptor`]. Only forms with the same meaning
//! in all drafts that allow them are compiled.

use super::schema_patterns::Patterns;
use crate::transform::text::pattern::Tester;
use serde_json::{Map, Number, Value as Json};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Types of values, as bits.
pub const NULL: u8 = 1;
pub const BOOLEAN: u8 = 1 << 1;
pub const INTEGER: u8 = 1 << 2;
pub const FRACTION: u8 = 1 << 3;
pub const STRING: u8 = 1 << 4;
pub const LIST: u8 = 1 << 5;
pub const OBJECT: u8 = 1 << 6;
const ALL: u8 = u8::MAX;

/// Maximum number of properties in a schema: one bit of a `u64` marks each one that was found.
const MAX_PROPERTIES: usize = 64;
/// Integers up to this size are exact as doubles.
const MAX_EXACT: u64 = 1 << 53;

/// The checks of a value; `None` if any value is valid.
pub type Rule = Option<Box<Checks>>;

/// The keywords of a schema.
#[derive(Debug)]
pub struct Checks {
    pub types: u8,
    pub bounds: Option<Bounds>,
    /// Code points of a string.
    pub length: Option<RangeInclusive<usize>>,
    pub pattern: Option<Arc<Tester>>,
    pub choices: Option<Vec<String>>,
    /// Elements of a list.
    pub count: RangeInclusive<usize>,
    pub items: Rule,
    pub properties: Vec<Property>,
    /// The required properties, as bits by their index.
    pub required: u64,
    pub others: Others,
}

#[derive(Debug)]
pub struct Property {
    pub name: String,
    pub rule: Rule,
}

/// The checks of properties that the schema does not name.
#[derive(Debug)]
pub enum Others {
    Refused,
    Checked(Rule),
}

/// Bounds of a number.
#[derive(Debug)]
pub struct Bounds {
    minimum: f64,
    maximum: f64,
    above: f64,
    below: f64,
}

impl Bounds {
    pub fn contains(&self, number: f64) -> bool {
        self.minimum <= number && number <= self.maximum && self.above < number && number < self.below
    }
}

/// Compiles a schema. Returns `None` for an unsupported keyword or value.
pub fn compile(schema: &Json, patterns: &Patterns) -> Option<Rule> {
    match schema {
        Json::Bool(true) => Some(None),
        Json::Object(keywords) => checks(keywords, patterns).map(|checks| Some(Box::new(checks))),
        _ => None,
    }
}

fn checks(keywords: &Map<String, Json>, patterns: &Patterns) -> Option<Checks> {
    let mut checks = Checks {
        types: ALL,
        bounds: None,
        length: None,
        pattern: None,
        choices: None,
        count: range(keywords, "minItems", "maxItems")?,
        items: None,
        properties: Vec::new(),
        required: 0,
        others: Others::Checked(None),
    };
    for (keyword, value) in keywords {
        match keyword.as_str() {
            "$schema" | "$id" | "$comment" | "title" | "description" | "default" | "examples" => {}
            "minItems" | "maxItems" => {}
            "type" => checks.types = types(value)?,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => checks.bounds = Some(bounds(keywords)?),
            "minLength" | "maxLength" => checks.length = Some(range(keywords, "minLength", "maxLength")?),
            "pattern" => checks.pattern = Some(Arc::clone(patterns.get(value.as_str()?)?)),
            "enum" => checks.choices = Some(texts(value)?),
            "items" => checks.items = compile(value, patterns)?,
            "properties" => checks.properties = properties(value.as_object()?, patterns)?,
            "required" => {}
            "additionalProperties" if *value == Json::Bool(false) => checks.others = Others::Refused,
            "additionalProperties" => checks.others = Others::Checked(compile(value, patterns)?),
            _ => return None,
        }
    }
    if let Some(required) = keywords.get("required") {
        for name in texts(required)? {
            let index = checks.properties.iter().position(|property| property.name == name)?;
            checks.required |= 1 << index;
        }
    }
    Some(checks)
}

fn properties(members: &Map<String, Json>, patterns: &Patterns) -> Option<Vec<Property>> {
    let compiled = members
        .iter()
        .map(|(name, schema)| compile(schema, patterns).map(|rule| Property { name: name.clone(), rule }));
    compiled.collect::<Option<Vec<_>>>().filter(|properties| properties.len() <= MAX_PROPERTIES)
}

fn types(value: &Json) -> Option<u8> {
    let one = |name: &Json| match name.as_str()? {
        "null" => Some(NULL),
        "boolean" => Some(BOOLEAN),
        "integer" => Some(INTEGER),
        "number" => Some(INTEGER | FRACTION),
        "string" => Some(STRING),
        "array" => Some(LIST),
        "object" => Some(OBJECT),
        _ => None,
    };
    match value {
        Json::Array(names) => names.iter().try_fold(0, |types, name| Some(types | one(name)?)),
        name => one(name),
    }
}

fn bounds(keywords: &Map<String, Json>) -> Option<Bounds> {
    let bound = |keyword: &str, absent: f64| match keywords.get(keyword) {
        None => Some(absent),
        Some(Json::Number(number)) => exact(number),
        Some(_) => None,
    };
    Some(Bounds {
        minimum: bound("minimum", f64::NEG_INFINITY)?,
        maximum: bound("maximum", f64::INFINITY)?,
        above: bound("exclusiveMinimum", f64::NEG_INFINITY)?,
        below: bound("exclusiveMaximum", f64::INFINITY)?,
    })
}

fn exact(number: &Number) -> Option<f64> {
    let is_exact = number.is_f64() || number.as_i64().is_some_and(|integer| integer.unsigned_abs() <= MAX_EXACT);
    number.as_f64().filter(|_| is_exact)
}

fn range(keywords: &Map<String, Json>, least: &str, most: &str) -> Option<RangeInclusive<usize>> {
    let limit = |keyword: &str, absent: usize| match keywords.get(keyword) {
        None => Some(absent),
        Some(limit) => usize::try_from(limit.as_u64()?).ok(),
    };
    Some(limit(least, 0)?..=limit(most, usize::MAX)?)
}

fn texts(value: &Json) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(String::from)).collect()
}

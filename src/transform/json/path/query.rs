//! The syntax tree of a JSONPath (RFC 9535).

use crate::transform::text::pattern::{MatchMode, PatternSource, Tester};

/// A path, from the root of the document or from the current node.
#[derive(Debug)]
pub struct Query {
    pub is_absolute: bool,
    pub segments: Vec<Segment>,
}

#[derive(Debug)]
pub struct Segment {
    /// True if it selects among all descendants of a node, false if among its children.
    pub descends: bool,
    pub selectors: Vec<Selector>,
}

#[derive(Debug)]
pub enum Selector {
    Name(String),
    Any,
    Index(i64),
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    Filter(Test),
}

/// A condition on a node.
#[derive(Debug)]
pub enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Exists(Query),
    Compare(Comparable, Operator, Comparable),
    /// `match` and `search`.
    Matches(Comparable, Pattern),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operand with at most one value.
#[derive(Debug)]
pub enum Comparable {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A query of names and indexes only.
    Single(Query),
    Length(Box<Comparable>),
    Count(Query),
    Value(Query),
}

#[derive(Debug)]
pub enum Pattern {
    /// `None` is an invalid pattern, which matches nothing, as RFC 9535 requires.
    Static(Option<Tester>),
    /// The pattern comes from the document.
    Dynamic { pattern: Comparable, mode: MatchMode },
}

/// Compiles a pattern of `match` or `search`.
pub fn compiled(pattern: &str, mode: MatchMode, source: PatternSource) -> Option<Tester> {
    Tester::of_path(pattern, mode, source).ok()
}

impl Query {
    /// Whether the query selects at most one node of any document.
    pub fn is_single(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.descends && matches!(segment.selectors[..], [Selector::Name(_) | Selector::Index(_)])
        })
    }
}

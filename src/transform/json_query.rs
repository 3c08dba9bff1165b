//! What a JSONPath (RFC 9535) says.

use super::pattern::Pattern as Compiled;

/// A path, from the root of the document or from the current node.
#[derive(Debug)]
pub struct Query {
    pub is_absolute: bool,
    pub segments: Vec<Segment>,
}

#[derive(Debug)]
pub struct Segment {
    /// It selects among all that is in a node, and not only among its children.
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

/// What holds of a node or does not.
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

/// What has one value at most.
#[derive(Debug)]
pub enum Comparable {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Names and indexes alone.
    Single(Query),
    Length(Box<Comparable>),
    Count(Query),
    Value(Query),
}

#[derive(Debug)]
pub enum Pattern {
    /// `None`: it is refused, and matches nothing, as RFC 9535 requires.
    Ready(Option<Compiled>),
    /// The document has it.
    Of { pattern: Comparable, is_whole: bool },
}

/// Compiles a pattern of `match` (`is_whole`) or `search`.
pub fn compiled(pattern: &str, is_whole: bool) -> Option<Compiled> {
    Compiled::of_path(pattern, is_whole).ok()
}

impl Query {
    /// Whether it selects one node at most, whatever the document.
    pub fn is_single(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.descends && matches!(segment.selectors[..], [Selector::Name(_) | Selector::Index(_)])
        })
    }
}

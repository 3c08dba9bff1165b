//! Plain JSONPaths, of names, indexes and wildcards only. They select while the document is scanned, without an index of it.

use crate::error::{Error, Result};
use crate::transform::json::scanner::{Container, Visitor};
use crate::transform::memory;
use std::ops::Range;

#[derive(Debug, PartialEq, Eq)]
enum PlainSegment {
    Name(String),
    Index(usize),
    Any,
}

/// A path whose every segment selects children by one name, one index or all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct PlainPath(Vec<PlainSegment>);

impl PlainPath {
    /// Parses a plain path; `None` for other paths. The caller must check that the path is valid.
    pub fn of(path: &str) -> Option<Self> {
        let mut rest = path.strip_prefix('$')?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, after) = segment(rest)?;
            segments.push(segment);
            rest = after;
        }
        Some(PlainPath(segments))
    }
}

fn segment(text: &str) -> Option<(PlainSegment, &str)> {
    if let Some(text) = text.strip_prefix('.') {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        let is_plain = |name: &str| name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || !it.is_ascii());
        return match name {
            "*" => Some((PlainSegment::Any, after)),
            name if !name.is_empty() && is_plain(name) => Some((PlainSegment::Name(name.to_string()), after)),
            _ => None,
        };
    }
    let text = text.strip_prefix('[')?;
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let (name, after) = text[1..].split_once(quote)?;
        let after = after.strip_prefix(']')?;
        return (!name.contains('\\')).then(|| (PlainSegment::Name(name.to_string()), after));
    }
    let (inner, after) = text.split_once(']')?;
    let segment = if inner == "*" { PlainSegment::Any } else { PlainSegment::Index(index(inner)?) };
    Some((segment, after))
}

fn index(text: &str) -> Option<usize> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The nodes that a plain path selects in the document that is being scanned.
pub struct Selection<'a> {
    text: &'a [u8],
    path: &'a [PlainSegment],
    frames: Vec<Frame>,
    /// Number of open containers that the path does not lead to.
    outside: usize,
    nodes: Vec<Range<usize>>,
    /// Memory for a node ran out.
    failure: Option<Error>,
    /// A wildcard selects members of an object, among which duplicate names have to be found.
    needs_index: bool,
}

/// An open container that the start of the path leads to.
struct Frame {
    container: Container,
    start: usize,
    /// Number of segments that lead to it.
    level: usize,
    index: usize,
    /// Whether the path leads to the current child.
    leads_on: bool,
    /// Number of nodes before a member with the right name: a later one with the same name replaces it.
    before: Option<usize>,
}

impl<'a> Selection<'a> {
    pub fn new(text: &'a [u8], PlainPath(path): &'a PlainPath) -> Self {
        Selection { text, path, frames: Vec::new(), outside: 0, nodes: Vec::new(), failure: None, needs_index: false }
    }

    /// Returns the ranges of the nodes, or `None` if they can only be found by an index.
    ///
    /// # Errors
    /// If memory for them ran out.
    pub fn nodes(self) -> Result<Option<Vec<Range<usize>>>> {
        if self.needs_index {
            return Ok(None);
        }
        self.failure.map_or(Ok(Some(self.nodes)), Err)
    }

    fn select(&mut self, range: Range<usize>) {
        match memory::reserve(&mut self.nodes, 1) {
            Ok(()) => self.nodes.push(range),
            Err(error) => self.failure = Some(error),
        }
    }

    /// Returns the number of segments that lead to the next value, if the path leads to it.
    fn level(&self) -> Option<usize> {
        match self.frames.last() {
            _ if self.outside > 0 => None,
            None => Some(0),
            Some(frame) => frame.leads_on.then_some(frame.level + 1),
        }
    }

    fn leads_to_index(&self, level: usize, index: usize) -> bool {
        match self.path.get(level) {
            Some(PlainSegment::Any) => true,
            Some(PlainSegment::Index(wanted)) => *wanted == index,
            _ => false,
        }
    }
}

impl Visitor for Selection<'_> {
    fn open(&mut self, at: usize, container: Container) {
        let Some(level) = self.level() else {
            self.outside += 1;
            return;
        };
        let leads_on = container == Container::List && self.leads_to_index(level, 0);
        self.needs_index |= container == Container::Object && self.path.get(level) == Some(&PlainSegment::Any);
        self.frames.push(Frame { container, start: at, level, index: 0, leads_on, before: None });
    }

    fn key(&mut self, range: Range<usize>) {
        if self.outside > 0 {
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(PlainSegment::Name(wanted)) = self.path.get(frame.level) else { return };
        frame.leads_on = is_name(&self.text[range], wanted);
        if frame.leads_on {
            let before = *frame.before.get_or_insert(self.nodes.len());
            self.nodes.truncate(before);
        }
    }

    fn scalar(&mut self, range: Range<usize>) {
        if self.level() == Some(self.path.len()) {
            self.select(range);
        }
    }

    fn comma(&mut self, _at: usize) {
        if self.outside > 0 {
            return;
        }
        let Some(&Frame { container: Container::List, level, index, .. }) = self.frames.last() else { return };
        let leads_on = self.leads_to_index(level, index + 1);
        if let Some(frame) = self.frames.last_mut() {
            (frame.index, frame.leads_on) = (index + 1, leads_on);
        }
    }

    fn close(&mut self, at: usize) {
        if self.outside > 0 {
            self.outside -= 1;
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        if frame.level == self.path.len() {
            self.select(frame.start..at + 1);
        }
    }
}

/// Returns whether a name as written, with its quotes, equals `wanted`.
fn is_name(written: &[u8], wanted: &str) -> bool {
    let inner = &written[1..written.len() - 1];
    if memchr::memchr(b'\\', inner).is_none() {
        return inner == wanted.as_bytes();
    }
    serde_json::from_slice::<String>(written).is_ok_and(|name| name == wanted)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_accepted() {
        use PlainSegment::{Any, Index, Name};
        let name = |name: &str| Name(name.to_string());
        let plain = [
            ("$", vec![]),
            ("$.a._b.é1", vec![name("a"), name("_b"), name("é1")]),
            ("$['a b'][\"c.d\"][0][*].*", vec![name("a b"), name("c.d"), Index(0), Any, Any]),
        ];
        for (path, segments) in plain {
            assert_eq!(PlainPath::of(path), Some(PlainPath(segments)), "{path}");
        }
        for path in
            ["$..a", "$[-1]", "$[0:1]", "$['a','b']", "$[?@.a]", "$ .a", "$[ 0]", "$['a\\n']", "$[1,2]", "$.a b"]
        {
            assert_eq!(PlainPath::of(path), None, "{path}");
        }
    }
}

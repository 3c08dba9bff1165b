//! Plain JSONPaths: names, indexes and wildcards alone. What they select is found while the document is read, without
//! building it.

use crate::error::{Error, Result};
use crate::transform::json::scanner::{Container, Visitor};
use crate::transform::memory;
use std::ops::Range;

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(usize),
    Any,
}

/// A path whose every segment selects children by one name, one index or all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct PlainPath(Vec<Segment>);

impl PlainPath {
    /// The path, if it is a plain one. What is no JSONPath at all may be taken for one: check that first.
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

fn segment(text: &str) -> Option<(Segment, &str)> {
    if let Some(text) = text.strip_prefix('.') {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        let is_plain = |name: &str| name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || !it.is_ascii());
        return match name {
            "*" => Some((Segment::Any, after)),
            name if !name.is_empty() && is_plain(name) => Some((Segment::Name(name.to_string()), after)),
            _ => None,
        };
    }
    let text = text.strip_prefix('[')?;
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let (name, after) = text[1..].split_once(quote)?;
        let after = after.strip_prefix(']')?;
        return (!name.contains('\\')).then(|| (Segment::Name(name.to_string()), after));
    }
    let (inner, after) = text.split_once(']')?;
    let segment = if inner == "*" { Segment::Any } else { Segment::Index(index(inner)?) };
    Some((segment, after))
}

fn index(text: &str) -> Option<usize> {
    if text.bytes().all(|digit| digit.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// What a plain path selects of the document that is being read.
pub struct Selection<'a> {
    text: &'a [u8],
    path: &'a [Segment],
    frames: Vec<Frame>,
    /// So many containers are open that are on no path.
    beside: usize,
    nodes: Vec<Range<usize>>,
    /// There was no memory for a node.
    failure: Option<Error>,
    is_unsure: bool,
}

/// A container that the beginning of the path leads to.
struct Frame {
    container: Container,
    start: usize,
    /// So many segments lead to it.
    level: usize,
    index: usize,
    /// Whether the path goes on to the current child.
    leads_on: bool,
    /// How many nodes there were before a member of the right name: one of the same name behind it replaces it.
    before: Option<usize>,
}

impl<'a> Selection<'a> {
    pub fn new(text: &'a [u8], PlainPath(path): &'a PlainPath) -> Self {
        Selection { text, path, frames: Vec::new(), beside: 0, nodes: Vec::new(), failure: None, is_unsure: false }
    }

    /// Returns the places of the nodes, or nothing if it takes the whole document to know them.
    ///
    /// # Errors
    /// If memory for them ran out.
    pub fn nodes(self) -> Result<Option<Vec<Range<usize>>>> {
        if self.is_unsure {
            return Ok(None);
        }
        self.failure.map_or(Ok(Some(self.nodes)), Err)
    }

    fn take(&mut self, place: Range<usize>) {
        match memory::reserve(&mut self.nodes, 1) {
            Ok(()) => self.nodes.push(place),
            Err(error) => self.failure = Some(error),
        }
    }

    /// How many segments lead to the value that begins now, if any do.
    fn level(&self) -> Option<usize> {
        match self.frames.last() {
            _ if self.beside > 0 => None,
            None => Some(0),
            Some(frame) => frame.leads_on.then_some(frame.level + 1),
        }
    }

    fn leads_to_index(&self, level: usize, index: usize) -> bool {
        match self.path.get(level) {
            Some(Segment::Any) => true,
            Some(Segment::Index(wanted)) => *wanted == index,
            _ => false,
        }
    }
}

impl Visitor for Selection<'_> {
    fn open(&mut self, at: usize, container: Container) {
        let Some(level) = self.level() else {
            self.beside += 1;
            return;
        };
        let leads_on = container == Container::List && self.leads_to_index(level, 0);
        // Of members with one name only the last one counts.
        self.is_unsure |= container == Container::Object && self.path.get(level) == Some(&Segment::Any);
        self.frames.push(Frame { container, start: at, level, index: 0, leads_on, before: None });
    }

    fn key(&mut self, place: Range<usize>) {
        if self.beside > 0 {
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(Segment::Name(wanted)) = self.path.get(frame.level) else { return };
        frame.leads_on = is_name(&self.text[place], wanted);
        if frame.leads_on {
            let before = *frame.before.get_or_insert(self.nodes.len());
            self.nodes.truncate(before);
        }
    }

    fn scalar(&mut self, place: Range<usize>) {
        if self.level() == Some(self.path.len()) {
            self.take(place);
        }
    }

    fn comma(&mut self, _at: usize) {
        if self.beside > 0 {
            return;
        }
        let Some(&Frame { container: Container::List, level, index, .. }) = self.frames.last() else { return };
        let leads_on = self.leads_to_index(level, index + 1);
        if let Some(frame) = self.frames.last_mut() {
            (frame.index, frame.leads_on) = (index + 1, leads_on);
        }
    }

    fn close(&mut self, at: usize) {
        if self.beside > 0 {
            self.beside -= 1;
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        if frame.level == self.path.len() {
            self.take(frame.start..at + 1);
        }
    }
}

/// Whether a name in quotes, as it is written, says `wanted`.
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
    fn plain_paths_are_told_from_others() {
        use Segment::{Any, Index, Name};
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

//! A document as an index of its nodes in document order: nothing is copied, and members keep their order.

use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::json::document::MAX_DEPTH;
use crate::transform::json::scanner::{Container, Visitor, scan};
use crate::transform::json::swar::string_end;
use crate::transform::memory;
use foldhash::{HashMap, HashMapExt};
use std::borrow::Cow;
use std::ops::Range;

/// Index of a node; the root is 0.
pub type NodeId = u32;

/// The node is its own value.
const ITSELF: NodeId = NodeId::MAX;
/// The node is skipped: an earlier member with the same name has its value.
const SHADOWED: NodeId = NodeId::MAX - 1;
/// Up to this many names are compared one by one.
const FEW: usize = 8;

#[derive(Debug, Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    /// The first node after it and its descendants.
    next: NodeId,
    /// The offset of its name, if it is a member.
    name: u32,
    /// The member that supplies the value. As in `JSON.parse`, of several members with the same name the first has the value of
    /// the last.
    value: NodeId,
}

#[derive(Debug)]
pub struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    depth: usize,
}

impl<'a> Tree<'a> {
    /// Indexes a document.
    ///
    /// # Errors
    /// For a document that is not JSON, nested deeper than [`MAX_DEPTH`] or longer than 4 GiB; of kind `Cancelled`.
    pub fn index(text: &'a [u8], cancel: &Cancel) -> Result<Self> {
        let text = str::from_utf8(text).map_err(|_| Error::invalid_data("The input is not valid UTF-8"))?;
        if u32::try_from(text.len()).is_err() {
            let message =
                format!("The document is too long for the path: it has {} bytes, the limit is 4 GiB", text.len());
            return Err(Error::new(Kind::OutputLimit, message));
        }
        let mut builder =
            Builder { tree: Tree { text, nodes: Vec::new(), depth: 0 }, open: Vec::new(), name: 0, failure: None };
        scan(text.as_bytes(), MAX_DEPTH, &mut builder, cancel)?;
        builder.failure.map_or(Ok(builder.tree), Err)
    }

    /// Returns the levels of nesting.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the text of a node.
    pub fn text(&self, id: NodeId) -> &'a str {
        let Node { start, end, .. } = self.node(id);
        &self.text[start as usize..end as usize]
    }

    /// Returns the first byte of a node's text, which identifies its kind.
    pub fn kind(&self, id: NodeId) -> u8 {
        self.text.as_bytes()[self.node(id).start as usize]
    }

    /// Returns the elements of a list or the members of an object.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let (mut at, end) = (id + 1, self.node(id).next);
        std::iter::from_fn(move || {
            while at < end {
                let (found, node) = (at, self.node(at));
                at = node.next;
                match node.value {
                    SHADOWED => {}
                    ITSELF => return Some(found),
                    other => return Some(other),
                }
            }
            None
        })
    }

    /// Returns the value of the member with a name.
    pub fn member(&self, id: NodeId, name: &str) -> Option<NodeId> {
        if self.kind(id) != b'{' {
            return None;
        }
        self.children(id).find(|&child| match self.written_name(child) {
            written if memchr::memchr(b'\\', written.as_bytes()).is_none() => written == name,
            written => decoded(written) == name,
        })
    }

    /// Returns the name of a member.
    pub fn name(&self, id: NodeId) -> Cow<'a, str> {
        decoded(self.written_name(id))
    }

    /// Returns the value of a string.
    pub fn string(&self, id: NodeId) -> Cow<'a, str> {
        let text = self.text(id);
        decoded(&text[1..text.len() - 1])
    }

    fn node(&self, id: NodeId) -> Node {
        self.nodes[id as usize]
    }

    /// Returns the name of a member as written between its quotes.
    fn written_name(&self, id: NodeId) -> &'a str {
        let start = self.node(id).name as usize;
        let end = string_end(self.text.as_bytes(), start);
        &self.text[start + 1..end - 1]
    }

    /// Gives the first of several members with the same name the value of the last.
    fn settle_names(&mut self, object: NodeId) {
        let (nodes, end) = (&self.nodes, self.node(object).next);
        let members = || {
            let next = move |&at: &NodeId| Some(nodes[at as usize].next).filter(|&next| next < end);
            std::iter::successors(Some(object + 1).filter(|&first| first < end), next)
        };
        let mut repeated = Vec::new();
        let mut few = Vec::with_capacity(FEW);
        for member in members().take(FEW) {
            let name = self.name(member);
            match few.iter().find(|(known, _)| *known == name) {
                Some(&(_, first)) => repeated.push((first, member)),
                None => few.push((name, member)),
            }
        }
        let mut rest = members().skip(FEW).peekable();
        if rest.peek().is_some() {
            let mut many: HashMap<Cow<'_, str>, NodeId> = HashMap::with_capacity(4 * FEW);
            many.extend(few);
            for member in rest {
                let first = *many.entry(self.name(member)).or_insert(member);
                if first != member {
                    repeated.push((first, member));
                }
            }
        }
        for (first, member) in repeated {
            self.nodes[first as usize].value = member;
            self.nodes[member as usize].value = SHADOWED;
        }
    }
}

/// Decodes a string given without its quotes. One with a lone surrogate is not decoded.
fn decoded(written: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', written.as_bytes()).is_none() {
        return Cow::Borrowed(written);
    }
    serde_json::from_str::<String>(&format!("\"{written}\"")).map_or(Cow::Borrowed(written), Cow::Owned)
}

struct Builder<'a> {
    tree: Tree<'a>,
    open: Vec<NodeId>,
    /// The offset of the next member's name.
    name: u32,
    /// Memory ran out: later nodes are missing.
    failure: Option<Error>,
}

impl Builder<'_> {
    fn push(&mut self, start: usize, end: usize) -> Option<NodeId> {
        if self.failure.is_none() {
            self.failure = memory::reserve(&mut self.tree.nodes, 1).err();
        }
        if self.failure.is_some() {
            return None;
        }
        let id = narrow(self.tree.nodes.len());
        let name = std::mem::take(&mut self.name);
        self.tree.nodes.push(Node { start: narrow(start), end: narrow(end), next: id + 1, name, value: ITSELF });
        Some(id)
    }
}

impl Visitor for Builder<'_> {
    fn open(&mut self, at: usize, _container: Container) {
        let Some(id) = self.push(at, at) else { return };
        self.open.push(id);
        self.tree.depth = self.tree.depth.max(self.open.len());
    }

    fn key(&mut self, range: Range<usize>) {
        self.name = narrow(range.start);
    }

    fn scalar(&mut self, range: Range<usize>) {
        self.push(range.start, range.end);
    }

    fn close(&mut self, at: usize) {
        if self.failure.is_some() {
            return;
        }
        let Some(id) = self.open.pop() else { return };
        let next = narrow(self.tree.nodes.len());
        let node = &mut self.tree.nodes[id as usize];
        (node.end, node.next) = (narrow(at + 1), next);
        if self.tree.kind(id) == b'{' {
            self.tree.settle_names(id);
        }
    }
}

/// Converts an index or an offset. A text has no more nodes than bytes, and their number fits a `u32`.
fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn children(text: &str) -> Vec<&str> {
        let tree = Tree::index(text.as_bytes(), &Cancel::new()).unwrap();
        let children: Vec<_> = tree.children(0).collect();
        children.into_iter().map(|id| tree.text(id)).collect()
    }

    #[test]
    fn children_come_in_the_order_of_the_text() {
        assert_eq!(children(r#" [ 1, [2, {"a": 3}], {}, "x" ] "#), ["1", r#"[2, {"a": 3}]"#, "{}", "\"x\""]);
        assert_eq!(children(r#"{"z": 1, "a": {"y": 2}, "m": []}"#), ["1", r#"{"y": 2}"#, "[]"]);
        assert!(children("12").is_empty() && children("[]").is_empty() && children("{}").is_empty());
    }

    #[test]
    fn the_first_of_one_name_has_the_value_of_the_last() {
        assert_eq!(children(r#"{"b":1,"a":2,"\u0062":3,"b":4}"#), ["4", "2"]);
        let many = (0..20).map(|n| format!("\"k{}\":{n}", n % 15)).collect::<Vec<_>>().join(",");
        let expected: Vec<_> = (15..20).chain(5..15).map(|n| n.to_string()).collect();
        assert_eq!(children(&format!("{{{many}}}")), expected);
        let halves = r#"{"\ud800":1,"\ud801":2,"\ud800":3}"#;
        assert_eq!(children(halves), ["3", "2"]);
    }

    #[test]
    fn members_are_found_by_name() {
        let text = r#"{"b":1,"a\n":[2],"b":{"b":5}}"#;
        let tree = Tree::index(text.as_bytes(), &Cancel::new()).unwrap();
        let member = |id, name| tree.member(id, name).map(|id| tree.text(id));
        assert_eq!(member(0, "b"), Some(r#"{"b":5}"#));
        assert_eq!(member(0, "a\n"), Some("[2]"));
        assert_eq!(member(0, "a"), None);
        assert_eq!(member(tree.member(0, "b").unwrap(), "b"), Some("5"));
        assert_eq!(tree.depth(), 2);
    }
}

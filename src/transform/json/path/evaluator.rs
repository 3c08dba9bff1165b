//! Evaluates a JSONPath on a document, depth first. There are no intermediate lists of nodes, and the caller can stop at any node.

use super::node_index::{NodeId, Tree};
use super::query::{Comparable, Operator, Pattern, Query, Segment, Selector, Test, compiled};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::transform::json::document::MAX_DEPTH;
use crate::transform::text::pattern::{MatchMode, PatternSource, Tester};
use foldhash::{HashMap, HashMapExt};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::hash_map::Entry;

/// Each segment of a query may select this many nodes, plus one for each byte of the document.
const MAX_NODES: usize = 1 << 22;
/// Cancellation is checked once per this many nodes.
const POLLED: usize = 1 << 12;
/// The most regular expressions from the document that are cached.
const MAX_PATTERNS: usize = 64;

/// A callback for each node. Returns whether to continue.
type Each<'e> = dyn FnMut(NodeId) -> Result<bool> + 'e;

/// The evaluation on one document, with its caches.
pub struct Evaluation<'a> {
    tree: &'a Tree<'a>,
    cancel: &'a Cancel,
    max: usize,
    seen: Cell<usize>,
    /// The results of queries from the root that select at most one node, by the address of the query.
    fixed: RefCell<HashMap<usize, Option<NodeId>>>,
    patterns: RefCell<HashMap<(String, MatchMode), Option<Tester>>>,
}

/// A value to compare.
enum Compared<'a> {
    Nothing,
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// A list or an object.
    Container(NodeId),
}

impl<'a> Evaluation<'a> {
    pub fn new(tree: &'a Tree<'a>, cancel: &'a Cancel) -> Self {
        let max = MAX_NODES + tree.text(0).len();
        let (fixed, patterns) = (RefCell::new(HashMap::new()), RefCell::new(HashMap::new()));
        Evaluation { tree, cancel, max, seen: Cell::new(0), fixed, patterns }
    }

    /// Calls `each` with the nodes that a query selects, in order, until it returns `false`. Returns its last result.
    ///
    /// # Errors
    /// When a segment selects too many nodes; of kind `Cancelled`; those of `each`.
    pub fn query(&self, query: &Query, current: NodeId, each: &mut Each<'_>) -> Result<bool> {
        // Each segment leads at least one level down.
        if query.segments.len() > MAX_DEPTH {
            return Ok(true);
        }
        let from = if query.is_absolute { 0 } else { current };
        self.follow(&query.segments, &mut vec![0; query.segments.len()], from, each)
    }

    /// Follows the remaining segments from a node; `counts` has the number of nodes that each has selected.
    fn follow(&self, segments: &[Segment], counts: &mut [usize], node: NodeId, each: &mut Each<'_>) -> Result<bool> {
        let (Some((segment, rest)), Some((count, later))) = (segments.split_first(), counts.split_first_mut()) else {
            return each(node);
        };
        let mut take = |found| {
            *count += 1;
            if *count > self.max {
                let message = format!("A segment of the path selects more than {} nodes", self.max);
                return Err(Error::new(Kind::OutputLimit, message));
            }
            self.poll()?;
            self.follow(rest, later, found, each)
        };
        if !segment.descends {
            return self.select(&segment.selectors, node, &mut take);
        }
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            self.poll()?;
            if !self.select(&segment.selectors, node, &mut take)? {
                return Ok(false);
            }
            let first = stack.len();
            stack.extend(self.tree.children(node));
            stack[first..].reverse();
        }
        Ok(true)
    }

    fn select(&self, selectors: &[Selector], node: NodeId, take: &mut Each<'_>) -> Result<bool> {
        let is_list = self.tree.kind(node) == b'[';
        for selector in selectors {
            match selector {
                Selector::Name(name) => {
                    if let Some(found) = self.tree.member(node, name)
                        && !take(found)?
                    {
                        return Ok(false);
                    }
                }
                Selector::Index(index) if is_list => {
                    if let Some(found) = self.element(node, *index)
                        && !take(found)?
                    {
                        return Ok(false);
                    }
                }
                Selector::Slice { start, end, step } if is_list => {
                    let elements: Vec<NodeId> = self.tree.children(node).collect();
                    for index in sliced(elements.len(), *start, *end, *step) {
                        if !take(elements[index])? {
                            return Ok(false);
                        }
                    }
                }
                Selector::Index(_) | Selector::Slice { .. } => {}
                Selector::Any => {
                    for child in self.tree.children(node) {
                        if !take(child)? {
                            return Ok(false);
                        }
                    }
                }
                Selector::Filter(test) => {
                    for child in self.tree.children(node) {
                        self.poll()?;
                        if self.holds(test, child)? && !take(child)? {
                            return Ok(false);
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    fn element(&self, list: NodeId, index: i64) -> Option<NodeId> {
        let from_end = || self.tree.children(list).count().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
        let index = if index < 0 { from_end()? } else { usize::try_from(index).ok()? };
        self.tree.children(list).nth(index)
    }

    fn holds(&self, test: &Test, node: NodeId) -> Result<bool> {
        match test {
            Test::Any(tests) => {
                for test in tests {
                    if self.holds(test, node)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::All(tests) => {
                for test in tests {
                    if !self.holds(test, node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Not(test) => Ok(!self.holds(test, node)?),
            Test::Exists(query) => Ok(!self.query(query, node, &mut |_| Ok(false))?),
            Test::Compare(left, operator, right) => {
                let (left, right) = (self.value(left, node)?, self.value(right, node)?);
                Ok(match operator {
                    Operator::Equal => self.equal(&left, &right)?,
                    Operator::NotEqual => !self.equal(&left, &right)?,
                    Operator::Less => order(&left, &right) == Some(Ordering::Less),
                    Operator::Greater => order(&left, &right) == Some(Ordering::Greater),
                    Operator::LessOrEqual => {
                        order(&left, &right) == Some(Ordering::Less) || self.equal(&left, &right)?
                    }
                    Operator::GreaterOrEqual => {
                        order(&left, &right) == Some(Ordering::Greater) || self.equal(&left, &right)?
                    }
                })
            }
            Test::Matches(text, pattern) => self.matches(text, pattern, node),
        }
    }

    fn matches(&self, text: &Comparable, pattern: &Pattern, node: NodeId) -> Result<bool> {
        let Compared::Text(text) = self.value(text, node)? else { return Ok(false) };
        let (pattern, mode) = match pattern {
            Pattern::Static(tester) => return Ok(tester.as_ref().is_some_and(|pattern| pattern.is_match(&text))),
            Pattern::Dynamic { pattern, mode } => (self.value(pattern, node)?, mode),
        };
        let Compared::Text(pattern) = pattern else { return Ok(false) };
        let mut patterns = self.patterns.borrow_mut();
        if patterns.len() >= MAX_PATTERNS {
            patterns.clear();
        }
        let tester = match patterns.entry((pattern.into_owned(), *mode)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.cancel.check()?;
                let tester = compiled(&entry.key().0, *mode, PatternSource::Document);
                entry.insert(tester)
            }
        };
        Ok(tester.as_ref().is_some_and(|pattern| pattern.is_match(&text)))
    }

    fn value(&self, comparable: &Comparable, node: NodeId) -> Result<Compared<'a>> {
        #[expect(clippy::cast_precision_loss, reason = "no document has 2^53 nodes")]
        let number = |count: usize| Compared::Number(count as f64);
        Ok(match comparable {
            Comparable::Null => Compared::Null,
            Comparable::Bool(bool) => Compared::Bool(*bool),
            Comparable::Number(number) => Compared::Number(*number),
            Comparable::Text(text) => Compared::Text(Cow::Owned(text.clone())),
            Comparable::Single(query) => self.single(query, node)?.map_or(Compared::Nothing, |id| self.read_value(id)),
            Comparable::Length(of) => match self.value(of, node)? {
                Compared::Text(text) => number(text.chars().count()),
                Compared::Container(id) => number(self.tree.children(id).count()),
                _ => Compared::Nothing,
            },
            Comparable::Count(query) => {
                let mut count = 0;
                self.query(query, node, &mut |_| {
                    count += 1;
                    Ok(true)
                })?;
                number(count)
            }
            Comparable::Value(query) => {
                let mut found = None;
                let mut take = |id| {
                    let is_first = found.is_none();
                    found = Some(id);
                    Ok(is_first)
                };
                let is_only = self.query(query, node, &mut take)?;
                found.filter(|_| is_only).map_or(Compared::Nothing, |id| self.read_value(id))
            }
        })
    }

    /// Returns the node of a query that selects at most one. For a query from the root it is cached.
    fn single(&self, query: &Query, node: NodeId) -> Result<Option<NodeId>> {
        let key = std::ptr::from_ref(query).addr();
        if let Some(found) = self.fixed.borrow().get(&key).filter(|_| query.is_absolute) {
            return Ok(*found);
        }
        let mut found = None;
        self.query(query, node, &mut |id| {
            found = Some(id);
            Ok(false)
        })?;
        if query.is_absolute {
            self.fixed.borrow_mut().insert(key, found);
        }
        Ok(found)
    }

    fn read_value(&self, id: NodeId) -> Compared<'a> {
        match self.tree.kind(id) {
            b'n' => Compared::Null,
            b't' => Compared::Bool(true),
            b'f' => Compared::Bool(false),
            b'"' => Compared::Text(self.tree.string(id)),
            b'[' | b'{' => Compared::Container(id),
            _ => Compared::Number(self.tree.text(id).parse().unwrap_or(f64::NAN)),
        }
    }

    fn equal(&self, left: &Compared<'_>, right: &Compared<'_>) -> Result<bool> {
        #[expect(clippy::float_cmp, reason = "as JSONPath compares")]
        Ok(match (left, right) {
            (Compared::Nothing, Compared::Nothing) | (Compared::Null, Compared::Null) => true,
            (Compared::Bool(left), Compared::Bool(right)) => left == right,
            (Compared::Number(left), Compared::Number(right)) => left == right,
            (Compared::Text(left), Compared::Text(right)) => left == right,
            (Compared::Container(left), Compared::Container(right)) => self.equal_containers(*left, *right)?,
            _ => false,
        })
    }

    fn equal_containers(&self, left: NodeId, right: NodeId) -> Result<bool> {
        let tree = self.tree;
        if left == right {
            return Ok(true);
        }
        if tree.kind(left) != tree.kind(right) || tree.children(left).count() != tree.children(right).count() {
            return Ok(false);
        }
        if tree.kind(left) == b'[' {
            return self.equal_each(tree.children(left).zip(tree.children(right)));
        }
        let names = |id: NodeId| tree.children(id).map(|member| tree.name(member)).collect::<Vec<_>>();
        if names(left) == names(right) {
            return self.equal_each(tree.children(left).zip(tree.children(right)));
        }
        let others: HashMap<_, _> = names(right).into_iter().zip(tree.children(right)).collect();
        let pairs: Option<Vec<_>> =
            names(left).iter().zip(tree.children(left)).map(|(name, left)| Some((left, *others.get(name)?))).collect();
        pairs.map_or(Ok(false), |pairs| self.equal_each(pairs.into_iter()))
    }

    fn equal_each(&self, pairs: impl Iterator<Item = (NodeId, NodeId)>) -> Result<bool> {
        for (left, right) in pairs {
            self.poll()?;
            if !self.equal(&self.read_value(left), &self.read_value(right))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn poll(&self) -> Result<()> {
        self.seen.set(self.seen.get() + 1);
        if self.seen.get().is_multiple_of(POLLED) { self.cancel.check() } else { Ok(()) }
    }
}

/// Orders two values, if they are comparable.
fn order(left: &Compared<'_>, right: &Compared<'_>) -> Option<Ordering> {
    match (left, right) {
        (Compared::Number(left), Compared::Number(right)) => left.partial_cmp(right),
        (Compared::Text(left), Compared::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Returns the indexes that a slice selects of `len` elements.
fn sliced(len: usize, start: Option<i64>, end: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_start = |index: i64| if index < 0 { index + len } else { index };
    let (first, last) = if step >= 0 {
        (from_start(start.unwrap_or(0)).clamp(0, len), from_start(end.unwrap_or(len)).clamp(0, len))
    } else {
        let last = end.map_or(-1, |end| from_start(end).clamp(-1, len - 1));
        (from_start(start.unwrap_or(len - 1)).clamp(-1, len - 1), last)
    };
    let next = move |&at: &i64| Some(at + step);
    std::iter::successors(Some(first).filter(|_| step != 0), next)
        .take_while(move |&at| if step > 0 { at < last } else { at > last })
        .filter_map(|at| usize::try_from(at).ok())
}

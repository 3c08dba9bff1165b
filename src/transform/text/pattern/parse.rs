//! A parser for the pattern grammar of ECMA-262 with the `u` flag, including the modifiers and duplicate names of its 2025 edition.
//! It also reads valid but unsupported syntax, so that errors can distinguish the two.

use super::refusal::Refusal;
use super::tree::{Flags, Look, Node, Repeat, any, complement, set, terminators};
use std::collections::HashSet;

/// Limits nested groups, since parsing and compiling recurse.
const MAX_DEPTH: usize = 100;
/// Limits the characters of a pattern, and with them the memory of its tree.
const MAX_CHARS: usize = 1 << 18;
/// Limits the ranges of all sets together; `\p{L}` alone has hundreds.
const MAX_RANGES: usize = 1 << 18;

pub type Parsed<T> = Result<T, Refusal>;

/// A parsed pattern.
#[derive(Debug)]
pub struct Tree {
    pub node: Node,
    /// The name of each group; group 1 comes first.
    pub names: Vec<Option<String>>,
    /// The first unsupported construct; `node` is incomplete if there is one.
    pub unsupported: Option<Refusal>,
}

pub struct Parser {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) flags: Flags,
    names: Vec<Option<String>>,
    /// The largest backreference by number, and all by name, with their offsets.
    largest: (usize, usize),
    referred: Vec<(String, usize)>,
    unsupported: Option<Refusal>,
    depth: usize,
    pub(super) ranges: usize,
}

/// Parses a whole pattern.
///
/// # Errors
/// For a pattern that is invalid or too large.
pub fn parse(pattern: &str, flags: Flags) -> Parsed<Tree> {
    let chars: Vec<char> = pattern.chars().take(MAX_CHARS + 1).collect();
    if chars.len() > MAX_CHARS {
        return Err(Refusal::TooLarge(format!("it is longer than {MAX_CHARS} characters")));
    }
    let mut parser = Parser {
        chars,
        at: 0,
        flags,
        names: Vec::new(),
        largest: (0, 0),
        referred: Vec::new(),
        unsupported: None,
        depth: 0,
        ranges: 0,
    };
    let (node, _) = parser.disjunction()?;
    match parser.peek() {
        Some(')') => return Err(parser.invalid("unmatched ')'")),
        Some(_) => unreachable!("a disjunction ends at a parenthesis or at the end"),
        None => {}
    }
    if parser.largest.0 > parser.names.len() {
        return Err(parser.invalid_at(parser.largest.1, "a backreference to a missing group"));
    }
    let names: HashSet<_> = parser.names.iter().flatten().collect();
    for (name, at) in &parser.referred {
        if !names.contains(name) {
            return Err(parser.invalid_at(*at, "a backreference to an unknown name"));
        }
    }
    Ok(Tree { node, names: parser.names, unsupported: parser.unsupported })
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_there = text.chars().enumerate().all(|(index, it)| self.chars.get(self.at + index) == Some(&it));
        if is_there {
            self.at += text.chars().count();
        }
        is_there
    }

    /// Returns an error at the current offset.
    pub(super) fn invalid(&self, reason: &str) -> Refusal {
        self.invalid_at(self.at, reason)
    }

    pub(super) fn invalid_at(&self, at: usize, reason: &str) -> Refusal {
        Refusal::Syntax { reason: reason.to_string(), at: self.units(at) }
    }

    /// Checks the ranges of all sets, and `more` of the class being read.
    pub(super) fn check_ranges(&self, more: usize) -> Parsed<()> {
        if self.ranges + more > MAX_RANGES {
            return Err(Refusal::TooLarge("its classes require too much memory".to_string()));
        }
        Ok(())
    }

    /// Converts an offset to UTF-16 code units.
    fn units(&self, at: usize) -> usize {
        self.chars[..at.min(self.chars.len())].iter().map(|it| it.len_utf16()).sum()
    }

    /// Records the first unsupported construct.
    pub(super) fn unsupported(&mut self, at: usize, reason: &str) {
        if self.unsupported.is_none() {
            self.unsupported = Some(Refusal::Unsupported { reason: reason.to_string(), at: self.units(at) });
        }
    }

    pub(super) fn refer_to(&mut self, group: usize, at: usize) {
        if group > self.largest.0 {
            self.largest = (group, at);
        }
    }

    pub(super) fn refer_to_name(&mut self, name: String, at: usize) {
        self.referred.push((name, at));
    }

    /// Reads alternatives up to a closing parenthesis or the end. Returns the names of their groups too.
    fn disjunction(&mut self) -> Parsed<(Node, HashSet<String>)> {
        let mut alternatives = Vec::new();
        let mut names = HashSet::new();
        loop {
            let (node, of_this) = self.alternative()?;
            alternatives.push(node);
            names.extend(of_this);
            if !self.eat("|") {
                return Ok((Node::either(alternatives), names));
            }
        }
    }

    fn alternative(&mut self) -> Parsed<(Node, HashSet<String>)> {
        let mut parts = Vec::new();
        let mut names = HashSet::new();
        loop {
            self.skip_space();
            let Some(next) = self.peek().filter(|it| !matches!(it, '|' | ')')) else {
                return Ok((Node::concat(parts), names));
            };
            let (start, first_group) = (self.at, self.group_count());
            let (node, may_repeat) = match next {
                '^' | '$' => (self.anchor(next), false),
                '(' => self.group(&mut names)?,
                '\\' => self.escape()?,
                '[' => (self.class()?, true),
                '.' => (self.dot(), true),
                '*' | '+' | '?' => return Err(self.invalid("nothing to repeat")),
                '{' => return Err(self.invalid("nothing to repeat; '{' itself needs a backslash")),
                '}' | ']' => return Err(self.invalid(&format!("a lone '{next}' needs a backslash"))),
                _ => {
                    self.at += 1;
                    (self.literal(next), true)
                }
            };
            self.skip_space();
            if let Node::Set(set) = &node {
                self.ranges += set.ranges().len();
                self.check_ranges(0)?;
            }
            let node = self.quantified(node, may_repeat, start, first_group)?;
            parts.push(node);
        }
    }

    fn group_count(&self) -> u32 {
        u32::try_from(self.names.len()).expect("no more groups than characters")
    }

    /// Under `x`, skips white space and comments.
    fn skip_space(&mut self) {
        while let Some(next) = self.peek().filter(|_| self.flags.spaced) {
            match next {
                '#' => {
                    while self.peek().is_some_and(|it| !super::tree::is_terminator(it)) {
                        self.at += 1;
                    }
                }
                _ if super::tree::contains(&super::tree::space(), next) => self.at += 1,
                _ => return,
            }
        }
    }

    fn anchor(&mut self, which: char) -> Node {
        self.at += 1;
        Node::Look(match (which, self.flags.multi_line) {
            ('^', false) => Look::Start,
            ('^', true) => Look::LineStart,
            (_, false) => Look::End,
            (_, true) => Look::LineEnd,
        })
    }

    fn dot(&mut self) -> Node {
        self.at += 1;
        Node::Set(match self.flags {
            Flags { dot_all: true, .. } => any(),
            Flags { short_lines: true, .. } => complement(set(&[('\n', '\n'), ('\r', '\r')])),
            _ => complement(terminators()),
        })
    }

    /// Reads a group. Returns whether a quantifier may follow it too.
    fn group(&mut self, names: &mut HashSet<String>) -> Parsed<(Node, bool)> {
        let start = self.at;
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::TooLarge(format!("its groups are nested deeper than {MAX_DEPTH} levels")));
        }
        let outer = self.flags;
        let looks = [("?=", "lookahead"), ("?!", "lookahead"), ("?<=", "lookbehind"), ("?<!", "lookbehind")];
        let look = looks.into_iter().find(|(opening, _)| self.eat(opening));
        let mut group = None;
        if let Some((opening, kind)) = look {
            self.unsupported(start, &format!("look-around ({kind} '({opening}') needs backtracking"));
        } else if self.eat("?<") {
            let name = self.group_name()?;
            if !names.insert(name.clone()) {
                return Err(self.invalid_at(start, "a duplicate group name"));
            }
            self.names.push(Some(name));
            group = Some(self.group_count());
        } else if self.eat("?") {
            self.modifiers()?;
        } else {
            self.names.push(None);
            group = Some(self.group_count());
        }
        let (inner, of_inner) = self.disjunction()?;
        if !self.eat(")") {
            return Err(self.invalid_at(start, "a group without its ')'"));
        }
        for name in of_inner {
            if !names.insert(name) {
                return Err(self.invalid_at(start, "a duplicate group name"));
            }
        }
        self.flags = outer;
        self.depth -= 1;
        Ok(match (group, look) {
            (Some(group), _) => (Node::Group(group, Box::new(inner)), true),
            (None, Some(_)) => (Node::Empty, false),
            (None, None) => (inner, true),
        })
    }

    /// Reads `:`, or the flags to add and to remove: `i-ms:`.
    fn modifiers(&mut self) -> Parsed<()> {
        let start = self.at;
        let mut seen = String::new();
        let mut adds = true;
        loop {
            let flag = match self.next() {
                Some(':') => break,
                Some('-') if adds => {
                    adds = false;
                    continue;
                }
                Some(flag @ ('i' | 'm' | 's')) if !seen.contains(flag) => flag,
                _ => return Err(self.invalid_at(start, "invalid group")),
            };
            seen.push(flag);
            match flag {
                'i' => self.flags.ignore_case = adds,
                'm' => self.flags.multi_line = adds,
                _ => self.flags.dot_all = adds,
            }
        }
        if !adds && seen.is_empty() {
            return Err(self.invalid_at(start, "invalid group"));
        }
        Ok(())
    }

    /// Applies the quantifier that follows a node, if any.
    fn quantified(&mut self, node: Node, may_repeat: bool, start: usize, first_group: u32) -> Parsed<Node> {
        let at = self.at;
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                self.counts(at)?
            }
            _ => return Ok(node),
        };
        if self.chars[at] != '{' {
            self.at += 1;
        }
        if !may_repeat {
            return Err(self.invalid_at(start, "an assertion cannot be repeated"));
        }
        let greedy = !self.eat("?");
        let groups = first_group + 1..self.group_count() + 1;
        Ok(Node::Repeat(Box::new(Repeat { body: node, min, max, greedy, groups })))
    }

    /// Reads `3}`, `3,}` or `3,4}`.
    fn counts(&mut self, at: usize) -> Parsed<(u32, Option<u32>)> {
        let wrong = |parser: &Self| parser.invalid_at(at, "an incomplete quantifier; '{' itself needs a backslash");
        let min = self.number().ok_or_else(|| wrong(self))?;
        let max = if !self.eat(",") {
            Some(min)
        } else if self.peek() == Some('}') {
            None
        } else {
            Some(self.number().ok_or_else(|| wrong(self))?)
        };
        if !self.eat("}") {
            return Err(wrong(self));
        }
        if max.is_some_and(|max| max < min) {
            return Err(self.invalid_at(at, "a quantifier out of order"));
        }
        let bounded = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        // No text is long enough for a larger count to matter.
        Ok((bounded(min), max.map(bounded).filter(|max| *max < u32::MAX)))
    }

    /// Reads digits; the value saturates.
    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number: u64 = 0;
        while let Some(digit) = self.peek().and_then(|it| it.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit.into());
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }
}

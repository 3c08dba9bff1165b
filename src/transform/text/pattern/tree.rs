//! The tree of a parsed pattern, and the character sets of ECMA-262.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use std::ops::Range;

pub type Set = ClassUnicode;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Empty,
    Char(char),
    Set(Set),
    Look(Look),
    /// A capturing group with its number, from 1.
    Group(u32, Box<Node>),
    Concat(Vec<Node>),
    /// Alternatives in order of preference.
    Either(Vec<Node>),
    Repeat(Box<Repeat>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    pub body: Node,
    pub min: u32,
    pub max: Option<u32>,
    pub greedy: bool,
    /// The groups of the original body, which each iteration clears.
    pub groups: Range<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Start,
    End,
    LineStart,
    LineEnd,
    /// `\b`, or `\B` with `negated`. With `folded`, U+017F and U+212A are word characters.
    Word {
        negated: bool,
        folded: bool,
    },
}

/// The flags in effect at an offset of a pattern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags")]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
    pub dot_all: bool,
    /// The dot matches all but `\n` and `\r`, as in RFC 9485.
    pub short_lines: bool,
    /// `x`: ignores white space and comments. ECMA-262 has no such flag.
    pub spaced: bool,
}

pub const LONG_S: char = '\u{17f}';
pub const KELVIN: char = '\u{212a}';

pub fn set(ranges: &[(char, char)]) -> Set {
    Set::new(ranges.iter().map(|&(start, end)| ClassUnicodeRange::new(start, end)))
}

pub fn any() -> Set {
    set(&[('\0', char::MAX)])
}

pub fn digits() -> Set {
    set(&[('0', '9')])
}

pub fn word(folded: bool) -> Set {
    let mut word = set(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
    if folded {
        word.union(&set(&[(LONG_S, LONG_S), (KELVIN, KELVIN)]));
    }
    word
}

/// Returns WhiteSpace and LineTerminator.
pub fn space() -> Set {
    set(&[
        ('\t', '\r'),
        (' ', ' '),
        ('\u{a0}', '\u{a0}'),
        ('\u{1680}', '\u{1680}'),
        ('\u{2000}', '\u{200a}'),
        ('\u{2028}', '\u{2029}'),
        ('\u{202f}', '\u{202f}'),
        ('\u{205f}', '\u{205f}'),
        ('\u{3000}', '\u{3000}'),
        ('\u{feff}', '\u{feff}'),
    ])
}

pub fn terminators() -> Set {
    set(&[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')])
}

pub fn is_terminator(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Returns the characters that are not in a set.
pub fn complement(mut set: Set) -> Set {
    set.negate();
    set
}

pub fn contains(set: &Set, character: char) -> bool {
    let index = set.ranges().partition_point(|range| range.end() < character);
    set.ranges().get(index).is_some_and(|range| range.start() <= character)
}

impl Node {
    /// Calls `f` with each node, the outer ones first.
    pub fn each(&self, f: &mut impl FnMut(&Node)) {
        f(self);
        match self {
            Node::Group(_, inner) => inner.each(f),
            Node::Concat(parts) | Node::Either(parts) => parts.iter().for_each(|part| part.each(f)),
            Node::Repeat(repeat) => repeat.body.each(f),
            Node::Empty | Node::Char(_) | Node::Set(_) | Node::Look(_) => {}
        }
    }

    /// Returns whether the node can match without consuming a character.
    pub fn is_nullable(&self) -> bool {
        match self {
            Node::Empty | Node::Look(_) => true,
            Node::Char(_) | Node::Set(_) => false,
            Node::Group(_, inner) => inner.is_nullable(),
            Node::Concat(parts) => parts.iter().all(Node::is_nullable),
            Node::Either(parts) => parts.iter().any(Node::is_nullable),
            Node::Repeat(repeat) => repeat.min == 0 || repeat.body.is_nullable(),
        }
    }

    pub fn concat(mut parts: Vec<Node>) -> Node {
        match parts.len() {
            0 => Node::Empty,
            1 => parts.remove(0),
            _ => Node::Concat(parts),
        }
    }

    /// Joins alternatives; without any the result never matches.
    pub fn either(mut parts: Vec<Node>) -> Node {
        match parts.len() {
            0 => Node::Set(Set::empty()),
            1 => parts.remove(0),
            _ => Node::Either(parts),
        }
    }
}

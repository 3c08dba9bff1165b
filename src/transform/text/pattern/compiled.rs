//! Patterns compiled for searching: with the regex crate and, where its answer would differ from ECMA-262, with the [`Machine`] too.

use super::loops::{keeps_groups, rewritten};
use super::machine::Machine;
use super::parse::parse;
use super::printer;
use super::program::Program;
use super::refusal::{Refusal, last_line};
use super::size::size;
use super::tree::{Flags, KELVIN, LONG_S, Look, Node, contains};
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;

/// Never reached: the parser limits nesting first.
const NESTS: u32 = 2000;
/// Bytes of the compiled form of a pattern in the regex crate; larger ones run in [`Machine`] alone.
const MAX_REGEX: usize = 10 << 20;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    /// `None` if it would require too much memory.
    pub regex: Option<Regex>,
    /// The name of each group; group 1 comes first.
    pub names: Vec<Option<String>>,
    /// The number in the pattern of each group of `regex`, which lacks groups that never match.
    pub groups: Vec<usize>,
    /// Present if `regex` alone may differ from ECMA-262.
    pub program: Option<Program>,
    pub needs: Needs,
}

/// Traits of a pattern that the regex crate does not cover.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits")]
pub struct Needs {
    /// An iteration of a loop may clear a group.
    pub clearing: bool,
    /// Has `^` or `$` with `m`.
    pub lines: bool,
    /// Distinguishes a carriage return from a line feed.
    pub returns: bool,
    /// Has `\b` or `\B` with `i`, which counts U+017F and U+212A as word characters.
    pub folded_words: bool,
}

impl Needs {
    pub fn of(node: &Node) -> Self {
        let mut needs = Needs::default();
        node.each(&mut |it| match it {
            Node::Look(Look::LineStart | Look::LineEnd) => needs.lines = true,
            Node::Look(Look::Word { folded: true, .. }) => needs.folded_words = true,
            Node::Char('\r' | '\n') => needs.returns = true,
            Node::Set(set) => needs.returns |= contains(set, '\r') != contains(set, '\n'),
            _ => {}
        });
        needs
    }
}

impl Pattern {
    /// Compiles a pattern to search with. Pass `groups` to read groups from a [`super::search::Searcher`].
    ///
    /// # Errors
    /// For an invalid pattern, an unsupported one and one that is too large.
    pub fn new(pattern: &str, flags: Flags, groups: bool) -> Result<Self, Refusal> {
        let (node, names) = parsed(pattern, flags)?;
        Self::of(&node, names, groups)
    }

    pub fn of(node: &Node, names: Vec<Option<String>>, groups: bool) -> Result<Self, Refusal> {
        let regex = if size(node) > MAX_REGEX { None } else { compile_regex(&printer::print(node))? };
        let needs = Needs { clearing: groups && !keeps_groups(node), ..Needs::of(node) };
        let program = if regex.is_none() || needs.clearing || needs.lines || needs.folded_words {
            Some(Program::with_groups(node, names.len())?)
        } else {
            None
        };
        let mut numbers = Vec::new();
        node.each(&mut |it| {
            if let Node::Group(group, _) = it {
                numbers.push(*group as usize);
            }
        });
        Ok(Pattern { regex, names, groups: numbers, program, needs })
    }

    pub fn names(&self) -> &[Option<String>] {
        &self.names
    }

    /// Returns whether the pattern matches anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        match (plain(self, text), &self.regex, &self.program) {
            (Some(plain), Some(regex), _) => regex.is_match(&plain),
            (_, _, Some(program)) => {
                Machine::default().find(program, text, 0, None, &mut vec![0; 2 * (self.names.len() + 1)])
            }
            (_, _, None) => unreachable!("compiled with its program"),
        }
    }
}

/// Returns the text for the regex crate, with the same offsets, or `None` if the crate cannot search it as ECMA-262 does.
pub fn plain<'t>(pattern: &Pattern, text: &'t str) -> Option<Cow<'t, str>> {
    let needs = &pattern.needs;
    if pattern.regex.is_none()
        || needs.folded_words && text.contains([LONG_S, KELVIN])
        || needs.lines && text.contains(['\u{2028}', '\u{2029}'])
    {
        return None;
    }
    if !needs.lines || !text.contains('\r') {
        return Some(Cow::Borrowed(text));
    }
    // The pattern does not distinguish `\r` from `\n`.
    (!needs.returns).then(|| Cow::Owned(text.replace('\r', "\n")))
}

/// Returns whether a text is a valid pattern of ECMA-262, supported or not.
pub fn is_pattern(text: &str) -> bool {
    // A pattern too large to compile may still be valid.
    !matches!(parse(text, Flags::default()), Err(Refusal::Syntax { .. }))
}

/// Parses and rewrites a pattern. Returns the names of its groups too.
pub fn parsed(pattern: &str, flags: Flags) -> Result<(Node, Vec<Option<String>>), Refusal> {
    let tree = parse(pattern, flags)?;
    match tree.unsupported {
        Some(refusal) => Err(refusal),
        None => Ok((rewritten(tree.node)?, tree.names)),
    }
}

/// Compiles a pattern in the syntax of the regex crate. Returns `None` if it requires too much memory.
pub fn compile_regex(printed: &str) -> Result<Option<Regex>, Refusal> {
    match RegexBuilder::new(printed).nest_limit(NESTS).size_limit(MAX_REGEX).build() {
        Ok(regex) => Ok(Some(regex)),
        Err(regex::Error::CompiledTooBig(_)) => Ok(None),
        Err(other) => Err(Refusal::TooLarge(last_line(&other))),
    }
}

//! Patterns that only test for a match: those of JSON Schema and JSONPath. Without offsets, counts need no copies.

use super::ascii::AsciiTable;
use super::compiled::{Needs, Pattern, parsed};
use super::counter::{Counter, check_counts};
use super::printer;
use super::refusal::{Refusal, last_line};
use super::size::{size, trimmed};
use super::tree::{Flags, Look, Node};
use regex_syntax::ParserBuilder;

/// Bytes of all compiled patterns of one schema, approximately.
pub const MAX_COMPILED: usize = 64 << 20;
/// Bytes of the patterns in the regex crate; further ones run in a [`Counter`].
const MAX_FAST: usize = 32 << 20;
/// Bytes of one pattern in the regex crate, which take milliseconds to compile.
const MAX_REGEX: usize = 1 << 20;
/// Like `MAX_REGEX`, for a pattern that comes from a document.
const MAX_OF_DOCUMENT: usize = 1 << 17;
/// Bytes of all tables of one schema; further patterns have none.
const MAX_TABLES: usize = 1 << 20;
/// The regex crate's default limit of nesting, minus the groups that a caller adds around the pattern.
const NESTS_OF_NAMES: u32 = 240;

/// The memory left for the compiled patterns of a schema.
#[derive(Debug)]
pub struct Budget {
    fast: usize,
    tables: usize,
    all: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { fast: MAX_FAST, tables: MAX_TABLES, all: MAX_COMPILED }
    }
}

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(rest) = self.all.checked_sub(bytes) else {
            let reason = format!("the patterns of the schema require more than {} MiB together", MAX_COMPILED >> 20);
            return Err(Refusal::TooLarge(reason));
        };
        self.all = rest;
        Ok(())
    }

    /// Returns the table of a pattern, if it is small.
    fn table(&mut self, node: &Node) -> Option<AsciiTable> {
        let table = AsciiTable::new(node)?;
        self.tables = self.tables.checked_sub(table.bytes())?;
        Some(table)
    }
}

/// Whether a pattern must match all of a text, as with `match` of JSONPath, or a part of it, as with `search`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchMode {
    Whole,
    Anywhere,
}

/// The origin of a pattern of JSONPath. Patterns from a document must compile in a short time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternSource {
    Path,
    Document,
}

/// A compiled pattern that only tests for a match.
#[derive(Debug)]
pub enum Tester {
    Fast(Box<(Option<AsciiTable>, Pattern)>),
    Counted(Counter),
}

impl Tester {
    /// Compiles a pattern of JSON Schema.
    ///
    /// # Errors
    /// For an invalid or unsupported pattern, and for one that exceeds its limit or the budget.
    pub fn new(pattern: &str, budget: &mut Budget) -> Result<Self, Refusal> {
        let (node, names) = parsed(pattern, Flags::default())?;
        Self::of(node, names, MAX_REGEX, budget)
    }

    /// Compiles a pattern of JSONPath. RFC 9485 is a subset of ECMA-262 except for the dot.
    ///
    /// # Errors
    /// As [`Tester::new`].
    pub fn of_path(pattern: &str, mode: MatchMode, source: PatternSource) -> Result<Self, Refusal> {
        let (mut node, names) = parsed(pattern, Flags { short_lines: true, ..Flags::default() })?;
        if mode == MatchMode::Whole {
            node = Node::Concat(vec![Node::Look(Look::Start), node, Node::Look(Look::End)]);
        }
        let max = match source {
            PatternSource::Path => MAX_REGEX,
            PatternSource::Document => MAX_OF_DOCUMENT,
        };
        Self::of(node, names, max, &mut Budget::default())
    }

    fn of(node: Node, names: Vec<Option<String>>, max: usize, budget: &mut Budget) -> Result<Self, Refusal> {
        let bytes = size(&node);
        if bytes <= max && bytes <= budget.fast {
            budget.take(bytes)?;
            budget.fast -= bytes;
            let pattern = Pattern::of(&node, names, false)?;
            return Ok(Tester::Fast(Box::new((budget.table(&node), pattern))));
        }
        check_counts(&node)?;
        let counter = Counter::of(&trimmed(node))?;
        budget.take(counter.size)?;
        Ok(Tester::Counted(counter))
    }

    /// Returns whether the pattern matches anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Tester::Fast(fast) => {
                let (table, pattern) = &**fast;
                let known = table.as_ref().and_then(|table| table.is_match(text));
                known.unwrap_or_else(|| pattern.is_match(text))
            }
            Tester::Counted(counter) => counter.is_match(text),
        }
    }
}

/// Translates a pattern to the syntax of the regex crate, for matching without groups.
///
/// # Errors
/// As [`Tester::new`], and for a pattern that needs more than the regex crate.
pub fn for_regex_crate(pattern: &str, budget: &mut Budget) -> Result<String, Refusal> {
    let (mut node, _) = parsed(pattern, Flags::default())?;
    let needs = Needs::of(&node);
    if needs.lines || needs.folded_words {
        let reason = "'^' or '$' in '(?m:', or '\\b' in '(?i:', is not supported in patternProperties";
        return Err(Refusal::Unsupported { reason: reason.to_string(), at: 0 });
    }
    if size(&node) > MAX_REGEX {
        check_counts(&node)?;
        node = trimmed(node);
    }
    budget.take(size(&node))?;
    let printed = printer::print(&node);
    let parsed = ParserBuilder::new().nest_limit(NESTS_OF_NAMES).build().parse(&printed);
    parsed.map_err(|error| Refusal::TooLarge(last_line(&error)))?;
    Ok(printed)
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::text::pattern::compiled::compile_regex;

    fn counted(pattern: &str) -> Counter {
        let (node, _) = parsed(pattern, Flags::default()).unwrap();
        Counter::of(&trimmed(node)).unwrap()
    }

    fn texts() -> Vec<String> {
        let mut texts = vec![String::new()];
        for at in 0.. {
            if texts[at].chars().count() == 5 {
                return texts;
            }
            for next in ['a', 'b', '\n', 'é'] {
                texts.push(format!("{}{next}", texts[at]));
            }
        }
        unreachable!("there are long texts")
    }

    #[test]
    fn counting_agrees_with_the_search() {
        let texts = texts();
        for pattern in [
            "^a{2,3}$",
            "a{2,3}",
            "a{2}$",
            "^a{2}",
            "^[ab]{0,2}$",
            "^a{0,2}b{1,2}$",
            "^(?:a{1,2}b){1,2}$",
            "^(?:a{1,2}b?){2,}$",
            "^(?:[ab]{2}|a{3}b)+$",
            "(?:a{2}|b){2,3}é",
            "^.{2,4}$",
            "(?m:^.{2}$)",
            "(?m:^a{1,2}$)[^]{2}",
            "\\b[a-z]{2}\\b",
            "(?i:\\ba{2})",
            "^(?:a{2,})?b{1,}$",
            "^a*b+é?$",
            "^(?:a{0,2}b{0,2})*é$",
            "^(?:a{1,2}){2}$",
            "^(?:[^]{1,2}){2}b$",
            "a|b{2}$",
            "^(?:^a{2}|b)$",
            "[]{2}",
            "^[]{0,2}$",
            "(?:a{2}){0,3}$",
            "b{0,3}a{2}b{0,3}",
            "^a{3,4}a{0,1}$",
            "(?:ab{1,3}){2}a",
        ] {
            let (counter, pattern) = (counted(pattern), Pattern::new(pattern, Flags::default(), false).unwrap());
            for text in &texts {
                assert_eq!(counter.is_match(text), pattern.is_match(text), "{pattern:?} on {text:?}");
            }
        }
    }

    #[test]
    fn large_counts_need_little_memory() {
        for (pattern, good, bad) in [
            ("^.{1,20000}$", 20_000, 20_001),
            ("^[^<>]{1,200000}$", 200_000, 200_001),
            ("^(?:[\\p{L}\\p{N}]{1,64}){2,10}$", 640, 641),
            ("^\\p{L}{4,}$", 4, 3),
        ] {
            let counter = counted(pattern);
            assert!(counter.is_match(&"é".repeat(good)) && !counter.is_match(&"é".repeat(bad)), "{pattern}");
            assert!(counter.size < 1 << 18, "{pattern}");
        }
        assert!(Tester::new("(?:a{1000}){1000}", &mut Budget::default()).is_err());
    }

    #[test]
    fn sizes_are_upper_bounds() {
        for class in [
            "a",
            "[a-z]",
            ".",
            "[^<>]",
            "\\p{L}",
            "\\P{L}",
            "\\p{Lu}",
            "\\S",
            "\\p{sc=Greek}",
            "[é-ü]",
            "[\\p{L}\\p{N}\\p{P}]",
            "(?:a|b)",
        ] {
            for count in ["{100}", "{0,100}", "{2,100}?", "", "*", "+"] {
                let (node, _) = parsed(&format!("^{class}{count}$"), Flags::default()).unwrap();
                let limit = 2000 + size(&node);
                let built = regex::RegexBuilder::new(&printer::print(&node)).size_limit(limit).build();
                assert!(built.is_ok(), "{class}{count} requires more than {limit} bytes");
            }
        }
        assert!(matches!(compile_regex("a{9999999}"), Ok(None)));
    }

    #[test]
    fn the_patterns_of_a_schema_share_a_limit() {
        let mut budget = Budget::default();
        let made = (0..20_000).map(|index| Tester::new(&format!("^\\p{{L}}{{1,20}}{index}$"), &mut budget));
        let made: Result<Vec<_>, _> = made.collect();
        assert!(matches!(made, Err(Refusal::TooLarge(reason)) if reason.contains("64 MiB together")));
    }
}

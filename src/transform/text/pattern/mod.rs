//! Regular expressions of ECMA-262 with the `u` flag in linear time. Patterns that need backtracking (look-around, backreferences)
//! are refused. The pattern is parsed, rewritten and printed in the syntax of the regex crate, which does the search.

mod classes;
mod counter;
mod escape;
mod loops;
mod machine;
mod parse;
mod property;
mod rust;
mod search;
mod size;
mod tester;
mod tree;

pub use search::Searcher;
pub use tester::{MAX_COMPILED, Room, Tester, for_regex_crate};
pub use tree::Flags;

use loops::{keeps_groups, rewritten};
use machine::{Machine, Program};
use parse::parse;
use regex::{Regex, RegexBuilder};
use search::plain;
use size::size;
use std::fmt;
use tree::{KELVIN, LONG_S, Look, Node, contains};

/// Never reached: the parser limits nesting first.
const NESTS: u32 = 2000;
/// Bytes of the compiled form of a pattern in the regex crate; larger ones run in [`Machine`] alone.
const MAX_REGEX: usize = 10 << 20;
/// Characters of a pattern that a message quotes.
const MAX_TOLD: usize = 100;

/// Why a pattern is refused. `at` counts UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not valid in ECMA-262.
    Syntax {
        reason: String,
        at: usize,
    },
    /// Valid in ECMA-262, but not supported.
    Unsupported {
        reason: String,
        at: usize,
    },
    TooLarge(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Syntax { reason, at } | Refusal::Unsupported { reason, at } => write!(f, "{reason} (at {at})"),
            Refusal::TooLarge(reason) => write!(f, "it is too large: {reason}"),
        }
    }
}

impl Refusal {
    /// Formats the rule, the reason and the start of the pattern.
    pub fn explain(&self, pattern: &str) -> String {
        let rule = "must be a regular expression of ECMA-262 with the u flag that takes linear time";
        let mut start: String = pattern.chars().take(MAX_TOLD).collect();
        if start.len() < pattern.len() {
            start.push('…');
        }
        format!("{rule}: {self}. Received '{start}'")
    }
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    /// `None` if it would take too much memory.
    regex: Option<Regex>,
    /// The name of each group; group 1 comes first.
    names: Vec<Option<String>>,
    /// The number in the pattern of each group of `regex`, which lacks groups that never match.
    groups: Vec<usize>,
    /// Present if `regex` alone may differ from ECMA-262.
    program: Option<Program>,
    needs: Needs,
}

/// Traits of a pattern that the regex crate does not cover.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits")]
struct Needs {
    /// An iteration of a loop may clear a group.
    forgetting: bool,
    /// Has `^` or `$` with `m`.
    lines: bool,
    /// Distinguishes a carriage return from a line feed.
    returns: bool,
    /// Has `\b` or `\B` with `i`, which counts U+017F and U+212A as word characters.
    folded_words: bool,
}

impl Needs {
    fn of(node: &Node) -> Self {
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
    /// Compiles a pattern to search with. Pass `groups` to read groups from a [`Searcher`].
    ///
    /// # Errors
    /// For an invalid pattern, an unsupported one and one that is too large.
    pub fn new(pattern: &str, flags: Flags, groups: bool) -> Result<Self, Refusal> {
        let (node, names) = read(pattern, flags)?;
        Self::of(&node, names, groups)
    }

    fn of(node: &Node, names: Vec<Option<String>>, groups: bool) -> Result<Self, Refusal> {
        let regex = if size(node) > MAX_REGEX { None } else { compile(&rust::written(node))? };
        let needs = Needs { forgetting: groups && !keeps_groups(node), ..Needs::of(node) };
        let program = if regex.is_none() || needs.forgetting || needs.lines || needs.folded_words {
            Some(Program::of(node, names.len())?)
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

/// Returns whether a text is a valid pattern of ECMA-262, supported or not.
pub fn is_pattern(text: &str) -> bool {
    // A pattern too large to compile may still be valid.
    !matches!(parse(text, Flags::default()), Err(Refusal::Syntax { .. }))
}

fn read(pattern: &str, flags: Flags) -> Result<(Node, Vec<Option<String>>), Refusal> {
    let tree = parse(pattern, flags)?;
    match tree.unsupported {
        Some(refusal) => Err(refusal),
        None => Ok((rewritten(tree.node)?, tree.names)),
    }
}

/// Compiles a pattern in the syntax of the regex crate. Returns `None` if it takes too much memory.
fn compile(written: &str) -> Result<Option<Regex>, Refusal> {
    match RegexBuilder::new(written).nest_limit(NESTS).size_limit(MAX_REGEX).build() {
        Ok(regex) => Ok(Some(regex)),
        Err(regex::Error::CompiledTooBig(_)) => Ok(None),
        Err(other) => Err(Refusal::TooLarge(last_line(&other))),
    }
}

/// Returns the reason in an error of the regex crates, which ends with it.
fn last_line(error: &impl fmt::Display) -> String {
    error.to_string().lines().last().unwrap_or_default().to_string()
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    const PLAIN: Flags =
        Flags { ignore_case: false, multi_line: false, dot_all: false, short_lines: false, spaced: false };

    /// Formats each match with its groups: `ab(a,-)`.
    fn found(pattern: &str, flags: Flags, text: &str) -> Vec<String> {
        let pattern = Pattern::new(pattern, flags, true).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let mut searcher = Searcher::new(&pattern, text, true);
        let mut all = Vec::new();
        while let Some(place) = searcher.advance() {
            let groups: Vec<_> =
                (1..=pattern.names().len()).map(|group| searcher.group(group).unwrap_or("-")).collect();
            all.push(format!("{}({})", &text[place], groups.join(",")));
        }
        assert_eq!(pattern.is_match(text), !all.is_empty());
        all
    }

    fn reason(pattern: &str) -> String {
        Pattern::new(pattern, PLAIN, true).err().unwrap_or_else(|| panic!("{pattern} is taken")).to_string()
    }

    #[test]
    fn backtracking_is_refused_with_the_place() {
        for (pattern, expected) in [
            ("a(?=b)", "look-around (lookahead '(?=') needs backtracking (at 1)"),
            ("😀(?!b)", "look-around (lookahead '(?!') needs backtracking (at 2)"),
            ("(?<=b)", "look-around (lookbehind '(?<=') needs backtracking (at 0)"),
            ("(?<!b)", "look-around (lookbehind '(?<!') needs backtracking (at 0)"),
            ("(a)\\1", "a backreference needs backtracking (at 3)"),
            ("\\k<n>(?<n>a)", "a backreference needs backtracking (at 0)"),
        ] {
            assert_eq!(reason(pattern), expected);
            assert!(is_pattern(pattern), "{pattern}");
        }
        assert_eq!(reason("\\p{CWKCF}"), "this Unicode property is not supported (at 0)");
    }

    #[test]
    fn invalid_patterns_are_refused() {
        let bad = "a++ a** ^* (?=a)* {1} a{2,1} a{1 } ] ( ) [ [b-a] [\\w-a] [a-\\w] \\ \\A \\z \\Z \\a \\e \\h \\- \\_ \\x4 \\x{41} \\u12 \
                   \\u{110000} \\u{} \\c1 \\01 \\00 \\1 \\k \\k<n> (?<n>a)\\k<m> (?<1>a) (?<>a) (?<n (?P<n>a) (?i) (?-:a) (?ii:a) (?i-i:a) \
                   (?u:a) (?<n>a)(?<n>b) (?:(?<n>a)|b)(?<n>c) \\pL \\p{} \\p{greek} \\p{Greek} \\p{letter} \\p{L \\p{sc=L} \\p{Foo=L} [\\B] [\\k]";
        for pattern in bad.split_ascii_whitespace() {
            assert!(matches!(Pattern::new(pattern, PLAIN, true), Err(Refusal::Syntax { .. })), "{pattern}");
            assert!(!is_pattern(pattern), "{pattern}");
        }
    }

    #[test]
    fn large_patterns_are_refused() {
        let nested = |times: usize| "(".repeat(times) + &")".repeat(times);
        assert_eq!(reason(&nested(100_000)), "it is too large: its groups are nested deeper than 100 levels");
        Pattern::new(&nested(100), PLAIN, true).unwrap();
        for pattern in [
            "(?:a{1000}){1000}",
            "a{4294967294}",
            &"a".repeat((1 << 18) + 1),
            &"\\p{L}".repeat(40_000),
            &format!("(?:{})*", "a?".repeat(100_000)),
            &format!("(?:{})*", "a??".repeat(100_000)),
            &("(?:a?".repeat(90) + &")*".repeat(90)),
            "(?:(a)?){100000}",
            "(?:(?:(a?)b?){9999})*",
        ] {
            let start: String = pattern.chars().take(20).collect();
            assert!(matches!(Pattern::new(pattern, PLAIN, true), Err(Refusal::TooLarge(_))), "{start}");
        }
        assert_eq!(found("a{0,4294967295}", PLAIN, "aa"), ["aa()", "()"]);
    }

    #[test]
    fn loops_clear_groups_and_reject_empty_rounds() {
        assert_eq!(found("(z)((a+)?(b+)?(c))*", PLAIN, "zaacbbbcac"), ["zaacbbbcac(z,ac,a,-,c)"]);
        assert_eq!(found("(?:(a)|b)*", PLAIN, "ab"), ["ab(-)", "(-)"]);
        assert_eq!(found("(a*)*", PLAIN, "b"), ["(-)", "(-)"]);
        assert_eq!(found("(a*)+", PLAIN, "b"), ["()", "()"]);
        assert_eq!(found("(|a)*", PLAIN, "aa"), ["aa(a)", "(-)"]);
        assert_eq!(found("(?:a?(?:()|b))*", PLAIN, "ab"), ["ab(-)", "(-)"]);
        assert_eq!(found("(?:a?){2,3}?b", PLAIN, "aaab"), ["aaab()"]);
        assert_eq!(found("(a*)?", PLAIN, "b"), ["(-)", "(-)"]);
        assert_eq!(found("(?:(a)|(b)){0}c", PLAIN, "c"), ["c(-,-)"]);
    }

    #[test]
    fn lines_end_as_in_javascript() {
        let lines = Flags { multi_line: true, ..PLAIN };
        for text in ["a\nb", "a\rb", "a\u{2028}b", "a\u{2029}b"] {
            assert_eq!(found("^.$", lines, text), ["a()", "b()"]);
            assert!(found("^b", PLAIN, text).is_empty() && found("a$", PLAIN, text).is_empty());
        }
        assert_eq!(found("^", lines, "a\r\nb").len(), 3);
        assert_eq!(found("\\n$", lines, "a\r\nb"), [""; 0]);
        assert_eq!(found("\\r$", lines, "a\r\nb"), ["\r()"]);
        assert_eq!(found(".", PLAIN, "\n\r\u{2028}\u{2029}\u{85}"), ["\u{85}()"]);
    }

    #[test]
    fn folding_adds_two_word_characters() {
        let folded = Flags { ignore_case: true, ..PLAIN };
        assert_eq!(found("\\w", folded, "\u{17f}\u{212a}é"), ["\u{17f}()", "\u{212a}()"]);
        assert_eq!(found("\\W", folded, "\u{17f}\u{212a}é"), ["é()"]);
        assert_eq!(found("\\bs\\b", folded, "S \u{17f} \u{212a}s"), ["S()", "\u{17f}()"]);
        assert_eq!(found("\\b\\u212a\\b", PLAIN, "\u{212a}"), [""; 0]);
        assert_eq!(found("\\P{Lu}", folded, "AÉ"), ["A()", "É()"]);
    }

    #[test]
    fn the_x_flag_skips_space_and_comments() {
        let spaced = Flags { spaced: true, ..PLAIN };
        assert_eq!(found(" a # (\n [ ] +\tb", spaced, "a  b"), ["a  b()"]);
    }

    fn translated(pattern: &str) -> Result<String, Refusal> {
        for_regex_crate(pattern, &mut Room::default())
    }

    #[test]
    fn patterns_translate_to_the_regex_crate() {
        for pattern in ["^x-", "^(a|b)$", "ab", "^a-z_/$", "(a)+b*?c{2,3}"] {
            assert_eq!(translated(pattern).unwrap(), pattern);
        }
        for (pattern, text) in
            [("^\\p{Lu}[^]$", "É😀"), ("\\bé", "aé"), ("^[\\]\\-&&~]+$", "]-&~"), ("^\\s$", "\u{feff}")]
        {
            assert!(Regex::new(&translated(pattern).unwrap()).unwrap().is_match(text), "{pattern}");
        }
        assert!(translated("(?m:^a)").is_err() && translated("(?i:\\ba)").is_err());
    }

    #[test]
    fn all_properties_but_one_have_tables() {
        let lacking: Vec<_> = property::all().filter(|name| property::property(name).is_none()).collect();
        assert_eq!(lacking, ["CWKCF", "Changes_When_NFKC_Casefolded"]);
    }
}

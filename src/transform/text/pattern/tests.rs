use super::compiled::{Pattern, is_pattern};
use super::property;
use super::refusal::Refusal;
use super::search::Searcher;
use super::tester::{Budget, for_regex_crate};
use super::tree::Flags;
use regex::Regex;

const PLAIN: Flags = Flags { ignore_case: false, multi_line: false, dot_all: false, short_lines: false, spaced: false };

/// Formats each match with its groups: `ab(a,-)`.
fn found(pattern: &str, flags: Flags, text: &str) -> Vec<String> {
    let pattern = Pattern::new(pattern, flags, true).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let mut searcher = Searcher::new(&pattern, text, true);
    let mut all = Vec::new();
    while let Some(range) = searcher.advance() {
        let groups: Vec<_> = (1..=pattern.names().len()).map(|group| searcher.group(group).unwrap_or("-")).collect();
        all.push(format!("{}({})", &text[range], groups.join(",")));
    }
    assert_eq!(pattern.is_match(text), !all.is_empty());
    all
}

fn reason(pattern: &str) -> String {
    Pattern::new(pattern, PLAIN, true).err().unwrap_or_else(|| panic!("{pattern} is accepted")).to_string()
}

#[test]
fn backtracking_is_refused_with_the_offset() {
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
fn loops_clear_groups_and_reject_empty_iterations() {
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
    for_regex_crate(pattern, &mut Budget::default())
}

#[test]
fn patterns_translate_to_the_regex_crate() {
    for pattern in ["^x-", "^(a|b)$", "ab", "^a-z_/$", "(a)+b*?c{2,3}"] {
        assert_eq!(translated(pattern).unwrap(), pattern);
    }
    for (pattern, text) in [("^\\p{Lu}[^]$", "É😀"), ("\\bé", "aé"), ("^[\\]\\-&&~]+$", "]-&~"), ("^\\s$", "\u{feff}")]
    {
        assert!(Regex::new(&translated(pattern).unwrap()).unwrap().is_match(text), "{pattern}");
    }
    assert!(translated("(?m:^a)").is_err() && translated("(?i:\\ba)").is_err());
}

#[test]
fn all_properties_but_one_have_tables() {
    let missing: Vec<_> = property::all().filter(|name| property::property(name).is_none()).collect();
    assert_eq!(missing, ["CWKCF", "Changes_When_NFKC_Casefolded"]);
}

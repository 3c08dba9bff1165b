//! Finds and replaces regular expressions of ECMA-262 with the `u` flag, each match in linear time. Offsets for JavaScript count
//! UTF-16 code units.

use super::detect_encoding::{into_string, text};
use super::pattern::{Flags, Pattern, Searcher};
use crate::args::{Args, ArgumentError, quoted};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Output, Transform};
use crate::transform::memory;
use crate::transform::output_limit::{check_output, max_output};
use crate::transform::value::Value;
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

/// Most bytes of a match in the result, without its texts.
const MATCH_BYTES: usize = 96;

#[derive(Clone)]
struct Matches {
    pattern: Arc<Pattern>,
    /// Names as JSON, in the order of the pattern, each with the groups that share it.
    groups: Arc<[(String, Vec<usize>)]>,
    limit: usize,
    max_output: u64,
}

#[derive(Clone)]
struct Replace {
    pattern: Arc<Pattern>,
    parts: Arc<[ReplacementPart]>,
    max_output: u64,
}

/// A part of a replacement.
#[derive(Debug, PartialEq, Eq)]
enum ReplacementPart {
    Text(String),
    /// Groups that share a name, at most one of which participates in a match.
    Named(Vec<usize>),
    Group(usize),
    Match,
    /// The text before the match, or after it.
    Before,
    After,
}

/// `text.matches(pattern, { flags, limit, maxOutput })`
pub fn matches(args: &Args) -> BuildResult {
    let options = args.options(1, &["flags", "limit", "maxOutput"])?;
    let pattern = compile(args.text(0, "pattern")?, options.text("flags")?.unwrap_or_default())?;
    let limit = options.integer("limit", 1..=i64::from(u32::MAX))?;
    Ok(Box::new(Matches {
        groups: named_groups(pattern.names()).into(),
        pattern: Arc::new(pattern),
        limit: limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        max_output: max_output(&options)?,
    }))
}

/// `text.replace(pattern, replacement, { flags, maxOutput })`
pub fn replace(args: &Args) -> BuildResult {
    let options = args.options(2, &["flags", "maxOutput"])?;
    let pattern = compile(args.text(0, "pattern")?, options.text("flags")?.unwrap_or_default())?;
    let parts = parts(args.text(1, "replacement")?, pattern.names());
    Ok(Box::new(Replace { pattern: Arc::new(pattern), parts: parts.into(), max_output: max_output(&options)? }))
}

fn named_groups(names: &[Option<String>]) -> Vec<(String, Vec<usize>)> {
    let mut named: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let Some(key) = name.as_ref().map(json) else { continue };
        match named.iter_mut().find(|(known, _)| *known == key) {
            Some((_, groups)) => groups.push(index + 1),
            None => named.push((key, vec![index + 1])),
        }
    }
    named
}

fn json<T: Serialize + ?Sized>(text: &T) -> String {
    serde_json::to_string(text).expect("strings")
}

fn compile(pattern: &str, flags: &str) -> std::result::Result<Pattern, ArgumentError> {
    let mut known = Flags::default();
    for (index, flag) in flags.char_indices() {
        match flag {
            _ if flags[..index].contains(flag) => {
                return Err(ArgumentError::value(
                    "The \"options.flags\" property must not repeat a flag",
                    quoted(flags),
                ));
            }
            'i' => known.ignore_case = true,
            'm' => known.multi_line = true,
            's' => known.dot_all = true,
            'x' => known.spaced = true,
            // Always set.
            'g' | 'u' => {}
            _ => {
                let rule = "The \"options.flags\" property must consist of 'g', 'i', 'm', 's', 'u' and 'x'";
                return Err(ArgumentError::value(rule, quoted(flags)));
            }
        }
    }
    Pattern::new(pattern, known, true).map_err(|refusal| {
        ArgumentError::value(format_args!("The \"pattern\" argument {}", refusal.explain()), quoted(pattern))
    })
}

/// Parses a replacement like `String.prototype.replace`: `$1`, `$<name>`, `$&`, `` $` ``, `$'`, `$$`. A number without a group is
/// literal, and so is a name in a pattern without named groups; any other unknown name is replaced by nothing.
fn parts(replacement: &str, names: &[Option<String>]) -> Vec<ReplacementPart> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = replacement;
    // Names cannot end after it.
    let last_end = replacement.rfind('>').unwrap_or(0);
    while let Some(dollar) = rest.find('$') {
        text.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        let (part, length) = reference(after, names, replacement.len() - after.len() < last_end)
            .unwrap_or_else(|| (ReplacementPart::Text("$".into()), 0));
        match part {
            ReplacementPart::Text(it) => text.push_str(&it),
            found => {
                parts.push(ReplacementPart::Text(std::mem::take(&mut text)));
                parts.push(found);
            }
        }
        rest = &after[length..];
    }
    text.push_str(rest);
    parts.push(ReplacementPart::Text(text));
    parts.retain(|part| *part != ReplacementPart::Text(String::new()));
    parts
}

/// Parses a reference after its dollar sign. Returns its length too.
fn reference(after: &str, names: &[Option<String>], may_be_named: bool) -> Option<(ReplacementPart, usize)> {
    match after.as_bytes().first()? {
        b'$' => Some((ReplacementPart::Text("$".into()), 1)),
        b'&' => Some((ReplacementPart::Match, 1)),
        b'`' => Some((ReplacementPart::Before, 1)),
        b'\'' => Some((ReplacementPart::After, 1)),
        b'<' if may_be_named && names.iter().any(Option::is_some) => {
            let end = after.find('>')?;
            let is_it = |name: &Option<String>| name.as_deref() == Some(&after[1..end]);
            let groups = (1..=names.len()).filter(|group| is_it(&names[group - 1])).collect();
            Some((ReplacementPart::Named(groups), end + 1))
        }
        _ => {
            let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
            // Two digits if there is such a group, otherwise one.
            (1..=digits).rev().find_map(|length| {
                let group = after[..length].parse().ok()?;
                (1..=names.len()).contains(&group).then_some((ReplacementPart::Group(group), length))
            })
        }
    }
}

/// Converts offsets from bytes to UTF-16 code units, incrementally.
struct CodeUnits<'a> {
    text: &'a str,
    bytes: usize,
    units: usize,
}

impl CodeUnits<'_> {
    fn at(&mut self, offset: usize) -> usize {
        if offset < self.bytes {
            return self.units - self.text[offset..self.bytes].encode_utf16().count();
        }
        let between = &self.text[self.bytes..offset];
        self.units += if between.is_ascii() { between.len() } else { between.encode_utf16().count() };
        self.bytes = offset;
        self.units
    }
}

impl Transform for Matches {
    fn name(&self) -> &'static str {
        "text.matches"
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Matches { max_output: self.max_output.min(max_output), ..self.clone() }))
    }

    fn output(&self) -> Output {
        Output::Json
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = into_string(text(input)?)?;
        let mut units = CodeUnits { text: &text, bytes: 0, units: 0 };
        let mut out = String::from("[");
        let mut searcher = Searcher::new(&self.pattern, &text, true);
        for index in 0..self.limit {
            let Some(found) = searcher.advance() else { break };
            cancel.check()?;
            let (start, end) = (units.at(found.start), units.at(found.end));
            let captures: Vec<_> = (1..=self.pattern.names().len()).map(|group| searcher.group(group)).collect();
            memory::check(found.len() + captures.iter().flatten().map(|it| it.len()).sum::<usize>())?;
            let matched = json(&text[found]);
            let groups = self.groups.iter().map(|(key, groups)| {
                let group = groups.iter().find_map(|group| captures[group - 1]);
                format!("{key}:{}", json(&group))
            });
            let groups = if self.groups.is_empty() {
                String::new()
            } else {
                format!(",\"groups\":{{{}}}", groups.collect::<Vec<_>>().join(","))
            };
            let captures = json(&captures);
            memory::reserve_text(&mut out, matched.len() + captures.len() + groups.len() + MATCH_BYTES)?;
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(
                out,
                "{comma}{{\"index\":{start},\"end\":{end},\"text\":{matched},\"captures\":{captures}{groups}}}"
            );
            check_output(out.len(), self.max_output)?;
        }
        cancel.check()?;
        out.push(']');
        Ok(Value::Json(out))
    }
}

impl Transform for Replace {
    fn name(&self) -> &'static str {
        "text.replace"
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Replace { max_output: self.max_output.min(max_output), ..self.clone() }))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = into_string(text(input)?)?;
        let mut out = String::new();
        let mut at = 0;
        let has_groups =
            self.parts.iter().any(|part| matches!(part, ReplacementPart::Group(_) | ReplacementPart::Named(_)));
        let mut searcher = Searcher::new(&self.pattern, &text, has_groups);
        while let Some(found) = searcher.advance() {
            cancel.check()?;
            memory::append_text(&mut out, &text[at..found.start])?;
            at = found.end;
            for part in &*self.parts {
                let piece = match part {
                    ReplacementPart::Text(text) => text,
                    ReplacementPart::Match => &text[found.clone()],
                    ReplacementPart::Group(group) => searcher.group(*group).unwrap_or_default(),
                    ReplacementPart::Named(groups) => {
                        groups.iter().find_map(|it| searcher.group(*it)).unwrap_or_default()
                    }
                    ReplacementPart::Before => &text[..found.start],
                    ReplacementPart::After => &text[found.end..],
                };
                check_output(out.len() + piece.len(), self.max_output)?;
                memory::append_text(&mut out, piece)?;
            }
        }
        check_output(out.len() + text.len() - at, self.max_output)?;
        memory::append_text(&mut out, &text[at..])?;
        Ok(Value::Text(out))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, options, whole};

    fn found(pattern: &str, flags: &str, input: &str) -> String {
        let transform = matches(&args([arg(pattern), options([("flags", arg(flags))])])).unwrap();
        String::from_utf8(whole(&*transform, input.as_bytes()).unwrap()).unwrap()
    }

    fn replaced(pattern: &str, replacement: &str, input: &str) -> String {
        let transform = replace(&args([arg(pattern), arg(replacement)])).unwrap();
        String::from_utf8(whole(&*transform, input.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn offsets_count_utf16_code_units() {
        assert_eq!(
            found("(b)(x)?", "", "a😀b é b"),
            r#"[{"index":3,"end":4,"text":"b","captures":["b",null]},{"index":7,"end":8,"text":"b","captures":["b",null]}]"#
        );
        assert_eq!(found("^b", "im", "a\nB"), r#"[{"index":2,"end":3,"text":"B","captures":[]}]"#);
        assert_eq!(found("x", "", "abc"), "[]");
    }

    #[test]
    fn groups_are_named() {
        assert_eq!(
            found("(?<n>a)|(.)(?<\u{e9}>c)?|(?<n>d)", "", "ad"),
            concat!(
                r#"[{"index":0,"end":1,"text":"a","captures":["a",null,null,null],"groups":{"n":"a","é":null}},"#,
                r#"{"index":1,"end":2,"text":"d","captures":[null,"d",null,null],"groups":{"n":null,"é":null}}]"#
            )
        );
        assert_eq!(
            found("(?<n>a)|(?<n>b)", "", "b"),
            r#"[{"index":0,"end":1,"text":"b","captures":[null,"b"],"groups":{"n":"b"}}]"#
        );
    }

    #[test]
    fn output_is_limited() {
        let limited = |max: u32| options([("maxOutput", Arg::Number(max.into()))]);
        let matches =
            |max| whole(&*matches(&args([arg("a"), limited(max)])).unwrap(), b"aaaa").map_err(|error| error.kind);
        assert_eq!((matches(300).is_ok(), matches(50)), (true, Err(Kind::OutputLimit)));
        let replace = |max| {
            whole(&*replace(&args([arg("."), arg("$&$&$&"), limited(max)])).unwrap(), b"abcd")
                .map_err(|error| error.kind)
        };
        assert_eq!((replace(12).is_ok(), replace(11)), (true, Err(Kind::OutputLimit)));
    }

    #[test]
    fn replacements_agree_with_javascript() {
        assert_eq!(replaced("(?<first>\\w)(\\w)", "$2$<first>", "abcd"), "badc");
        assert_eq!(replaced("b", "[$&$$$1$]", "abc"), "a[b$$1$]c");
        assert_eq!(replaced("(a)", "$12", "a"), "a2");
        assert_eq!(replaced("", "-", "ab"), "-a-b-");
        assert_eq!(replaced("b", "[$`|$']", "abc"), "a[a|c]c");
        assert_eq!(replaced("(?<n>b)", "<$<x>$<n>>", "abc"), "a<b>c");
        assert_eq!(replaced("(b)", "$<x>", "abc"), "a$<x>c");
        assert_eq!(replaced("(?<n>b)", "$<n", "abc"), "a$<nc");
    }

    #[test]
    fn unsupported_patterns_and_flags_are_refused() {
        for pattern in ["(?=a)", "(a)\\1", "(", "a{100000}{100000}"] {
            let error = matches(&args([arg(pattern)])).err().unwrap();
            assert_eq!(error.code(), "ERR_INVALID_ARG_VALUE", "{pattern}");
        }
        let flags = options([("flags", arg("y"))]);
        assert_eq!(matches(&args([arg("a"), flags])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE");
        let limit = args([arg("a"), options([("limit", Arg::Number(2.0))])]);
        let two = whole(&*matches(&limit).unwrap(), b"aaa").unwrap();
        assert_eq!(
            two,
            br#"[{"index":0,"end":1,"text":"a","captures":[]},{"index":1,"end":2,"text":"a","captures":[]}]"#
        );
    }

    #[test]
    fn matching_takes_linear_time() {
        let evil = "a".repeat(50_000) + "!";
        assert_eq!(found("^(a+)+$", "", &evil), "[]");
    }
}

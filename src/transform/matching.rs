//! Regular expressions that no input can make explode: the regex crate's, of RE2's family, which take linear time. What needs
//! backtracking (look-around, back references) is refused when the transform is made.
//!
//! Places are told in UTF-16 code units, as JavaScript counts them.

use super::growth::{check_output, max_output};
use super::text_encoding::{checked, not_utf8};
use super::{Args, ArgumentError, Transform, Value};
use crate::cancel::Cancel;
use crate::error::Result;
use regex::{Captures, Regex, RegexBuilder};
use std::fmt::Write;

type Built = std::result::Result<Box<dyn Transform>, ArgumentError>;

struct Matches {
    regex: Regex,
    limit: usize,
    max_output: u64,
}

struct Replace {
    regex: Regex,
    parts: Vec<Part>,
    max_output: u64,
}

/// A piece of a replacement.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
    /// All that stands before the match, or behind it.
    Before,
    Behind,
}

/// `text.matches(pattern, { flags, limit, maxOutput })`
pub fn matches(args: &Args) -> Built {
    let options = args.options(1, &["flags", "limit", "maxOutput"])?;
    let regex = compile(args.text(0, "pattern")?, options.text("flags")?.unwrap_or_default())?;
    let limit = options.integer("limit", 1..=i64::from(u32::MAX))?;
    Ok(Box::new(Matches {
        regex,
        limit: limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        max_output: max_output(&options)?,
    }))
}

/// `text.replace(pattern, replacement, { flags, maxOutput })`
pub fn replace(args: &Args) -> Built {
    let options = args.options(2, &["flags", "maxOutput"])?;
    let regex = compile(args.text(0, "pattern")?, options.text("flags")?.unwrap_or_default())?;
    let parts = parts(args.text(1, "replacement")?, &regex);
    Ok(Box::new(Replace { regex, parts, max_output: max_output(&options)? }))
}

fn compile(pattern: &str, flags: &str) -> std::result::Result<Regex, ArgumentError> {
    let mut builder = RegexBuilder::new(pattern);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            // Both are so anyway.
            'g' | 'u' => &mut builder,
            _ => {
                let message = format!(
                    "The \"options.flags\" property must be of 'g', 'i', 'm', 's', 'u' and 'x'. Received '{flags}'"
                );
                return Err(ArgumentError::Value(message));
            }
        };
    }
    builder.build().map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
        ArgumentError::Value(format!(
            "The \"pattern\" argument is no regular expression that takes linear time: {reason}"
        ))
    })
}

/// As `String.prototype.replace` reads them: `$1`, `$<name>`, `$&`, `` $` ``, `$'`, `$$`. A number without a group stands for
/// itself, and so does a name if no group has one; else there is nothing in its place.
fn parts(replacement: &str, regex: &Regex) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = replacement;
    // Behind it no name ends, and none is looked for.
    let last_end = replacement.rfind('>').unwrap_or(0);
    while let Some(place) = rest.find('$') {
        text.push_str(&rest[..place]);
        let after = &rest[place + 1..];
        let (part, taken) = reference(after, regex, replacement.len() - after.len() < last_end)
            .unwrap_or_else(|| (Part::Text("$".into()), 0));
        match part {
            Part::Text(it) => text.push_str(&it),
            found => {
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(found);
            }
        }
        rest = &after[taken..];
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    parts.retain(|part| *part != Part::Text(String::new()));
    parts
}

/// What stands after a dollar sign, and how much of it.
fn reference(after: &str, regex: &Regex, may_be_named: bool) -> Option<(Part, usize)> {
    match after.as_bytes().first()? {
        b'$' => Some((Part::Text("$".into()), 1)),
        b'&' => Some((Part::Group(0), 1)),
        b'`' => Some((Part::Before, 1)),
        b'\'' => Some((Part::Behind, 1)),
        b'<' if may_be_named && regex.capture_names().any(|name| name.is_some()) => {
            let end = after.find('>')?;
            let group = regex.capture_names().position(|name| name == Some(&after[1..end]));
            Some((group.map_or(Part::Text(String::new()), Part::Group), end + 1))
        }
        _ => {
            let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
            // Two digits if there are so many groups, else one.
            (1..=digits).rev().find_map(|taken| {
                let group = after[..taken].parse().ok()?;
                (1..regex.captures_len()).contains(&group).then_some((Part::Group(group), taken))
            })
        }
    }
}

fn text(input: Value) -> Result<String> {
    match input {
        Value::Text(text) | Value::Json(text) => Ok(text),
        other => {
            let bytes = checked(other.into_bytes()?)?;
            String::from_utf8(bytes.into_owned()?)
                .map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()))
        }
    }
}

/// Counts code units from one place to a later one.
struct Units<'a> {
    text: &'a str,
    bytes: usize,
    units: usize,
}

impl Units<'_> {
    fn at(&mut self, place: usize) -> usize {
        if place < self.bytes {
            return self.units - self.text[place..self.bytes].encode_utf16().count();
        }
        let between = &self.text[self.bytes..place];
        self.units += if between.is_ascii() { between.len() } else { between.encode_utf16().count() };
        self.bytes = place;
        self.units
    }
}

impl Transform for Matches {
    fn name(&self) -> &'static str {
        "text.matches"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        let mut units = Units { text: &text, bytes: 0, units: 0 };
        let mut out = String::from("[");
        for (place, found) in self.regex.captures_iter(&text).take(self.limit).enumerate() {
            cancel.check()?;
            let whole = found.get_match();
            let (start, end) = (units.at(whole.start()), units.at(whole.end()));
            out.push_str(if place == 0 { "" } else { "," });
            let _ = write!(out, "{{\"start\":{start},\"end\":{end},\"groups\":{}}}", groups(&found));
            check_output(out.len(), self.max_output)?;
        }
        cancel.check()?;
        out.push(']');
        Ok(Value::Json(out))
    }
}

fn groups(found: &Captures<'_>) -> String {
    let groups: Vec<_> = found.iter().skip(1).map(|group| group.map(|group| group.as_str())).collect();
    serde_json::to_string(&groups).expect("strings")
}

impl Transform for Replace {
    fn name(&self) -> &'static str {
        "text.replace"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let text = text(input)?;
        let mut out = String::new();
        let mut at = 0;
        for found in self.regex.captures_iter(&text) {
            cancel.check()?;
            let whole = found.get_match();
            out.push_str(&text[at..whole.start()]);
            at = whole.end();
            for part in &self.parts {
                let piece = match part {
                    Part::Text(text) => text,
                    Part::Group(group) => found.get(*group).map_or("", |group| group.as_str()),
                    Part::Before => &text[..whole.start()],
                    Part::Behind => &text[whole.end()..],
                };
                check_output(out.len() + piece.len(), self.max_output)?;
                out.push_str(piece);
            }
        }
        out.push_str(&text[at..]);
        check_output(out.len(), self.max_output)?;
        Ok(Value::Text(out))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::Arg;
    use super::super::testing::{arg, args, options, whole};
    use super::*;
    use crate::error::Kind;

    fn found(pattern: &str, flags: &str, input: &str) -> String {
        let transform = matches(&args([arg(pattern), options([("flags", arg(flags))])])).unwrap();
        String::from_utf8(whole(&*transform, input.as_bytes()).unwrap()).unwrap()
    }

    fn replaced(pattern: &str, replacement: &str, input: &str) -> String {
        let transform = replace(&args([arg(pattern), arg(replacement)])).unwrap();
        String::from_utf8(whole(&*transform, input.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn places_are_those_of_javascript() {
        assert_eq!(
            found("(b)(x)?", "", "a😀b é b"),
            r#"[{"start":3,"end":4,"groups":["b",null]},{"start":7,"end":8,"groups":["b",null]}]"#
        );
        assert_eq!(found("^b", "im", "a\nB"), r#"[{"start":2,"end":3,"groups":[]}]"#);
        assert_eq!(found("x", "", "abc"), "[]");
    }

    #[test]
    fn output_has_a_limit() {
        let limited = |most: u32| options([("maxOutput", Arg::Number(most.into()))]);
        let matches =
            |most| whole(&*matches(&args([arg("a"), limited(most)])).unwrap(), b"aaaa").map_err(|error| error.kind);
        assert_eq!((matches(200).is_ok(), matches(50)), (true, Err(Kind::OutputLimit)));
        let replace = |most| {
            whole(&*replace(&args([arg("."), arg("$&$&$&"), limited(most)])).unwrap(), b"abcd")
                .map_err(|error| error.kind)
        };
        assert_eq!((replace(12).is_ok(), replace(11)), (true, Err(Kind::OutputLimit)));
    }

    #[test]
    fn replacements_are_read_as_javascript_reads_them() {
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
    fn what_needs_backtracking_is_refused_when_made() {
        for pattern in ["(?=a)", "(a)\\1", "(", "a{100000}{100000}"] {
            let error = matches(&args([arg(pattern)])).err().unwrap();
            assert_eq!(error.code(), "ERR_INVALID_ARG_VALUE", "{pattern}");
        }
        let flags = options([("flags", arg("y"))]);
        assert_eq!(matches(&args([arg("a"), flags])).err().unwrap().code(), "ERR_INVALID_ARG_VALUE");
        let limit = args([arg("a"), options([("limit", Arg::Number(2.0))])]);
        let two = whole(&*matches(&limit).unwrap(), b"aaa").unwrap();
        assert_eq!(two, br#"[{"start":0,"end":1,"groups":[]},{"start":1,"end":2,"groups":[]}]"#);
    }

    #[test]
    fn explodes_for_no_input() {
        let evil = "a".repeat(50_000) + "!";
        assert_eq!(found("^(a+)+$", "", &evil), "[]");
    }
}

//! Iterates over the matches of a pattern in a text.

use super::machine::{Machine, NOWHERE};
use super::{KELVIN, LONG_S, Pattern};
use regex::{CaptureLocations, Regex};
use std::borrow::Cow;
use std::ops::Range;

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
    // The pattern cannot tell `\r` from `\n`.
    (!needs.returns).then(|| Cow::Owned(text.replace('\r', "\n")))
}

pub struct Searcher<'p, 't> {
    pattern: &'p Pattern,
    text: &'t str,
    plain: Option<Cow<'t, str>>,
    locations: Option<CaptureLocations>,
    machine: Machine,
    /// Start and end offsets of the match and of each group.
    places: Vec<usize>,
    at: Option<usize>,
    with_groups: bool,
}

impl<'p, 't> Searcher<'p, 't> {
    /// Searching is faster without `groups`; then [`Searcher::group`] must not be called.
    pub fn new(pattern: &'p Pattern, text: &'t str, groups: bool) -> Self {
        Searcher {
            pattern,
            text,
            plain: plain(pattern, text),
            locations: pattern.regex.as_ref().map(Regex::capture_locations),
            machine: Machine::default(),
            places: vec![NOWHERE; 2 * (pattern.names.len() + 1)],
            at: Some(0),
            with_groups: groups && !pattern.groups.is_empty(),
        }
    }

    /// Finds the next match. After an empty match it skips one character, as `String.prototype.matchAll` does.
    pub fn advance(&mut self) -> Option<Range<usize>> {
        let at = self.at?;
        let found = self.find(at);
        self.at = found.as_ref().and_then(|found| {
            let step =
                if found.is_empty() { self.text[found.end..].chars().next().map(char::len_utf8) } else { Some(0) };
            step.map(|step| found.end + step)
        });
        found
    }

    fn find(&mut self, at: usize) -> Option<Range<usize>> {
        let Pattern { regex, groups, program, needs, .. } = self.pattern;
        let (Some(plain), Some(regex), Some(locations)) = (&self.plain, regex, &mut self.locations) else {
            let program = program.as_ref().expect("compiled with its program");
            let is_found = self.machine.find(program, self.text, at, None, &mut self.places);
            return is_found.then(|| self.places[0]..self.places[1]);
        };
        if !self.with_groups || needs.forgetting {
            let found = regex.find_at(plain, at)?.range();
            if let Some(program) = program.as_ref().filter(|_| self.with_groups && needs.forgetting) {
                self.machine.find(program, self.text, found.start, Some(found.end), &mut self.places);
            }
            return Some(found);
        }
        let found = regex.captures_read_at(locations, plain, at)?.range();
        for (place, &group) in groups.iter().enumerate() {
            let (start, end) = locations.get(place + 1).unwrap_or((NOWHERE, NOWHERE));
            self.places[2 * group..2 * group + 2].copy_from_slice(&[start, end]);
        }
        Some(found)
    }

    /// Returns the text of a group of the last match; groups count from 1.
    pub fn group(&self, group: usize) -> Option<&'t str> {
        let (start, end) = (self.places[2 * group], self.places[2 * group + 1]);
        (start != NOWHERE).then(|| &self.text[start..end])
    }
}

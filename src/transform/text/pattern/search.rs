//! Iterates over the matches of a pattern in a text.

use super::compiled::{Pattern, plain};
use super::machine::{Machine, UNSET};
use regex::{CaptureLocations, Regex};
use std::borrow::Cow;
use std::ops::Range;

pub struct Searcher<'p, 't> {
    pattern: &'p Pattern,
    text: &'t str,
    plain: Option<Cow<'t, str>>,
    locations: Option<CaptureLocations>,
    machine: Machine,
    /// Start and end offsets of the match and of each group.
    offsets: Vec<usize>,
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
            offsets: vec![UNSET; 2 * (pattern.names.len() + 1)],
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
            let is_found = self.machine.find(program, self.text, at, None, &mut self.offsets);
            return is_found.then(|| self.offsets[0]..self.offsets[1]);
        };
        if !self.with_groups || needs.clearing {
            let found = regex.find_at(plain, at)?.range();
            if let Some(program) = program.as_ref().filter(|_| self.with_groups && needs.clearing) {
                self.machine.find(program, self.text, found.start, Some(found.end), &mut self.offsets);
            }
            return Some(found);
        }
        let found = regex.captures_read_at(locations, plain, at)?.range();
        for (index, &group) in groups.iter().enumerate() {
            let (start, end) = locations.get(index + 1).unwrap_or((UNSET, UNSET));
            self.offsets[2 * group..2 * group + 2].copy_from_slice(&[start, end]);
        }
        Some(found)
    }

    /// Returns the text of a group of the last match; groups count from 1.
    pub fn group(&self, group: usize) -> Option<&'t str> {
        let (start, end) = (self.offsets[2 * group], self.offsets[2 * group + 1]);
        (start != UNSET).then(|| &self.text[start..end])
    }
}

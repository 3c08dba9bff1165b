//! Recognizes text in which most short strings are distinct.
//!
//! V8 looks up each short string of a one-byte text in its table of strings, which grows with every distinct one: in a large table
//! a lookup costs a cache miss. It does not look up the strings of a two-byte text.

use super::swar::{space, string_end};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// V8 looks up strings of two to this many characters.
const LONGEST: usize = 10;
/// Bytes of each piece that are examined.
const SAMPLE: usize = 4 << 10;
/// UTF-16 pays if there is at least one distinct short string per this many bytes.
const BYTES_PER_STRING: usize = 128;
/// Number of remembered strings: V8's lookups of this many strings hit the CPU cache.
const REMEMBERED: usize = 4096;

/// Remembers short strings by their hashes.
pub struct ShortStrings {
    hashes: Box<[u64]>,
}

impl Default for ShortStrings {
    fn default() -> Self {
        ShortStrings { hashes: vec![0; REMEMBERED].into() }
    }
}

impl ShortStrings {
    /// Returns whether the beginning of a piece has many new short strings. Names of members do not count.
    pub fn are_distinct(&mut self, piece: &[u8]) -> bool {
        let sample = &piece[..piece.len().min(SAMPLE)];
        let (mut at, mut distinct) = (0, 0);
        while let Some(found) = memchr::memchr(b'"', &sample[at..]) {
            let start = at + found + 1;
            at = string_end(sample, start - 1);
            let length = at.saturating_sub(start + 1);
            let is_short = (2..=LONGEST).contains(&length);
            if is_short && sample.get(space(sample, at)) != Some(&b':') && self.is_new(&sample[start..start + length]) {
                distinct += 1;
            }
        }
        distinct * BYTES_PER_STRING > sample.len()
    }

    /// Remembers a string. Returns whether it is not among the recent ones.
    fn is_new(&mut self, string: &[u8]) -> bool {
        let hash = FixedState::default().hash_one(string);
        let index = usize::try_from(hash % REMEMBERED as u64).unwrap_or_default();
        std::mem::replace(&mut self.hashes[index], hash) != hash
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    fn is_distinct(make: impl Fn(usize) -> String) -> bool {
        let mut strings = ShortStrings::default();
        let pieces = [0, 1].map(|piece| (0..200).map(|index| make(200 * piece + index)).collect::<Vec<_>>().join(","));
        pieces.map(|piece| strings.are_distinct(piece.as_bytes()))[1]
    }

    #[test]
    fn many_short_strings_are_distinct_if_they_do_not_recur() {
        assert!(is_distinct(|index| format!("\"{index:05}\"")));
        assert!(is_distinct(|index| format!("{{\"name\" : \"user {index}\", \"is_active\" : true}}")));
        assert!(!is_distinct(|index| format!("\"{}\"", index % 50)));
        assert!(!is_distinct(|index| format!("\"{index:011}\"")));
        assert!(!is_distinct(|index| format!("{{\"{index}\" : 1}}")));
        assert!(!is_distinct(|index| format!("{{\"name\":\"user {index}\",\"text\":\"{}\"}}", "long ".repeat(40))));
        assert!(!is_distinct(|index| index.to_string()));
    }

    #[test]
    fn a_sample_may_end_within_a_string() {
        let mut strings = ShortStrings::default();
        assert!(!strings.are_distinct(&[b"\"a\\\"", &[b'a'; 2 * SAMPLE][..], b"\""].concat()));
        assert!(!strings.are_distinct(b""));
        assert!(strings.are_distinct(b"\"ab\""));
    }
}

//! The plan for building a large document: small steps, each of which takes `JSON.parse` a fraction of a millisecond.
//! `lib/json/builder.js` runs it.

use super::numbers::append_integers;
use super::scanner::{Container, Visitor, scan};
use super::swar::string_end;
use super::unescape::unescape;
use crate::cancel::Cancel;
use crate::error::Result;
use std::ops::Range;

/// The sizes of the parts of a plan, in bytes of text.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// A run of elements or members is cut at the first comma after this many bytes. A container without a cut is built
    /// separately if it is longer than two runs; otherwise nested containers would add up to one long run.
    pub run: usize,
    /// Strings longer than two runs are decoded on the thread, and joined from parts of this many bytes.
    pub string: usize,
    /// Maximum bytes that steps cover before they are emitted.
    pub batch: usize,
}

/// V8 parses a run in a fraction of a millisecond. As UTF-16 it usually has less than 128 KiB: V8 puts longer strings on separate
/// pages, which costs page faults.
pub const SIZES: Sizes = Sizes { run: 48 << 10, string: 256 << 10, batch: 1 << 20 };

/// A step is three words: its kind with flags, and two offsets in the text or a count.
pub const STEP_WORDS: usize = 3;
/// `[ARRAY, length, bytes]` and `[OBJECT, 0, bytes]` start a container, which is filled until its `END`. `length` is an estimate;
/// `bytes` is the length of the whole text.
pub const ARRAY: u32 = 0;
pub const OBJECT: u32 = 1;
/// Elements or members of the container.
pub const ITEMS: u32 = 2;
/// The name of the container's next member, with quotes.
pub const KEY: u32 = 3;
pub const END: u32 = 4;
/// Starts a string, which is joined from parts until its `END`.
pub const STRING: u32 = 5;
/// Decoded text.
pub const PART: u32 = 6;
/// The whole document, if it is small.
pub const VALUE: u32 = 7;
/// Like `ITEMS`, but the elements are doubles or 32-bit integers in native byte order.
pub const DOUBLES: u32 = 8;
pub const INTEGERS: u32 = 9;
/// Removes the flags from a step's kind.
pub const KIND_MASK: u32 = 15;
/// Flag of a step with text: UTF-16 instead of Latin-1.
pub const UTF16: u32 = 16;
/// Flag of a step with text: the text is the second element of a list.
pub const MARKED: u32 = 32;

/// Steps for building a document.
#[derive(Debug, Default)]
pub struct Plan {
    /// The words of the steps.
    pub steps: Vec<u32>,
    /// The elements that `INTEGERS` steps refer to, by index.
    pub integers: Vec<i32>,
    /// The decoded text that `PART` steps refer to, in generalized UTF-8: see `unescape`.
    pub strings: Vec<u8>,
}

/// Scans a document and writes the plan for building it. Emits the steps in batches, and returns the last batch.
///
/// # Errors
/// As [`scan`]; the steps emitted before are invalid then.
pub fn write_plan(
    text: &[u8],
    sizes: Sizes,
    max_depth: usize,
    cancel: &Cancel,
    emit: &mut dyn FnMut(Plan),
) -> Result<Plan> {
    let mut planner = Planner {
        text,
        sizes,
        frames: Vec::new(),
        opened: 0,
        reserved: 0,
        plan: Plan::default(),
        is_empty: true,
        emitted: 0,
        expects_long_string: false,
        emit,
    };
    scan(text, max_depth, &mut planner, cancel)?;
    if planner.is_empty {
        planner.step(VALUE, 0, text.len());
    }
    Ok(planner.plan)
}

/// An open container.
struct Frame {
    container: Container,
    /// Offset after its bracket.
    start: usize,
    /// Start of the elements that are not planned yet, or `NO_RUN` until the next comma.
    run: usize,
    /// Start of the current element or member.
    element: usize,
    commas: usize,
    /// Elements reserved in the list.
    reserved: usize,
}

const NO_RUN: usize = usize::MAX;

struct Planner<'a> {
    text: &'a [u8],
    sizes: Sizes,
    frames: Vec<Frame>,
    /// Number of outer frames that are in the plan.
    opened: usize,
    /// Elements reserved in all lists.
    reserved: usize,
    plan: Plan,
    is_empty: bool,
    /// The steps for the text before this offset have been emitted.
    emitted: usize,
    /// Whether the last string was long.
    expects_long_string: bool,
    emit: &'a mut dyn FnMut(Plan),
}

impl Visitor for Planner<'_> {
    fn open(&mut self, at: usize, container: Container) {
        let start = at + 1;
        self.frames.push(Frame { container, start, run: start, element: start, commas: 0, reserved: 0 });
    }

    fn long_string(&mut self, at: usize) -> Option<usize> {
        if self.expects_long_string { self.decode_string(at) } else { None }
    }

    fn scalar(&mut self, range: Range<usize>) {
        if range.len() > 2 * self.sizes.run && self.text[range.start] == b'"' {
            self.decode_string(range.start);
        }
    }

    fn comma(&mut self, at: usize) {
        let Some(frame) = self.frames.last_mut() else { return };
        frame.commas += 1;
        frame.element = at + 1;
        if frame.run == NO_RUN {
            frame.run = at + 1;
        } else if at - frame.run >= self.sizes.run {
            self.cut(at);
        }
    }

    fn integers(&mut self, at: usize) -> usize {
        match self.frames.last() {
            Some(frame) if frame.run == at && self.frames.len() == self.opened => self.cut_integers(at),
            _ => at,
        }
    }

    fn close(&mut self, at: usize) {
        let Some(frame) = self.frames.last() else { return };
        if self.frames.len() > self.opened {
            if at - frame.start <= 2 * self.sizes.run {
                self.frames.pop();
                return;
            }
            self.open_all();
        }
        let Some(frame) = self.frames.pop() else { return };
        self.opened = self.frames.len();
        self.reserved -= frame.reserved.saturating_sub(frame.commas + 1);
        if frame.run != NO_RUN {
            self.text_step(ITEMS, frame.run..at);
        }
        self.step(END, 0, 0);
        if let Some(parent) = self.frames.last_mut() {
            parent.run = NO_RUN;
        }
        self.emit_batch(at);
    }
}

impl Planner<'_> {
    /// Adds the elements of the innermost container before a comma as a run.
    fn cut(&mut self, at: usize) {
        self.open_all();
        if let Some(frame) = self.frames.last_mut() {
            let run = std::mem::replace(&mut frame.run, at + 1);
            self.text_step(ITEMS, run..at);
        }
        self.emit_batch(at);
    }

    /// Adds the run of integers that starts at `at`, if any. Returns the offset of the element after it, or `at`.
    fn cut_integers(&mut self, at: usize) -> usize {
        let converted = self.plan.integers.len();
        let next = append_integers(self.text, at, self.sizes.run, &mut self.plan.integers);
        if next - at < self.sizes.run {
            self.plan.integers.truncate(converted);
            return at;
        }
        let length = self.plan.integers.len();
        self.step(INTEGERS, converted, length);
        if let Some(frame) = self.frames.last_mut() {
            frame.commas += length - converted;
            (frame.run, frame.element) = (next, next);
        }
        self.emit_batch(next - 1);
        next
    }

    /// Emits the steps for the text before an offset if they cover enough of it. The first batch is one run, so that building starts
    /// soon; each next batch doubles the emitted text, up to `sizes.batch`.
    fn emit_batch(&mut self, at: usize) {
        if at - self.emitted >= self.sizes.batch.min(self.emitted.max(self.sizes.run)) {
            self.emitted = at;
            (self.emit)(std::mem::take(&mut self.plan));
        }
    }

    /// Adds all open containers to the plan.
    fn open_all(&mut self) {
        if self.opened == self.frames.len() {
            return;
        }
        if self.opened > 0 {
            self.add_before_child(self.opened - 1);
        }
        for index in self.opened..self.frames.len() {
            match self.frames[index].container {
                Container::List => {
                    let length = self.estimate(index);
                    self.step(ARRAY, length, self.text.len());
                }
                Container::Object => self.step(OBJECT, 0, self.text.len()),
            }
            if index + 1 < self.frames.len() {
                self.add_before_child(index);
            }
        }
        self.opened = self.frames.len();
        self.is_empty = false;
    }

    /// Estimates the length of a list that is cut, assuming that it extends to the end of the text. All lists together
    /// cannot have more than one element per two bytes.
    fn estimate(&mut self, index: usize) -> usize {
        let Frame { start, element, commas, .. } = self.frames[index];
        if element - start < self.sizes.run {
            return 0;
        }
        let likely = (self.text.len() - start) / (element - start) * commas;
        let estimate = likely.min((self.text.len() / 2).saturating_sub(self.reserved));
        self.frames[index].reserved = estimate;
        self.reserved += estimate;
        estimate
    }

    /// Adds the elements before the current one, which is built separately, and its name.
    fn add_before_child(&mut self, index: usize) {
        let Frame { container, run, element, .. } = self.frames[index];
        if run < element {
            self.text_step(ITEMS, run..element - 1);
        }
        if container == Container::Object {
            let found = memchr::memchr(b'"', &self.text[element..]).map_or(element, |found| element + found);
            self.text_step(KEY, found..string_end(self.text, found));
        }
        self.frames[index].run = NO_RUN;
    }

    /// Decodes a string and adds it in parts, unless it is short. Returns its end; `None` if it is invalid.
    fn decode_string(&mut self, start: usize) -> Option<usize> {
        let mut at = start + 1;
        let mut is_open = false;
        loop {
            if self.plan.strings.is_empty() {
                self.plan.strings.reserve(self.sizes.batch.min(self.text.len() - start) + self.sizes.string);
            }
            let decoded = self.plan.strings.len();
            at = unescape(self.text, at, self.sizes.string, &mut self.plan.strings)?;
            let is_last = self.text.get(at)? == &b'"';
            if !is_open {
                self.expects_long_string = !is_last || at + 1 - start > 2 * self.sizes.run;
                if !self.expects_long_string {
                    self.plan.strings.truncate(decoded);
                    return Some(at + 1);
                }
                self.open_string();
                is_open = true;
            }
            self.step(PART, decoded, self.plan.strings.len());
            if is_last {
                self.step(END, 0, 0);
            }
            self.emit_batch(at);
            if is_last {
                return Some(at + 1);
            }
        }
    }

    fn open_string(&mut self) {
        self.open_all();
        if !self.frames.is_empty() {
            self.add_before_child(self.frames.len() - 1);
        }
        self.step(STRING, 0, 0);
        self.is_empty = false;
    }

    fn text_step(&mut self, kind: u32, range: Range<usize>) {
        self.step(kind, range.start, range.end);
    }

    fn step(&mut self, kind: u32, from: usize, to: usize) {
        let step: [u32; STEP_WORDS] = [kind, word(from), word(to)];
        self.plan.steps.extend_from_slice(&step);
    }
}

/// Converts an offset, which fits: texts are shorter than 4 GiB.
pub fn word(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

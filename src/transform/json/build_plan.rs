//! How a large document is built a piece at a time: a program of small steps, each of which `JSON.parse` does in a
//! fraction of a millisecond. JavaScript runs it, `lib/json/builder.js`.

use super::scanner::{Container, Visitor, read};
use super::swar::string_end;
use crate::cancel::Cancel;
use crate::error::Result;
use std::ops::Range;

/// How large the parts of a plan are, in bytes of text.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// A run of elements or members is cut at the first comma behind so many bytes. A container that ends without a cut is
    /// built by itself if it is more than twice as long; otherwise levels would add up.
    pub run: usize,
    /// Strings that are longer are put together of parts.
    pub string: usize,
    /// Steps are handed out when they are about so many bytes.
    pub hand_out: usize,
}

/// A run takes V8 a fraction of a millisecond.
pub const SIZES: Sizes = Sizes { run: 64 << 10, string: 256 << 10, hand_out: 1 << 20 };

/// A step is three words: what it does, and two places in the text or a count.
pub const STEP_WORDS: usize = 3;
/// `[LIST, length, 0]` and `[OBJECT, 0, 0]` begin a container, which is filled until its `END`. The length is an estimate.
pub const LIST: u32 = 0;
pub const OBJECT: u32 = 1;
/// Elements or members of the container.
pub const ITEMS: u32 = 2;
/// The name of the container's next member, with quotes.
pub const KEY: u32 = 3;
pub const END: u32 = 4;
/// Begins a string, which is put together of parts until its `END`.
pub const TEXT: u32 = 5;
pub const PART: u32 = 6;
/// The whole document, which is a small one.
pub const VALUE: u32 = 7;
pub const KIND: u32 = 15;
/// Flags of what has a text: it is UTF-16, not Latin-1.
pub const WIDE: u32 = 16;
/// Of `PART`: nothing is escaped.
pub const PLAIN: u32 = 32;
/// The steps, in words.
pub type Plan = Vec<u32>;

/// Reads a document and says how to build it. Steps are handed out on the way, as soon as they are about so much text;
/// what is left is returned.
///
/// # Errors
/// As [`read`]; the steps were for nothing then.
pub fn plan(
    text: &[u8],
    sizes: Sizes,
    max_depth: usize,
    cancel: &Cancel,
    hand_out: &mut dyn FnMut(Plan),
) -> Result<Plan> {
    let mut planner = Planner {
        text,
        sizes,
        frames: Vec::new(),
        opened: 0,
        reserved: 0,
        plan: Vec::new(),
        begun: false,
        handed: 0,
        hand_out,
    };
    read(text, max_depth, &mut planner, cancel)?;
    if !planner.begun {
        planner.step(VALUE, 0, text.len());
    }
    Ok(planner.plan)
}

/// A container that has begun and not ended.
struct Frame {
    container: Container,
    /// Behind its bracket.
    start: usize,
    /// Where what is not planned yet begins, or `NOWHERE` until the next comma.
    run: usize,
    /// Where the current element or member begins.
    element: usize,
    commas: usize,
    /// Elements that there is room for.
    reserved: usize,
}

const NOWHERE: usize = usize::MAX;

struct Planner<'a> {
    text: &'a [u8],
    sizes: Sizes,
    frames: Vec<Frame>,
    /// The first so many frames are in the plan.
    opened: usize,
    /// Elements that there is room for in all lists so far.
    reserved: usize,
    plan: Plan,
    begun: bool,
    /// The steps for the text before this place are handed out.
    handed: usize,
    hand_out: &'a mut dyn FnMut(Plan),
}

impl Visitor for Planner<'_> {
    fn open(&mut self, at: usize, container: Container) {
        let start = at + 1;
        self.frames.push(Frame { container, start, run: start, element: start, commas: 0, reserved: 0 });
    }

    fn scalar(&mut self, place: Range<usize>) {
        if place.len() > self.sizes.string && self.text[place.start] == b'"' {
            self.string(place);
        }
    }

    fn comma(&mut self, at: usize) {
        let Some(frame) = self.frames.last_mut() else { return };
        frame.commas += 1;
        frame.element = at + 1;
        if frame.run == NOWHERE {
            frame.run = at + 1;
        } else if at - frame.run >= self.sizes.run {
            self.cut(at);
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
        if frame.run != NOWHERE {
            self.text_step(ITEMS, frame.run..at);
        }
        self.step(END, 0, 0);
        if let Some(parent) = self.frames.last_mut() {
            parent.run = NOWHERE;
        }
        self.offer(at);
    }
}

impl Planner<'_> {
    /// What the innermost container holds before the comma is a run.
    fn cut(&mut self, at: usize) {
        self.open_all();
        if let Some(frame) = self.frames.last_mut() {
            let run = std::mem::replace(&mut frame.run, at + 1);
            self.text_step(ITEMS, run..at);
        }
        self.offer(at);
    }

    /// Hands out the steps before a place, if they are about enough text.
    fn offer(&mut self, at: usize) {
        if at - self.handed >= self.sizes.hand_out {
            self.handed = at;
            (self.hand_out)(std::mem::take(&mut self.plan));
        }
    }

    /// Every container that is open comes into the plan.
    fn open_all(&mut self) {
        if self.opened == self.frames.len() {
            return;
        }
        if self.opened > 0 {
            self.lead_to_child(self.opened - 1);
        }
        for place in self.opened..self.frames.len() {
            match self.frames[place].container {
                Container::List => {
                    let length = self.estimate(place);
                    self.step(LIST, length, 0);
                }
                Container::Object => self.step(OBJECT, 0, 0),
            }
            if place + 1 < self.frames.len() {
                self.lead_to_child(place);
            }
        }
        self.opened = self.frames.len();
        self.begun = true;
    }

    /// How many elements a list that is cut will have, if it goes on like this to the end of the text. All lists together
    /// cannot have more than one for two bytes.
    fn estimate(&mut self, place: usize) -> usize {
        let Frame { start, element, commas, .. } = self.frames[place];
        if element - start < self.sizes.run {
            return 0;
        }
        let likely = (self.text.len() - start) / (element - start) * commas;
        let estimate = likely.min((self.text.len() / 2).saturating_sub(self.reserved));
        self.frames[place].reserved = estimate;
        self.reserved += estimate;
        estimate
    }

    /// What comes before the current element of a container, which is built by itself.
    fn lead_to_child(&mut self, place: usize) {
        let Frame { container, run, element, .. } = self.frames[place];
        if run < element {
            self.text_step(ITEMS, run..element - 1);
        }
        if container == Container::Object {
            let found = memchr::memchr(b'"', &self.text[element..]).map_or(element, |found| element + found);
            self.text_step(KEY, found..string_end(self.text, found));
        }
        self.frames[place].run = NOWHERE;
    }

    /// A string that is too long to be built at once.
    fn string(&mut self, place: Range<usize>) {
        self.open_all();
        if !self.frames.is_empty() {
            self.lead_to_child(self.frames.len() - 1);
        }
        self.step(TEXT, 0, 0);
        self.begun = true;
        let (mut at, end) = (place.start + 1, place.end - 1);
        while at < end {
            let part = at..part_end(self.text, at, end, self.sizes.string);
            at = part.end;
            let plain = if memchr::memchr(b'\\', &self.text[part.clone()]).is_none() { PLAIN } else { 0 };
            self.text_step(PART | plain, part);
            self.offer(at);
        }
        self.step(END, 0, 0);
    }

    fn text_step(&mut self, kind: u32, place: Range<usize>) {
        self.step(kind, place.start, place.end);
    }

    fn step(&mut self, kind: u32, from: usize, to: usize) {
        let step: [u32; STEP_WORDS] = [kind, word(from), word(to)];
        self.plan.extend_from_slice(&step);
    }
}

/// The first place behind a part of a string that cuts neither a character nor an escape.
fn part_end(text: &[u8], start: usize, end: usize, size: usize) -> usize {
    let least = (start + size).min(end);
    let mut at = start;
    while let Some(found) = memchr::memchr(b'\\', &text[at..least]) {
        at += found;
        at += if text[at + 1] == b'u' { 6 } else { 2 };
        if at >= least {
            return at;
        }
    }
    (least..end).find(|&at| text[at] & 0xc0 != 0x80).unwrap_or(end)
}

/// Texts are shorter than 4 GiB.
pub fn word(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

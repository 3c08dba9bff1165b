//! A Pike VM that clears groups in each iteration of a loop and knows every line terminator and word character of ECMA-262. It runs
//! in linear time but is slower than the regex crate, so it is used only where the results would differ.

use super::program::{Program, Step};
use super::tree::{KELVIN, LONG_S, Look, is_terminator};

/// An offset that is not set.
pub const UNSET: usize = usize::MAX;

/// The threads at one offset of the text, in order of preference, with their group offsets.
#[derive(Default)]
struct Threads {
    steps: Vec<usize>,
    /// The index in `steps` of each step that it contains: a sparse set.
    index: Vec<usize>,
    offsets: Vec<usize>,
}

impl Threads {
    fn prepare(&mut self, program: &Program) {
        self.steps.clear();
        if self.index.len() != program.steps.len() {
            // Zeroed pages are only mapped when they are touched.
            self.index = vec![0; program.steps.len()];
            self.offsets = vec![0; program.steps.len() * program.offsets];
        }
    }

    fn has(&self, step: usize) -> bool {
        self.steps.get(self.index[step]) == Some(&step)
    }
}

enum Frame {
    Follow(usize),
    Restore(usize, usize),
}

/// Runs programs and keeps its buffers in between.
#[derive(Default)]
pub struct Machine {
    now: Threads,
    next: Threads,
    frames: Vec<Frame>,
}

impl Machine {
    /// Finds the first match at or after an offset and writes its offsets to `found`. With `end`, the
    /// caller knows that the match begins at `at` and ends at `end`; no character from `end` on becomes part of a match.
    pub fn find(&mut self, program: &Program, text: &str, at: usize, end: Option<usize>, found: &mut [usize]) -> bool {
        let anchored = end.is_some();
        self.now.prepare(program);
        self.next.prepare(program);
        let mut is_found = false;
        let mut before = text[..at].chars().next_back();
        let mut rest = text[at..].char_indices();
        let mut unset = vec![UNSET; program.offsets];
        loop {
            let offset = at + rest.offset();
            let next = rest.next().map(|(_, next)| next);
            if !is_found && (offset == at || !anchored) {
                unset.fill(UNSET);
                let context = Context { at: offset, before, next };
                follow(program, 0, &mut unset, &context, &mut self.now, &mut self.frames);
            }
            if self.now.steps.is_empty() && (is_found || anchored) {
                return is_found;
            }
            let character = next.filter(|_| end != Some(offset));
            let after = next.map(|it| offset + it.len_utf8());
            let context =
                Context { at: after.unwrap_or(offset), before: next, next: rest.clone().next().map(|(_, it)| it) };
            self.next.steps.clear();
            for index in 0..self.now.steps.len() {
                let step = self.now.steps[index];
                let offsets = &mut self.now.offsets[step * program.offsets..][..program.offsets];
                let consumes = match &program.steps[step] {
                    Step::Char(it) => character == Some(*it),
                    Step::Class(class) => character.is_some_and(|it| program.classes[*class].has(it)),
                    Step::Match => {
                        found.copy_from_slice(offsets);
                        is_found = true;
                        break;
                    }
                    _ => false,
                };
                if consumes {
                    follow(program, step + 1, offsets, &context, &mut self.next, &mut self.frames);
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
            if character.is_none() {
                return is_found;
            }
            before = next;
        }
    }
}

/// An offset with the characters on both sides.
pub struct Context {
    pub at: usize,
    pub before: Option<char>,
    pub next: Option<char>,
}

impl Context {
    pub fn holds(&self, look: Look) -> bool {
        match look {
            Look::Start => self.before.is_none(),
            Look::End => self.next.is_none(),
            Look::LineStart => self.before.is_none_or(is_terminator),
            Look::LineEnd => self.next.is_none_or(is_terminator),
            Look::Word { negated, folded } => {
                let in_word = |it: Option<char>| {
                    it.is_some_and(|it| {
                        it.is_ascii_alphanumeric() || it == '_' || folded && (it == LONG_S || it == KELVIN)
                    })
                };
                (in_word(self.before) != in_word(self.next)) != negated
            }
        }
    }
}

/// Adds a thread for each step reachable without consuming a character, in order of preference.
fn follow(
    program: &Program,
    start: usize,
    offsets: &mut [usize],
    context: &Context,
    threads: &mut Threads,
    frames: &mut Vec<Frame>,
) {
    frames.push(Frame::Follow(start));
    while let Some(frame) = frames.pop() {
        let mut step = match frame {
            Frame::Follow(step) => step,
            Frame::Restore(index, offset) => {
                offsets[index] = offset;
                continue;
            }
        };
        while !threads.has(step) {
            threads.index[step] = threads.steps.len();
            threads.steps.push(step);
            step = match program.steps[step] {
                Step::Jump(other) => other,
                Step::Split(first, second) => {
                    frames.push(Frame::Follow(second));
                    first
                }
                Step::Look(look) if context.holds(look) => step + 1,
                Step::Look(_) => break,
                Step::Save(index) => {
                    frames.push(Frame::Restore(index, offsets[index]));
                    offsets[index] = context.at;
                    step + 1
                }
                Step::Clear(from, to) => {
                    for (index, offset) in offsets.iter_mut().enumerate().take(to).skip(from) {
                        frames.push(Frame::Restore(index, *offset));
                        *offset = UNSET;
                    }
                    step + 1
                }
                Step::Char(_) | Step::Class(_) | Step::Counted { .. } | Step::Match => {
                    threads.offsets[step * program.offsets..][..program.offsets].copy_from_slice(offsets);
                    break;
                }
            };
        }
    }
}

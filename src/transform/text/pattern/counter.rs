//! Tests whether a pattern matches anywhere in a text. A counted class is one step, for any counts: the step keeps the offsets at
//! which it was entered, which all advance together. Time is linear in the text, memory does not depend on the counts.

use super::classes::size_of_classes;
use super::machine::Context;
use super::program::{Program, Step};
use super::refusal::Refusal;
use super::tree::{Look, Node};
use std::collections::VecDeque;

/// Limits the characters and classes of the pattern with all its counts expanded.
const MAX_EXPANDED: usize = 1 << 18;

#[derive(Debug)]
pub struct Counter {
    program: Program,
    /// A match can only begin at the start of the text.
    is_anchored: bool,
    /// Approximate bytes of the program.
    pub size: usize,
}

impl Counter {
    /// Compiles a rewritten pattern.
    ///
    /// # Errors
    /// For a pattern that is too large.
    pub fn of(node: &Node) -> Result<Self, Refusal> {
        let program = Program::counting(node)?;
        let size = size_of_val(&program.steps[..]) + size_of_classes(&program.classes);
        Ok(Counter { program, is_anchored: is_anchored(node), size })
    }

    pub fn is_match(&self, text: &str) -> bool {
        Search {
            counter: self,
            seen: vec![0; self.program.steps.len()],
            now: 0,
            current: Vec::new(),
            next: Vec::new(),
            counting: Vec::new(),
            entered: vec![VecDeque::new(); self.program.slots],
            stack: Vec::new(),
        }
        .matches(text)
    }
}

/// Checks the number of characters that the counts of a pattern expand to.
///
/// # Errors
/// For a number that is too large.
pub fn check_counts(node: &Node) -> Result<(), Refusal> {
    if expanded(node) > MAX_EXPANDED {
        let reason = format!("its counts expand to more than {MAX_EXPANDED} characters");
        return Err(Refusal::TooLarge(reason));
    }
    Ok(())
}

fn expanded(node: &Node) -> usize {
    match node {
        Node::Empty => 0,
        Node::Char(_) | Node::Set(_) | Node::Look(_) => 1,
        Node::Group(_, inner) => expanded(inner),
        Node::Concat(parts) | Node::Either(parts) => {
            parts.iter().fold(0, |all, part| all.saturating_add(expanded(part)))
        }
        Node::Repeat(repeat) => {
            let iterations = repeat.max.unwrap_or_else(|| repeat.min.max(1));
            expanded(&repeat.body).saturating_mul(iterations as usize)
        }
    }
}

fn is_anchored(node: &Node) -> bool {
    match node {
        Node::Look(Look::Start) => true,
        Node::Group(_, inner) => is_anchored(inner),
        Node::Concat(parts) => parts.first().is_some_and(is_anchored),
        Node::Either(parts) => parts.iter().all(is_anchored),
        _ => false,
    }
}

/// A search in one text. Offsets count characters, from 1.
struct Search<'c> {
    counter: &'c Counter,
    /// The last offset at which each step was reached.
    seen: Vec<usize>,
    now: usize,
    /// Steps that are to consume the current character, and those that consumed it.
    current: Vec<usize>,
    next: Vec<usize>,
    /// Counted steps with an iteration.
    counting: Vec<usize>,
    /// The offsets at which each counted step was entered, as ranges in ascending order, by slot.
    entered: Vec<VecDeque<(usize, usize)>>,
    stack: Vec<usize>,
}

impl Search<'_> {
    fn matches(mut self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut before = None;
        loop {
            self.now += 1;
            let next = rest.next();
            let context = Context { at: 0, before, next };
            // The steps that consumed the last character continue here.
            let steps = std::mem::take(&mut self.next);
            let is_found = steps.iter().any(|step| self.follow(step + 1, &context));
            self.next = steps;
            self.next.clear();
            if is_found || (self.now == 1 || !self.counter.is_anchored) && self.follow(0, &context) {
                return true;
            }
            let Some(character) = next else { return false };
            if self.current.is_empty() && self.counting.is_empty() && self.counter.is_anchored {
                return false;
            }
            self.consume(character);
            before = next;
        }
    }

    /// Moves all steps over a character.
    fn consume(&mut self, character: char) {
        let Program { steps, classes, .. } = &self.counter.program;
        for step in self.current.drain(..) {
            let consumes = match steps[step] {
                Step::Char(it) => it == character,
                Step::Class(class) => classes[class].has(character),
                _ => false,
            };
            if consumes {
                self.next.push(step);
            }
        }
        let after = self.now + 1;
        let Search { counting, entered, next, .. } = self;
        counting.retain(|step| {
            let Step::Counted { slot, class, min, max } = steps[*step] else { unreachable!("only counted steps") };
            let entries = &mut entered[slot];
            if !classes[class].has(character) {
                entries.clear();
                return false;
            }
            while let Some((first, last)) = entries.front_mut() {
                if after - *last > max {
                    entries.pop_front();
                    continue;
                }
                *first = (*first).max(after.saturating_sub(max));
                if after - *first >= min {
                    next.push(*step);
                }
                return true;
            }
            false
        });
    }

    /// Follows the steps reachable without consuming a character. Returns whether the pattern matches.
    fn follow(&mut self, start: usize, context: &Context) -> bool {
        self.stack.push(start);
        while let Some(mut step) = self.stack.pop() {
            while self.seen[step] != self.now {
                self.seen[step] = self.now;
                step = match self.counter.program.steps[step] {
                    Step::Match => return true,
                    Step::Char(_) | Step::Class(_) => {
                        self.current.push(step);
                        break;
                    }
                    Step::Counted { slot, min, max, .. } => {
                        self.enter(step, slot, max);
                        if min > 0 {
                            break;
                        }
                        step + 1
                    }
                    Step::Look(look) if context.holds(look) => step + 1,
                    Step::Look(_) => break,
                    Step::Split(first, second) => {
                        self.stack.push(second);
                        first
                    }
                    Step::Jump(other) => other,
                    Step::Save(_) | Step::Clear(..) => step + 1,
                };
            }
        }
        false
    }

    fn enter(&mut self, step: usize, slot: usize, max: usize) {
        let entries = &mut self.entered[slot];
        match entries.back_mut() {
            None => {
                self.counting.push(step);
                entries.push_back((self.now, self.now));
            }
            // The first entry stands for all later ones.
            Some(_) if max == usize::MAX => {}
            Some((_, last)) if *last + 1 == self.now => *last = self.now,
            Some(_) => entries.push_back((self.now, self.now)),
        }
    }
}

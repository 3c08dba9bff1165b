//! Tests whether a pattern matches anywhere in a text. A counted class takes one step whatever its counts: the step keeps the offsets
//! at which it was entered, which all advance together. Time is linear in the text, memory does not depend on the counts.

use super::Refusal;
use super::classes::{Class, Classes, size_of_classes};
use super::machine::View;
use super::tree::{Look, Node, Repeat};
use std::collections::VecDeque;

/// Limits the steps of a program.
const MAX_STEPS: usize = 1 << 16;
/// Limits the characters and classes of the pattern with all its counts written out.
const MAX_EXPANDED: usize = 1 << 18;

#[derive(Debug, Clone, Copy)]
enum Step {
    Char(char),
    /// A character of a class, by its index.
    Class(usize),
    /// Iterations of a class; `slot` is the place of their entries.
    Counted {
        slot: usize,
        class: usize,
        min: usize,
        max: usize,
    },
    Look(Look),
    Split(usize, usize),
    Jump(usize),
    Found,
}

#[derive(Debug)]
pub struct Counter {
    steps: Vec<Step>,
    classes: Vec<Class>,
    slots: usize,
    /// A match can only begin at the start of the text.
    is_anchored: bool,
    /// Bytes that the program takes, approximately.
    pub size: usize,
}

impl Counter {
    /// Compiles a rewritten pattern.
    ///
    /// # Errors
    /// For a pattern that is too large.
    pub fn of(node: &Node) -> Result<Self, Refusal> {
        let mut compiler = Compiler { steps: Vec::new(), classes: Classes::default(), slots: 0 };
        compiler.compile(node)?;
        compiler.add(Step::Found)?;
        let Compiler { steps, classes, slots } = compiler;
        let classes = classes.into_list();
        let size = size_of_val(&steps[..]) + size_of_classes(&classes);
        Ok(Counter { steps, classes, slots, is_anchored: is_anchored(node), size })
    }

    pub fn is_match(&self, text: &str) -> bool {
        Run {
            counter: self,
            seen: vec![0; self.steps.len()],
            now: 0,
            taking: Vec::new(),
            next: Vec::new(),
            counting: Vec::new(),
            entered: vec![VecDeque::new(); self.slots],
            stack: Vec::new(),
        }
        .matches(text)
    }
}

/// Checks how many characters the counts of a pattern make.
///
/// # Errors
/// For too many.
pub fn check_counts(node: &Node) -> Result<(), Refusal> {
    if expanded(node) > MAX_EXPANDED {
        let reason = format!("its counts written out make more than {MAX_EXPANDED} characters");
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
            let rounds = repeat.max.unwrap_or_else(|| repeat.min.max(1));
            expanded(&repeat.body).saturating_mul(rounds as usize)
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

struct Compiler {
    steps: Vec<Step>,
    classes: Classes,
    slots: usize,
}

impl Compiler {
    fn add(&mut self, step: Step) -> Result<usize, Refusal> {
        if self.steps.len() >= MAX_STEPS {
            return Err(Refusal::TooLarge(format!("its compiled form has more than {MAX_STEPS} steps")));
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn compile(&mut self, node: &Node) -> Result<(), Refusal> {
        match node {
            Node::Empty => {}
            Node::Char(character) => _ = self.add(Step::Char(*character))?,
            Node::Set(_) => {
                let class = self.classes.index(node).expect("one character");
                self.add(Step::Class(class))?;
            }
            Node::Look(look) => _ = self.add(Step::Look(*look))?,
            Node::Group(_, inner) => self.compile(inner)?,
            Node::Concat(parts) => parts.iter().try_for_each(|part| self.compile(part))?,
            Node::Either(parts) => {
                let mut ends = Vec::new();
                for (place, part) in parts.iter().enumerate() {
                    if place + 1 == parts.len() {
                        self.compile(part)?;
                        continue;
                    }
                    let split = self.add(Step::Split(0, 0))?;
                    self.compile(part)?;
                    ends.push(self.add(Step::Jump(0))?);
                    self.steps[split] = Step::Split(split + 1, self.steps.len());
                }
                for end in ends {
                    self.steps[end] = Step::Jump(self.steps.len());
                }
            }
            Node::Repeat(repeat) => self.compile_repeat(repeat)?,
        }
        Ok(())
    }

    fn compile_repeat(&mut self, repeat: &Repeat) -> Result<(), Refusal> {
        if let Some(class) = self.classes.index(&repeat.body) {
            let max = repeat.max.map_or(usize::MAX, |max| max as usize);
            self.add(Step::Counted { slot: self.slots, class, min: repeat.min as usize, max })?;
            self.slots += 1;
            return Ok(());
        }
        for _ in 0..repeat.min {
            self.compile_round(repeat)?;
        }
        let Some(max) = repeat.max else {
            let split = self.add(Step::Split(0, 0))?;
            self.compile_round(repeat)?;
            self.add(Step::Jump(split))?;
            self.steps[split] = Step::Split(split + 1, self.steps.len());
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in repeat.min..max {
            splits.push(self.add(Step::Split(0, 0))?);
            self.compile_round(repeat)?;
        }
        for split in splits {
            self.steps[split] = Step::Split(split + 1, self.steps.len());
        }
        Ok(())
    }

    fn compile_round(&mut self, repeat: &Repeat) -> Result<(), Refusal> {
        let before = self.steps.len();
        self.compile(&repeat.body)?;
        if self.steps.len() == before {
            // Makes an empty iteration count against the limit.
            self.add(Step::Jump(before + 1))?;
        }
        Ok(())
    }
}

/// A search in one text. Offsets count characters, from 1.
struct Run<'c> {
    counter: &'c Counter,
    /// The last offset at which each step was reached.
    seen: Vec<usize>,
    now: usize,
    /// Steps that take the character at the current offset, and at the next.
    taking: Vec<usize>,
    next: Vec<usize>,
    /// Counted steps with an iteration.
    counting: Vec<usize>,
    /// The offsets at which each counted step was entered, as ranges in ascending order, by slot.
    entered: Vec<VecDeque<(usize, usize)>>,
    stack: Vec<usize>,
}

impl Run<'_> {
    fn matches(mut self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut before = None;
        loop {
            self.now += 1;
            let next = rest.next();
            let view = View { at: 0, before, next };
            // What took the last character goes on from here.
            let steps = std::mem::take(&mut self.next);
            let is_found = steps.iter().any(|step| self.follow(step + 1, &view));
            self.next = steps;
            self.next.clear();
            if is_found || (self.now == 1 || !self.counter.is_anchored) && self.follow(0, &view) {
                return true;
            }
            let Some(character) = next else { return false };
            if self.taking.is_empty() && self.counting.is_empty() && self.counter.is_anchored {
                return false;
            }
            self.take(character);
            before = next;
        }
    }

    /// Moves all steps over a character.
    fn take(&mut self, character: char) {
        let Counter { steps, classes, .. } = self.counter;
        for step in self.taking.drain(..) {
            let takes = match steps[step] {
                Step::Char(it) => it == character,
                Step::Class(class) => classes[class].has(character),
                _ => false,
            };
            if takes {
                self.next.push(step);
            }
        }
        let behind = self.now + 1;
        let Run { counting, entered, next, .. } = self;
        counting.retain(|step| {
            let Step::Counted { slot, class, min, max } = steps[*step] else { unreachable!("only counted steps") };
            let entries = &mut entered[slot];
            if !classes[class].has(character) {
                entries.clear();
                return false;
            }
            while let Some((first, last)) = entries.front_mut() {
                if behind - *last > max {
                    entries.pop_front();
                    continue;
                }
                *first = (*first).max(behind.saturating_sub(max));
                if behind - *first >= min {
                    next.push(*step);
                }
                return true;
            }
            false
        });
    }

    /// Reaches a step and those behind it that take no character. Returns whether the pattern matches.
    fn follow(&mut self, start: usize, view: &View) -> bool {
        self.stack.push(start);
        while let Some(mut step) = self.stack.pop() {
            while self.seen[step] != self.now {
                self.seen[step] = self.now;
                step = match self.counter.steps[step] {
                    Step::Found => return true,
                    Step::Char(_) | Step::Class(_) => {
                        self.taking.push(step);
                        break;
                    }
                    Step::Counted { slot, min, max, .. } => {
                        self.enter(step, slot, max);
                        if min > 0 {
                            break;
                        }
                        step + 1
                    }
                    Step::Look(look) if view.holds(look) => step + 1,
                    Step::Look(_) => break,
                    Step::Split(first, second) => {
                        self.stack.push(second);
                        first
                    }
                    Step::Jump(other) => other,
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

//! A Pike VM that clears groups in each iteration of a loop and knows every line terminator and word character of ECMA-262. It takes
//! linear time but is slower than the regex crate, so it runs only where the crate's answer would differ.

use super::Refusal;
use super::classes::{Class, Classes};
use super::tree::{KELVIN, LONG_S, Look, Node, Repeat, is_terminator};

/// Limits steps times group offsets: the machine holds two words for each.
const MAX_ROOM: usize = 1 << 20;

#[derive(Debug)]
enum Step {
    Char(char),
    /// A character of a class, by its index.
    Class(usize),
    Look(Look),
    Save(usize),
    /// Clears the offsets from the first up to the second.
    Forget(usize, usize),
    /// The first way is preferred.
    Split(usize, usize),
    Jump(usize),
    Found,
}

#[derive(Debug)]
pub struct Program {
    steps: Vec<Step>,
    classes: Vec<Class>,
    places: usize,
}

/// Start and end offsets of the match and of each group; [`NOWHERE`] if unset.
pub type Places = [usize];
pub const NOWHERE: usize = usize::MAX;

impl Program {
    /// Compiles a rewritten pattern.
    ///
    /// # Errors
    /// When the machine would need too much memory.
    pub fn of(node: &Node, groups: usize) -> Result<Self, Refusal> {
        let mut compiler = Compiler { steps: Vec::new(), classes: Classes::default(), places: 2 * (groups + 1) };
        compiler.add(Step::Save(0))?;
        compiler.compile(node)?;
        compiler.add(Step::Save(1))?;
        compiler.add(Step::Found)?;
        let Compiler { steps, classes, places } = compiler;
        Ok(Program { steps, classes: classes.into_list(), places })
    }
}

struct Compiler {
    steps: Vec<Step>,
    classes: Classes,
    places: usize,
}

impl Compiler {
    fn add(&mut self, step: Step) -> Result<usize, Refusal> {
        if (self.steps.len() + 1) * self.places > MAX_ROOM {
            return Err(Refusal::TooLarge("its groups and loops take too much memory".to_string()));
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
            Node::Group(group, inner) => {
                let place = 2 * *group as usize;
                self.add(Step::Save(place))?;
                self.compile(inner)?;
                self.add(Step::Save(place + 1))?;
            }
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
        for _ in 0..repeat.min {
            self.compile_round(repeat)?;
        }
        let mut splits = Vec::new();
        match repeat.max {
            None => {
                let split = self.add(Step::Split(0, 0))?;
                self.compile_round(repeat)?;
                self.add(Step::Jump(split))?;
                splits.push(split);
            }
            Some(max) => {
                for _ in repeat.min..max {
                    splits.push(self.add(Step::Split(0, 0))?);
                    self.compile_round(repeat)?;
                }
            }
        }
        let end = self.steps.len();
        for split in splits {
            let body = split + 1;
            self.steps[split] = if repeat.greedy { Step::Split(body, end) } else { Step::Split(end, body) };
        }
        Ok(())
    }

    fn compile_round(&mut self, repeat: &Repeat) -> Result<(), Refusal> {
        if !repeat.groups.is_empty() {
            self.add(Step::Forget(2 * repeat.groups.start as usize, 2 * repeat.groups.end as usize))?;
        }
        let before = self.steps.len();
        self.compile(&repeat.body)?;
        if self.steps.len() == before {
            // Makes an empty iteration count against the limit.
            self.add(Step::Jump(before + 1))?;
        }
        Ok(())
    }
}

/// The threads at one offset of the text, in order of preference, with their group offsets.
#[derive(Default)]
struct Threads {
    steps: Vec<usize>,
    /// The position of each step in `steps`, if it is there: a sparse set.
    index: Vec<usize>,
    places: Vec<usize>,
}

impl Threads {
    fn prepare(&mut self, program: &Program) {
        self.steps.clear();
        if self.index.len() != program.steps.len() {
            // Zeroed pages are only mapped when they are touched.
            self.index = vec![0; program.steps.len()];
            self.places = vec![0; program.steps.len() * program.places];
        }
    }

    fn has(&self, step: usize) -> bool {
        self.steps.get(self.index[step]) == Some(&step)
    }
}

enum Frame {
    Go(usize),
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
    /// Finds the first match at or after an offset and writes its offsets to `found`. With `end` the caller knows that the match
    /// begins at `at` and ends there, and no character after it is read as part of a match.
    pub fn find(&mut self, program: &Program, text: &str, at: usize, end: Option<usize>, found: &mut Places) -> bool {
        let anchored = end.is_some();
        self.now.prepare(program);
        self.next.prepare(program);
        let mut is_found = false;
        let mut before = text[..at].chars().next_back();
        let mut rest = text[at..].char_indices();
        let mut blank = vec![NOWHERE; program.places];
        loop {
            let offset = at + rest.offset();
            let next = rest.next().map(|(_, next)| next);
            if !is_found && (offset == at || !anchored) {
                blank.fill(NOWHERE);
                let view = View { at: offset, before, next };
                follow(program, 0, &mut blank, &view, &mut self.now, &mut self.frames);
            }
            if self.now.steps.is_empty() && (is_found || anchored) {
                return is_found;
            }
            let taken = next.filter(|_| end != Some(offset));
            let behind = next.map(|it| offset + it.len_utf8());
            let view = View { at: behind.unwrap_or(offset), before: next, next: rest.clone().next().map(|(_, it)| it) };
            self.next.steps.clear();
            for index in 0..self.now.steps.len() {
                let step = self.now.steps[index];
                let places = &mut self.now.places[step * program.places..][..program.places];
                let takes = match &program.steps[step] {
                    Step::Char(character) => taken == Some(*character),
                    Step::Class(class) => taken.is_some_and(|it| program.classes[*class].has(it)),
                    Step::Found => {
                        found.copy_from_slice(places);
                        is_found = true;
                        break;
                    }
                    _ => false,
                };
                if takes {
                    follow(program, step + 1, places, &view, &mut self.next, &mut self.frames);
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
            if taken.is_none() {
                return is_found;
            }
            before = next;
        }
    }
}

/// An offset with the characters on both sides.
pub struct View {
    pub at: usize,
    pub before: Option<char>,
    pub next: Option<char>,
}

impl View {
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

/// Adds a thread for each step reachable without taking a character, in order of preference.
fn follow(
    program: &Program,
    start: usize,
    places: &mut [usize],
    view: &View,
    threads: &mut Threads,
    frames: &mut Vec<Frame>,
) {
    frames.push(Frame::Go(start));
    while let Some(frame) = frames.pop() {
        let mut step = match frame {
            Frame::Go(step) => step,
            Frame::Restore(place, at) => {
                places[place] = at;
                continue;
            }
        };
        while !threads.has(step) {
            threads.index[step] = threads.steps.len();
            threads.steps.push(step);
            step = match program.steps[step] {
                Step::Jump(other) => other,
                Step::Split(first, second) => {
                    frames.push(Frame::Go(second));
                    first
                }
                Step::Look(look) if view.holds(look) => step + 1,
                Step::Look(_) => break,
                Step::Save(place) => {
                    frames.push(Frame::Restore(place, places[place]));
                    places[place] = view.at;
                    step + 1
                }
                Step::Forget(from, to) => {
                    for (place, at) in places.iter_mut().enumerate().take(to).skip(from) {
                        frames.push(Frame::Restore(place, *at));
                        *at = NOWHERE;
                    }
                    step + 1
                }
                Step::Char(_) | Step::Class(_) | Step::Found => {
                    threads.places[step * program.places..][..program.places].copy_from_slice(places);
                    break;
                }
            };
        }
    }
}

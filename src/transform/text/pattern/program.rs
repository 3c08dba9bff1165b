//! Compiles a rewritten pattern to the steps that [`super::machine`] and [`super::counter`] run.

use super::classes::{Class, Classes};
use super::refusal::Refusal;
use super::tree::{Look, Node, Repeat};

/// Limits steps times group offsets: the machine holds two words for each.
const MAX_OFFSETS: usize = 1 << 20;
/// Limits the steps of a program without groups.
const MAX_STEPS: usize = 1 << 16;

#[derive(Debug, Clone, Copy)]
pub enum Step {
    Char(char),
    /// A character of a class, by its index.
    Class(usize),
    /// Iterations of a class; `slot` is the index of their entries. Only in programs without groups.
    Counted {
        slot: usize,
        class: usize,
        min: usize,
        max: usize,
    },
    Look(Look),
    /// Saves an offset. Like `Clear`, only in programs with groups.
    Save(usize),
    /// Clears the offsets from the first up to the second.
    Clear(usize, usize),
    /// The first step is preferred.
    Split(usize, usize),
    Jump(usize),
    Match,
}

#[derive(Debug)]
pub struct Program {
    pub steps: Vec<Step>,
    pub classes: Vec<Class>,
    /// The number of offsets: start and end of the match and of each group. 0 in a program without groups.
    pub offsets: usize,
    /// The number of counted steps.
    pub slots: usize,
}

impl Program {
    /// Compiles a rewritten pattern with its groups.
    ///
    /// # Errors
    /// When the machine would need too much memory.
    pub fn with_groups(node: &Node, groups: usize) -> Result<Self, Refusal> {
        let mut compiler = Compiler::new(2 * (groups + 1));
        compiler.add(Step::Save(0))?;
        compiler.compile(node)?;
        compiler.add(Step::Save(1))?;
        compiler.finish()
    }

    /// Compiles a rewritten pattern without groups, in which a counted class is one step.
    ///
    /// # Errors
    /// For a pattern that is too large.
    pub fn counting(node: &Node) -> Result<Self, Refusal> {
        let mut compiler = Compiler::new(0);
        compiler.compile(node)?;
        compiler.finish()
    }
}

struct Compiler {
    steps: Vec<Step>,
    classes: Classes,
    offsets: usize,
    slots: usize,
}

impl Compiler {
    fn new(offsets: usize) -> Self {
        Compiler { steps: Vec::new(), classes: Classes::default(), offsets, slots: 0 }
    }

    fn finish(mut self) -> Result<Program, Refusal> {
        self.add(Step::Match)?;
        let Compiler { steps, classes, offsets, slots } = self;
        Ok(Program { steps, classes: classes.into_list(), offsets, slots })
    }

    fn has_groups(&self) -> bool {
        self.offsets > 0
    }

    fn add(&mut self, step: Step) -> Result<usize, Refusal> {
        let count = self.steps.len() + 1;
        if count * self.offsets > MAX_OFFSETS {
            return Err(Refusal::TooLarge("its groups and loops require too much memory".to_string()));
        }
        if !self.has_groups() && count > MAX_STEPS {
            return Err(Refusal::TooLarge(format!("its compiled form has more than {MAX_STEPS} steps")));
        }
        self.steps.push(step);
        Ok(count - 1)
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
            Node::Group(group, inner) if self.has_groups() => {
                let start = 2 * *group as usize;
                self.add(Step::Save(start))?;
                self.compile(inner)?;
                self.add(Step::Save(start + 1))?;
            }
            Node::Group(_, inner) => self.compile(inner)?,
            Node::Concat(parts) => parts.iter().try_for_each(|part| self.compile(part))?,
            Node::Either(parts) => {
                let mut ends = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    if index + 1 == parts.len() {
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
        if !self.has_groups()
            && let Some(class) = self.classes.index(&repeat.body)
        {
            let max = repeat.max.map_or(usize::MAX, |max| max as usize);
            self.add(Step::Counted { slot: self.slots, class, min: repeat.min as usize, max })?;
            self.slots += 1;
            return Ok(());
        }
        for _ in 0..repeat.min {
            self.compile_iteration(repeat)?;
        }
        let mut splits = Vec::new();
        match repeat.max {
            None => {
                let split = self.add(Step::Split(0, 0))?;
                self.compile_iteration(repeat)?;
                self.add(Step::Jump(split))?;
                splits.push(split);
            }
            Some(max) => {
                for _ in repeat.min..max {
                    splits.push(self.add(Step::Split(0, 0))?);
                    self.compile_iteration(repeat)?;
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

    fn compile_iteration(&mut self, repeat: &Repeat) -> Result<(), Refusal> {
        if self.has_groups() && !repeat.groups.is_empty() {
            self.add(Step::Clear(2 * repeat.groups.start as usize, 2 * repeat.groups.end as usize))?;
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

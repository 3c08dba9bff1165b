//! Compiles small patterns to a table of transitions (a DFA by the subset construction). The table tests short ASCII texts several
//! times faster than the regex crate, since threads share no cache.

use super::tree::{Look, Node, Set};
use std::collections::HashMap;

/// Larger patterns have no table.
const MAX_STEPS: usize = 128;
const MAX_STATES: usize = 32;
/// The regex crate searches longer texts faster.
const MAX_TEXT: usize = 256;
const ASCII: usize = 128;
/// The state in which the pattern has matched.
const MATCHED: u8 = u8::MAX;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A character of a set of ASCII characters, as bits.
    Set(u128),
    Look(Look),
    Split(usize, usize),
    Match,
}

/// The transitions of a pattern.
#[derive(Debug)]
pub struct AsciiTable {
    /// The next state by state and character.
    next: Vec<[u8; ASCII]>,
    /// Whether the pattern matches if the text ends in a state.
    matches_at_end: Vec<bool>,
}

impl AsciiTable {
    /// Returns `None` for a pattern that is too large or has other assertions than the start and the end of the text.
    pub fn new(node: &Node) -> Option<Self> {
        let mut steps = Steps(Vec::new());
        steps.compile(node)?;
        steps.add(Step::Match)?;
        Table { steps: steps.0, states: Vec::new(), known: HashMap::new(), matches_at_end: Vec::new() }.build()
    }

    pub fn bytes(&self) -> usize {
        self.next.len() * (ASCII + 1)
    }

    /// Returns whether the pattern matches anywhere; `None` for a text that is long or has other characters.
    #[inline]
    pub fn is_match(&self, text: &str) -> Option<bool> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut state = 0;
        for (index, byte) in text.bytes().enumerate() {
            match self.next[state].get(usize::from(byte)) {
                None => return None,
                Some(&MATCHED) => return text.as_bytes()[index..].is_ascii().then_some(true),
                Some(&next) => state = usize::from(next),
            }
        }
        Some(self.matches_at_end[state])
    }
}

struct Steps(Vec<Step>);

impl Steps {
    fn add(&mut self, step: Step) -> Option<usize> {
        if self.0.len() == MAX_STEPS {
            return None;
        }
        self.0.push(step);
        Some(self.0.len() - 1)
    }

    /// Adds the steps of a node. They continue with the step that is added next.
    fn compile(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Empty => {}
            Node::Char(character) => _ = self.add(Step::Set(bits(&super::tree::set(&[(*character, *character)]))))?,
            Node::Set(set) => _ = self.add(Step::Set(bits(set)))?,
            Node::Look(look @ (Look::Start | Look::End)) => _ = self.add(Step::Look(*look))?,
            Node::Look(_) => return None,
            Node::Group(_, inner) => self.compile(inner)?,
            Node::Concat(parts) => parts.iter().try_for_each(|part| self.compile(part))?,
            Node::Either(parts) => self.alternatives(parts)?,
            Node::Repeat(repeat) => {
                (0..repeat.min).try_for_each(|_| self.compile(&repeat.body))?;
                match repeat.max {
                    Some(max) => (repeat.min..max).try_for_each(|_| self.optional(&repeat.body, false))?,
                    None => self.optional(&repeat.body, true)?,
                }
            }
        }
        Some(())
    }

    fn alternatives(&mut self, parts: &[Node]) -> Option<()> {
        let Some((last, others)) = parts.split_last() else {
            self.add(Step::Set(0))?;
            return Some(());
        };
        let mut ends = Vec::new();
        for part in others {
            let split = self.add(Step::Split(self.0.len() + 1, 0))?;
            self.compile(part)?;
            ends.push(self.add(Step::Split(0, 0))?);
            self.0[split] = Step::Split(split + 1, self.0.len());
        }
        self.compile(last)?;
        for end in ends {
            self.0[end] = Step::Split(self.0.len(), self.0.len());
        }
        Some(())
    }

    fn optional(&mut self, body: &Node, is_repeated: bool) -> Option<()> {
        let split = self.add(Step::Split(0, 0))?;
        self.compile(body)?;
        if is_repeated {
            self.add(Step::Split(split, split))?;
        }
        self.0[split] = Step::Split(split + 1, self.0.len());
        Some(())
    }
}

fn bits(set: &Set) -> u128 {
    let ascii = set.ranges().iter().flat_map(|range| range.start()..=range.end().min('\x7f'));
    ascii.fold(0, |bits, character| bits | 1 << u32::from(character))
}

/// Steps that may come next, in order: sets and the end of the text.
type State = Vec<usize>;

struct Table {
    steps: Vec<Step>,
    states: Vec<State>,
    /// Indices of the states, without the first state: only that one is at the start of the text.
    known: HashMap<State, u8>,
    matches_at_end: Vec<bool>,
}

impl Table {
    fn build(mut self) -> Option<AsciiTable> {
        let Some(first) = self.closure(&[0], &[Look::Start]) else {
            return Some(AsciiTable { next: vec![[MATCHED; ASCII]], matches_at_end: vec![true] });
        };
        let matches = self.closure(&first, &[Look::Start, Look::End]).is_none();
        self.states.push(first);
        self.matches_at_end.push(matches);
        let mut next = Vec::new();
        while next.len() < self.states.len() {
            let state = self.states[next.len()].clone();
            let mut row = [0; ASCII];
            let mut rows: HashMap<Vec<usize>, u8> = HashMap::new();
            for (character, target) in row.iter_mut().enumerate() {
                let reached: Vec<usize> =
                    state.iter().filter(|&&step| self.accepts(step, character)).copied().collect();
                *target = match rows.get(&reached) {
                    Some(&known) => known,
                    None => {
                        let found = self.target(&reached)?;
                        rows.insert(reached, found);
                        found
                    }
                };
            }
            next.push(row);
        }
        Some(AsciiTable { next, matches_at_end: self.matches_at_end })
    }

    fn accepts(&self, step: usize, character: usize) -> bool {
        matches!(self.steps[step], Step::Set(bits) if bits >> character & 1 == 1)
    }

    /// Returns the index of the state after the steps of `reached`; a match may also begin here.
    fn target(&mut self, reached: &[usize]) -> Option<u8> {
        let from: Vec<usize> = reached.iter().map(|step| step + 1).chain([0]).collect();
        let Some(state) = self.closure(&from, &[]) else { return Some(MATCHED) };
        if let Some(&known) = self.known.get(&state) {
            return Some(known);
        }
        let index = u8::try_from(self.states.len()).ok().filter(|&index| usize::from(index) < MAX_STATES)?;
        let matches = self.closure(&state, &[Look::End]).is_none();
        self.matches_at_end.push(matches);
        self.known.insert(state.clone(), index);
        self.states.push(state);
        Some(index)
    }

    /// Follows the steps that need no character, where the assertions of `looks` hold. Returns `None` if the pattern has matched.
    fn closure(&self, from: &[usize], looks: &[Look]) -> Option<State> {
        let mut is_seen = [false; MAX_STEPS];
        let mut pending = from.to_vec();
        let mut state = Vec::new();
        while let Some(step) = pending.pop() {
            if std::mem::replace(&mut is_seen[step], true) {
                continue;
            }
            match self.steps[step] {
                Step::Match => return None,
                Step::Set(_) => state.push(step),
                Step::Split(first, second) => pending.extend([first, second]),
                Step::Look(look) if looks.contains(&look) => pending.push(step + 1),
                Step::Look(Look::End) => state.push(step),
                Step::Look(_) => {}
            }
        }
        state.sort_unstable();
        Some(state)
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::text::pattern::compiled::{Pattern, parsed};
    use crate::transform::text::pattern::tree::Flags;
    use proptest::prelude::*;

    fn table(pattern: &str) -> Option<AsciiTable> {
        AsciiTable::new(&parsed(pattern, Flags::default()).unwrap().0)
    }

    #[test]
    fn only_short_ascii_texts_and_small_patterns_have_an_answer() {
        let table = table("^-?[0-9]+(\\.[0-9]+)?$").unwrap();
        for (text, expected) in [
            ("-12.5", Some(true)),
            ("0", Some(true)),
            ("", Some(false)),
            ("1.", Some(false)),
            ("1\n", Some(false)),
            ("1é", None),
            (&*"1".repeat(MAX_TEXT), Some(true)),
            (&*"1".repeat(MAX_TEXT + 1), None),
        ] {
            assert_eq!(table.is_match(text), expected, "{text:?}");
        }
        for pattern in ["\\bword", "(?m:^a)", "^[ab]{200}$", "[ab]*a[ab]{8}"] {
            assert!(self::table(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_the_search(
            pattern in "(\\^|\\$|[abé.]|\\[\\^?ab\\]|\\(\\?:[ab]?\\|\\^b\\$?\\)|(a|b|\\(\\?:a\\|\\^?b\\$?\\)|[.])(\\*|\\+|\\?|\\{1,2\\}|\\{2\\})){0,6}",
            text in "[ab\n]{0,8}é?",
        ) {
            let known = Pattern::new(&pattern, Flags::default(), false).unwrap().is_match(&text);
            if let Some(answer) = table(&pattern).and_then(|table| table.is_match(&text)) {
                prop_assert_eq!(answer, known, "{} on {:?}", pattern, text);
                prop_assert!(text.is_ascii());
            }
        }
    }
}

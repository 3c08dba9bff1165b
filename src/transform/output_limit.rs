//! How an output grows: in steps, under a limit, and never because the input said so.

use super::contract::STEP;
use super::memory;
use crate::args::ArgumentError;
use crate::args::Options;
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// What an input may expand to unless told otherwise.
const DEFAULT_MAX_OUTPUT: u64 = 1 << 30;
const SMALLEST_STEP: usize = 4 << 10;
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Counts the output of one decompression against its limit.
#[derive(Debug, Clone)]
pub struct Growth {
    limit: u64,
    made: u64,
    /// The room of the next step, if the last one used all of its own.
    next: Option<usize>,
}

/// The `maxOutput` option.
pub fn max_output(options: &Options<'_>) -> std::result::Result<u64, ArgumentError> {
    let given = options.integer("maxOutput", 1..=MAX_SAFE_INTEGER)?;
    Ok(given.map_or(DEFAULT_MAX_OUTPUT, i64::unsigned_abs))
}

/// Whether an output of so many bytes is within a limit.
///
/// # Errors
/// When it is not.
pub fn check_output(len: usize, limit: u64) -> Result<()> {
    if len as u64 > limit { Err(Error::output_limit(limit)) } else { Ok(()) }
}

impl Growth {
    pub fn new(limit: u64) -> Self {
        Growth { limit, made: 0, next: None }
    }

    /// How many bytes the next step may make of so much input: a few times as much, twice as much again whenever that
    /// was not enough, and at most one byte beyond the limit, which tells an output that fits exactly from one that
    /// does not.
    fn room(&self, input: usize) -> usize {
        let step = self.next.unwrap_or_else(|| input.saturating_mul(4)).clamp(SMALLEST_STEP, STEP);
        let left = self.left().saturating_add(1);
        usize::try_from(left).map_or(step, |left| step.min(left))
    }

    /// Another part of the input begins, which may make next to nothing of it: room for all that follows would be prepared
    /// in vain for each of many small parts.
    pub fn restart(&mut self) {
        self.next = Some(SMALLEST_STEP);
    }

    /// What may still be made.
    pub fn left(&self) -> u64 {
        self.limit - self.made
    }

    /// The error for more than that.
    pub fn exceeded(&self) -> Error {
        Error::output_limit(self.limit)
    }

    /// Takes note of what a step made.
    ///
    /// # Errors
    /// Beyond the limit.
    pub fn add(&mut self, made: usize) -> Result<()> {
        let made = self.made + made as u64;
        if made > self.limit {
            return Err(self.exceeded());
        }
        self.made = made;
        Ok(())
    }

    /// One step: lends `fill` fresh room at the end of `out`, of which it says how much it used, and beside it what it
    /// found. `input` is the number of bytes it has to work on. Polls `cancel` first.
    ///
    /// # Errors
    /// Those of `fill`, of the limit, and of kind `Cancelled`.
    pub fn step<T>(
        &mut self,
        input: usize,
        out: &mut Vec<u8>,
        cancel: &Cancel,
        fill: impl FnOnce(&mut [u8]) -> Result<(usize, T)>,
    ) -> Result<Step<T>> {
        cancel.check()?;
        let before = out.len();
        let room = self.room(input);
        memory::zeros(out, room)?;
        let filled = fill(&mut out[before..]);
        let made = filled.as_ref().map_or(0, |(made, _)| *made);
        out.truncate(before + made);
        let (_, found) = filled?;
        self.add(made)?;
        let full = made == room;
        self.next = full.then_some(room * 2);
        Ok(Step { full, found })
    }
}

/// What one step came to.
pub struct Step<T> {
    /// It used all its room, so there may be more to come without more input.
    pub full: bool,
    pub found: T,
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn offers_one_byte_beyond_the_limit_and_refuses_it() {
        let mut growth = Growth::new(10);
        assert_eq!(growth.room(1), 11);
        growth.add(10).unwrap();
        assert_eq!(growth.room(1), 1);
        assert_eq!(growth.add(1).unwrap_err().kind, Kind::OutputLimit);
    }

    #[test]
    fn takes_larger_steps_as_long_as_they_are_used_up() {
        let mut growth = Growth::new(u64::MAX);
        let (cancel, mut out) = (Cancel::new(), Vec::new());
        let mut rooms = Vec::new();
        for _ in 0..12 {
            growth
                .step(1, &mut out, &cancel, |room| {
                    rooms.push(room.len());
                    Ok((room.len(), ()))
                })
                .unwrap();
        }
        assert_eq!((rooms[0], rooms[1], rooms[11]), (SMALLEST_STEP, SMALLEST_STEP * 2, STEP));
        assert_eq!(out.len(), rooms.iter().sum::<usize>());
    }

    #[test]
    fn leaves_nothing_of_a_failed_step() {
        let mut out = vec![1];
        let failed = Growth::new(9).step(1, &mut out, &Cancel::new(), |_| Err::<(usize, ()), _>(Error::cancelled()));
        assert!(failed.is_err());
        assert_eq!(out, [1]);
    }
}

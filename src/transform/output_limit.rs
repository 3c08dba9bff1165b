//! Grows the output of decompressors: in steps, up to a limit, and never because the input claims a size.

use super::contract::STEP;
use super::memory;
use crate::args::{ArgumentError, Options};
use crate::cancel::Cancel;
use crate::error::{Error, Result};

/// Output limit unless `maxOutput` sets another.
const DEFAULT_MAX_OUTPUT: u64 = 256 << 20;
const SMALLEST_STEP: usize = 4 << 10;
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Counts the output of one decompression against its limit, and sizes the buffers of its steps.
#[derive(Debug, Clone)]
pub struct OutputLimiter {
    limit: u64,
    produced: u64,
    /// Buffer size of the next step, if the last one filled its buffer.
    next: Option<usize>,
}

/// Reads the `maxOutput` option.
///
/// # Errors
/// If it is not an integer >= 1.
pub fn max_output(options: &Options<'_>) -> std::result::Result<u64, ArgumentError> {
    let given = options.integer("maxOutput", 1..=MAX_SAFE_INTEGER)?;
    Ok(given.map_or(DEFAULT_MAX_OUTPUT, i64::unsigned_abs))
}

/// Checks that an output of `len` bytes is within a limit.
///
/// # Errors
/// Of kind `OutputLimit` if it is not.
pub fn check_output(len: usize, limit: u64) -> Result<()> {
    if len as u64 > limit { Err(Error::output_limit(limit)) } else { Ok(()) }
}

impl OutputLimiter {
    pub fn new(limit: u64) -> Self {
        OutputLimiter { limit, produced: 0, next: None }
    }

    /// Returns the buffer size of the next step: four times the input, doubled after each step that filled its buffer, and
    /// at most one byte beyond the limit, which distinguishes an output that just fits from one that does not.
    fn buffer_size(&self, input: usize) -> usize {
        let step = self.next.unwrap_or_else(|| input.saturating_mul(4)).clamp(SMALLEST_STEP, STEP);
        let remaining = self.remaining().saturating_add(1);
        usize::try_from(remaining).map_or(step, |remaining| step.min(remaining))
    }

    /// Returns to the smallest buffer for the next member of the input: many small members would each zero a buffer sized
    /// for all the input that follows.
    pub fn restart(&mut self) {
        self.next = Some(SMALLEST_STEP);
    }

    /// Returns how many more bytes the output may have.
    pub fn remaining(&self) -> u64 {
        self.limit - self.produced
    }

    /// Returns the error for an output beyond the limit.
    pub fn exceeded(&self) -> Error {
        Error::output_limit(self.limit)
    }

    /// Adds the output of a step.
    ///
    /// # Errors
    /// Of kind `OutputLimit` beyond the limit.
    pub fn add(&mut self, len: usize) -> Result<()> {
        let produced = self.produced + len as u64;
        if produced > self.limit {
            return Err(self.exceeded());
        }
        self.produced = produced;
        Ok(())
    }

    /// Runs one step: `fill` writes to a buffer at the end of `out`, and returns how many bytes it wrote and its outcome.
    /// `input` is the number of input bytes available to it. Polls `cancel` first.
    ///
    /// # Errors
    /// Those of `fill`; of kind `OutputLimit`, `Cancelled`, or `Resources` without memory.
    pub fn step<T>(
        &mut self,
        input: usize,
        out: &mut Vec<u8>,
        cancel: &Cancel,
        fill: impl FnOnce(&mut [u8]) -> Result<(usize, T)>,
    ) -> Result<Step<T>> {
        cancel.check()?;
        let start = out.len();
        let size = self.buffer_size(input);
        memory::zeros(out, size)?;
        let filled = fill(&mut out[start..]);
        let len = filled.as_ref().map_or(0, |(len, _)| *len);
        out.truncate(start + len);
        let (_, outcome) = filled?;
        self.add(len)?;
        let full = len == size;
        self.next = full.then_some(size * 2);
        Ok(Step { full, outcome })
    }
}

/// Result of one step.
pub struct Step<T> {
    /// Whether the step filled its buffer: more output may be pending without more input.
    pub full: bool,
    pub outcome: T,
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn rejects_one_byte_beyond_the_limit() {
        let mut limiter = OutputLimiter::new(10);
        assert_eq!(limiter.buffer_size(1), 11);
        limiter.add(10).unwrap();
        assert_eq!(limiter.buffer_size(1), 1);
        assert_eq!(limiter.add(1).unwrap_err().kind, Kind::OutputLimit);
    }

    #[test]
    fn doubles_the_buffer_while_steps_fill_it() {
        let mut limiter = OutputLimiter::new(u64::MAX);
        let (cancel, mut out) = (Cancel::new(), Vec::new());
        let mut sizes = Vec::new();
        for _ in 0..12 {
            limiter
                .step(1, &mut out, &cancel, |buffer| {
                    sizes.push(buffer.len());
                    Ok((buffer.len(), ()))
                })
                .unwrap();
        }
        assert_eq!((sizes[0], sizes[1], sizes[11]), (SMALLEST_STEP, SMALLEST_STEP * 2, STEP));
        assert_eq!(out.len(), sizes.iter().sum::<usize>());
    }

    #[test]
    fn discards_the_output_of_a_failed_step() {
        let mut out = vec![1];
        let failed =
            OutputLimiter::new(9).step(1, &mut out, &Cancel::new(), |_| Err::<(usize, ()), _>(Error::cancelled()));
        assert!(failed.is_err());
        assert_eq!(out, [1]);
    }
}

//! Tries compressors on a sample of the data.

use super::backend::Backend;
use super::zlib_rs::WINDOW;
use super::{libdeflate, zlib_rs};
use crate::cancel::Cancel;
use crate::error::Result;

/// Bytes that a trial compresses at most.
const SIZE: usize = 16 << 10;
/// Smallest input that a trial reads a whole window of history in, which would take too much of the time for less.
pub const LARGE: usize = 1 << 20;
/// Bounds of half a probe.
const PROBE: std::ops::RangeInclusive<usize> = 2 << 10..=32 << 10;

/// Data from the middle of an input: headers are often unlike the rest.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The data right before the sample, which it may refer to, and the sample.
    plain: &'a [u8],
    history: usize,
}

impl<'a> Sample<'a> {
    /// Takes a sample for a trial of several compressors, which takes up to a tenth of the time for the whole input.
    pub fn for_trial(input: &'a [u8]) -> Self {
        let history = if input.len() < LARGE { 0 } else { WINDOW };
        Sample::new(input, history, (input.len() / 16).min(SIZE))
    }

    fn new(input: &'a [u8], history: usize, len: usize) -> Self {
        let from = (input.len() - history - len) / 2;
        Sample { plain: &input[from..from + history + len], history }
    }

    /// Returns the length that a backend compresses the sample to.
    ///
    /// # Errors
    /// Of kind `Cancelled`; of kind `Resources` without memory; of kind `Panic` if the compressor fails.
    pub fn compressed_len(self, backend: Backend, cancel: &Cancel) -> Result<usize> {
        cancel.check()?;
        let (history, data) = self.plain.split_at(self.history);
        let mut out = Vec::new();
        match backend {
            Backend::Libdeflate(level) => {
                libdeflate::compress(self.plain, level, &mut out)?;
                let both = out.len();
                out.clear();
                if !history.is_empty() {
                    libdeflate::compress(history, level, &mut out)?;
                }
                Ok(both.saturating_sub(out.len()))
            }
            Backend::ZlibRs(level) => {
                zlib_rs::compress(history, data, true, level, &mut out, cancel)?;
                Ok(out.len())
            }
        }
    }
}

/// Returns how many bytes of the input fit into one byte of output of the fastest compressor, where a history exists.
///
/// # Errors
/// As [`Sample::compressed_len`].
#[expect(clippy::cast_precision_loss, reason = "small")]
pub fn probe(input: &[u8], cancel: &Cancel) -> Result<f64> {
    let half = (input.len() / 48).clamp(*PROBE.start(), *PROBE.end()).min(input.len() / 2);
    let len = Sample::new(input, half, half).compressed_len(Backend::Libdeflate(1), cancel)?;
    Ok(half as f64 / len.max(1) as f64)
}

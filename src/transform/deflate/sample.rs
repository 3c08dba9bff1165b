//! Tries compressors on a sample of the data.

use super::backend::Backend;
use super::zlib_rs::WINDOW;
use super::{libdeflate, zlib_rs};
use crate::cancel::Cancel;
use crate::error::Result;

/// Maximum length of the sample for a trial, without its history.
const SIZE: usize = 16 << 10;
/// Smallest input whose trial has half a window of history: for smaller inputs the trial would take too long.
const WITH_HALF: usize = 1 << 20;
/// Smallest input whose trial has a whole window of history.
const WITH_WHOLE: usize = 4 << 20;
/// Bounds of the length of a probe, which has a history of the same length.
const PROBE: std::ops::RangeInclusive<usize> = 2 << 10..=32 << 10;

/// Data from the middle of an input: headers are often unlike the rest.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The history, which is the data before the sample, and the sample.
    plain: &'a [u8],
    history: usize,
}

impl<'a> Sample<'a> {
    /// Returns a sample for a trial of several compressors: short, since each of them compresses it.
    pub fn for_trial(input: &'a [u8]) -> Self {
        let history = match input.len() {
            ..WITH_HALF => 0,
            WITH_HALF..WITH_WHOLE => WINDOW / 2,
            _ => WINDOW,
        };
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

/// Returns the plain bytes per byte of output of libdeflate's level 1, for data in the middle of the input that has a history.
///
/// # Errors
/// As [`Sample::compressed_len`].
#[expect(clippy::cast_precision_loss, reason = "small")]
pub fn probe(input: &[u8], cancel: &Cancel) -> Result<f64> {
    let half = (input.len() / 48).clamp(*PROBE.start(), *PROBE.end()).min(input.len() / 2);
    let len = Sample::new(input, half, half).compressed_len(Backend::Libdeflate(1), cancel)?;
    Ok(half as f64 / len.max(1) as f64)
}

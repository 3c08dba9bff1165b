//! A cache of libdeflate's compressors: setting up the tables of one, most of a megabyte, can cost as much as compressing a
//! small input.

use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use libdeflater::{CompressionLvl, Compressor};
use parking_lot::Mutex;

/// Idle compressors and their levels, the longest idle first.
static IDLE: Mutex<Vec<(u8, Compressor)>> = Mutex::new(Vec::new());

/// Returns an upper estimate of the bytes that a compressor allocates.
fn state_size(level: u8) -> usize {
    if level < 10 { 1 << 20 } else { 10 << 20 }
}

/// Returns how many idle compressors to keep, at about 0.6 MB each: one per thread, and two for samples.
fn max_idle() -> usize {
    rayon::current_num_threads().min(16) + 2
}

/// Appends `plain` as a complete deflate stream, at a level of libdeflate: 0 to 12.
///
/// # Errors
/// Of kind `Resources` without memory; of kind `Panic` if the compressor fails.
pub fn compress(plain: &[u8], level: u8, out: &mut Vec<u8>) -> Result<()> {
    let failed = || Error::new(Kind::Panic, "The deflate compressor failed");
    let mut compressor = match acquire(level) {
        Some(compressor) => compressor,
        None => {
            // `Compressor::new` panics if memory runs out.
            memory::check(state_size(level))?;
            Compressor::new(CompressionLvl::new(level.into()).map_err(|_| failed())?)
        }
    };
    let start = out.len();
    let bound = compressor.deflate_compress_bound(plain.len());
    if let Err(error) = memory::zeros(out, bound) {
        release(level, compressor);
        return Err(error);
    }
    let result = compressor.deflate_compress(plain, &mut out[start..]).map_err(|_| failed());
    out.truncate(start + *result.as_ref().unwrap_or(&0));
    release(level, compressor);
    result.map(|_| ())
}

fn acquire(level: u8) -> Option<Compressor> {
    let mut idle = IDLE.lock();
    let index = idle.iter().rposition(|(idle_level, _)| *idle_level == level)?;
    Some(idle.remove(index).1)
}

fn release(level: u8, compressor: Compressor) {
    let mut idle = IDLE.lock();
    idle.push((level, compressor));
    let surplus = idle.len().saturating_sub(max_idle());
    let dropped = idle.drain(..surplus).collect::<Vec<_>>();
    // Free them outside the lock.
    drop(idle);
    drop(dropped);
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_bounded_number() {
        for level in 0..=12 {
            for _ in 0..3 {
                let mut out = b"before".to_vec();
                compress(b"some words, some words", level, &mut out).unwrap();
                assert!(out.starts_with(b"before") && out.len() > 6);
            }
            assert!(IDLE.lock().len() <= 32);
        }
    }
}

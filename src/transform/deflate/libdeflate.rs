//! libdeflate's compressors, kept for the next use: one takes most of a megabyte of tables, which for a small input would
//! cost as much to set up as the work itself.

use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use libdeflater::{CompressionLvl, Compressor};
use parking_lot::Mutex;

/// Compressors at rest with their levels, the one that rested longest first. Nobody waits for one: who finds none of
/// the level makes one.
static AT_REST: Mutex<Vec<(u8, Compressor)>> = Mutex::new(Vec::new());

/// Returns about how many bytes a compressor of a level allocates at most.
fn state(level: u8) -> usize {
    if level < 10 { 1 << 20 } else { 10 << 20 }
}

/// At rest at most, as they are about 0.6 MB each: what the threads here can use at once, and one for probing.
fn kept() -> usize {
    rayon::current_num_threads().min(16) + 1
}

/// Appends a complete deflate stream of `plain` at a level of libdeflate's, 0 to 12.
///
/// # Errors
/// Of kind `Unsupported` without memory; of kind `Panic` should the compressor fail.
pub fn compress(plain: &[u8], level: u8, out: &mut Vec<u8>) -> Result<()> {
    let failed = || Error::new(Kind::Panic, "The deflate compressor failed");
    let mut compressor = match take(level) {
        Some(compressor) => compressor,
        None => {
            // It panics if memory runs out.
            memory::check(state(level))?;
            Compressor::new(CompressionLvl::new(level.into()).map_err(|_| failed())?)
        }
    };
    let before = out.len();
    let bound = compressor.deflate_compress_bound(plain.len());
    if let Err(error) = memory::zeros(out, bound) {
        give_back(level, compressor);
        return Err(error);
    }
    let made = compressor.deflate_compress(plain, &mut out[before..]).map_err(|_| failed());
    out.truncate(before + *made.as_ref().unwrap_or(&0));
    give_back(level, compressor);
    made.map(|_| ())
}

fn take(level: u8) -> Option<Compressor> {
    let mut resting = AT_REST.lock();
    let at = resting.iter().rposition(|(of, _)| *of == level)?;
    Some(resting.remove(at).1)
}

fn give_back(level: u8, compressor: Compressor) {
    let mut resting = AT_REST.lock();
    resting.push((level, compressor));
    let surplus = resting.len().saturating_sub(kept());
    let dropped = resting.drain(..surplus).collect::<Vec<_>>();
    // Freeing memory is nothing to do under a lock.
    drop(resting);
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
            assert!(AT_REST.lock().len() <= 32);
        }
    }
}

//! A cache of libdeflate's compressors: setting up the tables of one, most of a megabyte, can cost as much as compressing a
//! small input.

use crate::error::{Error, Kind, Result};
use crate::transform::memory;
use libdeflater::{CompressionLvl, Compressor};
use parking_lot::Mutex;

/// Maximum output memory that an idle compressor keeps: enough for a block of the usual size.
const MAX_KEPT: usize = 1400 << 10;

/// A compressor of one level. It keeps its output memory, so that not every block has to map the pages again.
struct Engine {
    level: u8,
    compressor: Compressor,
    memory: Vec<u8>,
}

/// The longest idle first.
static IDLE: Mutex<Vec<Engine>> = Mutex::new(Vec::new());

/// Returns an upper estimate of the bytes that a compressor allocates.
fn state_size(level: u8) -> usize {
    if level < 10 { 1 << 20 } else { 10 << 20 }
}

/// Returns how many idle compressors to keep, at about 0.6 MB each without the output: one per thread, and two for samples.
fn max_idle() -> usize {
    rayon::current_num_threads().min(16) + 2
}

/// Appends `plain` as a complete deflate stream, at a level of libdeflate: 0 to 12.
///
/// # Errors
/// Of kind `Resources` without memory; of kind `Panic` if the compressor fails.
pub fn compress(plain: &[u8], level: u8, out: &mut Vec<u8>) -> Result<()> {
    with_compressed(plain, level, |packed| memory::append(out, packed))
}

/// Compresses like [`compress`], but passes the stream to a function instead of appending it.
///
/// # Errors
/// Of kind `Resources` without memory; of kind `Panic` if the compressor fails; and those of the function.
pub fn with_compressed<T>(plain: &[u8], level: u8, use_it: impl FnOnce(&mut [u8]) -> Result<T>) -> Result<T> {
    let mut engine = acquire(level)?;
    let result = engine.compress(plain).and_then(use_it);
    release(engine);
    result
}

impl Engine {
    fn new(level: u8) -> Result<Self> {
        // `Compressor::new` panics if memory runs out.
        memory::check(state_size(level))?;
        let compressor = Compressor::new(CompressionLvl::new(level.into()).map_err(|_| failed())?);
        Ok(Engine { level, compressor, memory: Vec::new() })
    }

    fn compress(&mut self, plain: &[u8]) -> Result<&mut [u8]> {
        let bound = self.compressor.deflate_compress_bound(plain.len());
        let missing = bound.saturating_sub(self.memory.len());
        if missing > 0 {
            memory::zeros(&mut self.memory, missing)?;
        }
        let len = self.compressor.deflate_compress(plain, &mut self.memory).map_err(|_| failed())?;
        Ok(&mut self.memory[..len])
    }
}

fn failed() -> Error {
    Error::new(Kind::Panic, "The deflate compressor failed")
}

fn acquire(level: u8) -> Result<Engine> {
    let mut idle = IDLE.lock();
    let index = idle.iter().rposition(|engine| engine.level == level);
    let found = index.map(|index| idle.remove(index));
    drop(idle);
    found.map_or_else(|| Engine::new(level), Ok)
}

fn release(mut engine: Engine) {
    if engine.memory.len() > MAX_KEPT {
        engine.memory = Vec::new();
    }
    let mut idle = IDLE.lock();
    idle.push(engine);
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

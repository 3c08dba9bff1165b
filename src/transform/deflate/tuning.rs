//! Maps each level of zlib to a backend and a block size that compress at least as well, and faster.
//! docs/codecs.md has the figures.

use super::libdeflate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// libdeflate at this level; blocks are independent.
    Libdeflate(u8),
    /// zlib-rs at this level; each block has the data before it as dictionary.
    ZlibRs(i32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    pub backend: Backend,
    /// Block size limit: about 8 ms of work for libdeflate, which cannot be interrupted.
    pub block: usize,
}

/// Largest input for which libdeflate's next level costs less than a probe.
const TINY: usize = 16 << 10;
/// Bounds of a probe, which is an eighth of the input: at most 5 % of the time, negligible for large inputs.
const PROBE: std::ops::RangeInclusive<usize> = 4 << 10..=32 << 10;
/// A probe that shrinks to less than a sixth calls for a deeper search and longer blocks. Such data compresses fast enough
/// to afford it; records and text are not that repetitive.
const REPETITIVE: usize = 6;
/// Like `REPETITIVE`, for a whole block compressed at the level itself.
const REPETITIVE_BLOCK: usize = 8;

impl Tuning {
    /// Returns the tuning of a block in a stream of unknown length.
    pub fn for_block(level: u8, repetitive: bool) -> Self {
        let libdeflate = |level, kib: usize| Tuning { backend: Backend::Libdeflate(level), block: kib << 10 };
        match (level, repetitive) {
            (0..=4, _) => libdeflate(level, 512),
            (5, false) => libdeflate(5, 1024),
            (5, true) | (6, false) => libdeflate(6, 512),
            (6, true) => libdeflate(7, 1280),
            (7, false) => libdeflate(7, 256),
            (7, true) => libdeflate(8, 768),
            (_, false) => libdeflate(8, 128),
            // Independent blocks cannot reach zlib's level 8 here.
            (_, true) => Tuning { backend: Backend::ZlibRs(8), block: 256 << 10 },
        }
    }

    /// Returns the tuning of a whole stream, or of its first data.
    pub fn for_stream(level: u8, data: &[u8]) -> Self {
        if data.len() > TINY {
            return Tuning::for_block(level, level >= 5 && is_repetitive(data));
        }
        let deeper = if level < 5 { level } else { (level + 1).min(8) };
        Tuning { backend: Backend::Libdeflate(deeper), block: TINY }
    }

    /// Returns the tuning of a few bytes in the middle of a stream, such as a flushed event.
    pub fn for_flush(level: u8) -> Self {
        Tuning { backend: Backend::ZlibRs(level.into()), block: 256 << 10 }
    }

    /// Returns the tuning of the data after a segment that shrank from `plain` to `packed` bytes.
    pub fn after(level: u8, plain: usize, packed: usize) -> Self {
        Tuning::for_block(level, level >= 5 && plain / REPETITIVE_BLOCK > packed)
    }
}

/// Probes the middle of the data, since headers are often unlike the rest.
fn is_repetitive(data: &[u8]) -> bool {
    let len = (data.len() / 8).clamp(*PROBE.start(), *PROBE.end()).min(data.len());
    let from = (data.len() - len) / 2;
    let mut packed = Vec::new();
    libdeflate::compress(&data[from..from + len], 1, &mut packed).is_ok() && packed.len() * REPETITIVE < len
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::testing::noise;

    #[test]
    fn detects_repetitive_data() {
        let repetitive = noise(1000).repeat(200);
        for (level, plain, deeper) in [(4, 4, 4), (5, 5, 6), (6, 6, 7), (7, 7, 8)] {
            assert_eq!(Tuning::for_stream(level, &noise(200_000)).backend, Backend::Libdeflate(plain));
            assert_eq!(Tuning::for_stream(level, &repetitive).backend, Backend::Libdeflate(deeper));
            assert_eq!(Tuning::after(level, 1000, 200).backend, Backend::Libdeflate(plain));
            assert_eq!(Tuning::after(level, 1000, 100).backend, Backend::Libdeflate(deeper));
        }
        assert_eq!(Tuning::for_stream(9, &repetitive).backend, Backend::ZlibRs(8));
    }
}

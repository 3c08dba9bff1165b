//! What a level means: for each of zlib's, an engine and a block size that compress at least as well and faster.
//! docs/codecs.md has the figures.

use super::libdeflate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// libdeflate at this level, each block on its own.
    Libdeflate(u8),
    /// zlib-rs at this level, each block with the data before it as dictionary.
    ZlibRs(i32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    pub engine: Engine,
    /// The largest piece: what takes up to about 8 ms with libdeflate, as that cannot be interrupted.
    pub block: usize,
}

/// Up to here libdeflate's next level costs hardly more, and less than finding out whether it is needed.
const TINY: usize = 16 << 10;
/// A probe is an eighth of the input within these bounds. It costs 5 % of the time at most, on large inputs nothing.
const PROBE: std::ops::RangeInclusive<usize> = 4 << 10..=32 << 10;
/// Data whose probe shrinks to less than a sixth calls for a deeper search and longer blocks. Records and text do not;
/// what does is compressed so fast that there is time for it.
const REPETITIVE: usize = 6;
/// The same of a whole block at the level itself.
const REPETITIVE_BLOCK: usize = 8;

impl Effort {
    /// For a piece of a stream of unknown length.
    pub fn new(level: u8, repetitive: bool) -> Self {
        let libdeflate = |level, kib: usize| Effort { engine: Engine::Libdeflate(level), block: kib << 10 };
        match (level, repetitive) {
            (0..=4, _) => libdeflate(level, 512),
            (5, false) => libdeflate(5, 1024),
            (5, true) | (6, false) => libdeflate(6, 512),
            (6, true) => libdeflate(7, 1280),
            (7, false) => libdeflate(7, 256),
            (7, true) => libdeflate(8, 768),
            (_, false) => libdeflate(8, 128),
            // Blocks on their own cannot reach zlib's 8 here.
            (_, true) => Effort { engine: Engine::ZlibRs(8), block: 256 << 10 },
        }
    }

    /// For the beginning of a stream, or a whole one.
    pub fn begin(level: u8, data: &[u8]) -> Self {
        if data.len() > TINY {
            return Effort::new(level, level >= 5 && is_repetitive(data));
        }
        let deeper = if level < 5 { level } else { (level + 1).min(8) };
        Effort { engine: Engine::Libdeflate(deeper), block: TINY }
    }

    /// For a few bytes in the middle of a stream, such as an event that is flushed.
    pub fn short(level: u8) -> Self {
        Effort { engine: Engine::ZlibRs(level.into()), block: 256 << 10 }
    }

    /// For what follows a stretch that was compressed like this.
    pub fn next(level: u8, plain: usize, packed: usize) -> Self {
        Effort::new(level, level >= 5 && plain / REPETITIVE_BLOCK > packed)
    }
}

/// Probes the middle, since heads are often unlike the rest.
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
    fn repetitive_data_is_told_from_other() {
        let repetitive = noise(1000).repeat(200);
        for (level, plain, deeper) in [(4, 4, 4), (5, 5, 6), (6, 6, 7), (7, 7, 8)] {
            assert_eq!(Effort::begin(level, &noise(200_000)).engine, Engine::Libdeflate(plain));
            assert_eq!(Effort::begin(level, &repetitive).engine, Engine::Libdeflate(deeper));
            assert_eq!(Effort::next(level, 1000, 200).engine, Engine::Libdeflate(plain));
            assert_eq!(Effort::next(level, 1000, 100).engine, Engine::Libdeflate(deeper));
        }
        assert_eq!(Effort::begin(9, &repetitive).engine, Engine::ZlibRs(8));
    }
}

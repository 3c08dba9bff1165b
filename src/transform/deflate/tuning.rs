//! Chooses the engine for the data, by a sample of its middle: one that usually compresses at least as well as zlib at the same
//! level, and faster. docs/codecs.md has the figures.

use super::backend::Backend::{self, Libdeflate, ZlibRs};
use super::sample::{Sample, probe};
use crate::cancel::Cancel;
use crate::error::Result;

/// The data before a block to which libdeflate refers. zlib-rs always refers to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    None,
    /// The 32 KiB before the block, which libdeflate has to compress again.
    Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    pub backend: Backend,
    pub history: History,
    /// Block size limit.
    pub block: usize,
}

/// Chooses the tuning of successive segments of one stream.
#[derive(Debug)]
pub struct Tuner {
    level: u8,
    chosen: Option<Choice>,
}

#[derive(Debug, Clone, Copy)]
struct Choice {
    tuning: Tuning,
    /// Plain bytes per compressed byte of the segment for which the tuning was chosen, once it is known.
    ratio: Option<f64>,
}

/// Largest input for which libdeflate's next level costs less than a probe.
const TINY: usize = 16 << 10;
/// Smallest input for which a trial of several backends is worth its time.
const TRIAL: usize = 128 << 10;
/// Smallest input for which the highest levels accept a slightly larger output.
const LARGE: usize = 1 << 20;
/// Change of the ratio after which the data is considered to be of another kind.
const CHANGE: f64 = 1.25;

/// Ratios of a probe distinguish kinds of data. Below this one, matches are few and short.
const SPARSE: f64 = 3.0;
/// Below this one, most matches are short, as between random words.
const SHORT: f64 = 4.0;
/// From this one on, zlib's quickest search finds as much as a better one.
const DENSE: f64 = 6.0;
/// From this one on, most matches are long.
const REPETITIVE: f64 = 10.0;
/// From this one on, the data is one pattern.
const PATTERN: f64 = 40.0;

impl Tuner {
    pub fn new(level: u8) -> Self {
        Tuner { level, chosen: None }
    }

    /// Returns how much of a stream to compress at a time, per thread.
    pub fn block(&self) -> usize {
        self.chosen.map_or(512 << 10, |it| it.tuning.block)
    }

    /// Returns the tuning of the next segment.
    ///
    /// # Errors
    /// Of kind `Cancelled`; of kind `Resources` without memory; of kind `Panic` if a compressor fails.
    pub fn tune(&mut self, data: &[u8], cancel: &Cancel) -> Result<Tuning> {
        let tuning = match self.chosen {
            Some(Choice { tuning, .. }) => tuning,
            None => choose(self.level, data, cancel)?,
        };
        self.chosen.get_or_insert(Choice { tuning, ratio: None });
        Ok(tuning)
    }

    /// Records the sizes of a segment: the next one is tuned again if this one is of another kind.
    #[expect(clippy::cast_precision_loss, reason = "for a comparison")]
    pub fn compressed(&mut self, plain: usize, packed: usize) {
        let ratio = plain as f64 / packed.max(1) as f64;
        let Some(choice) = &mut self.chosen else { return };
        let before = *choice.ratio.get_or_insert(ratio);
        if before.max(ratio) > before.min(ratio) * CHANGE {
            self.chosen = None;
        }
    }
}

/// Returns the tuning of a few bytes in the middle of a stream, such as a flushed event.
pub fn for_flush(level: u8) -> Tuning {
    tuning(ZlibRs(level.into()), 0.0)
}

fn choose(level: u8, data: &[u8], cancel: &Cancel) -> Result<Tuning> {
    if data.len() <= TINY {
        return Ok(Tuning {
            backend: Libdeflate(if level < 5 { level } else { (level + 1).min(8) }),
            history: History::None,
            block: TINY,
        });
    }
    if level == 0 {
        return Ok(tuning(Libdeflate(0), 0.0));
    }
    let ratio = probe(data, cancel)?;
    let backend = match candidates(level, ratio) {
        [only] => *only,
        candidates if data.len() < TRIAL => usual(level, candidates),
        candidates if level >= 6 && ratio < SHORT => fastest_like_zlib(level, candidates, data, cancel)?,
        candidates => fastest_of_the_best(level, ratio, candidates, data, cancel)?,
    };
    Ok(tuning(backend, ratio))
}

/// Returns the backends that may suit data with this ratio, the fastest first.
fn candidates(level: u8, ratio: f64) -> &'static [Backend] {
    match level {
        1 if ratio < DENSE => &[Libdeflate(1)],
        1 => &[ZlibRs(2)],
        2 if ratio < DENSE => &[Libdeflate(2)],
        2 if ratio < REPETITIVE => &[ZlibRs(2), Libdeflate(2)],
        3 | 4 if ratio < DENSE => &[Libdeflate(4)],
        3 | 4 if ratio < REPETITIVE => &[ZlibRs(2), Libdeflate(4)],
        2 | 3 => &[ZlibRs(3)],
        _ if ratio >= PATTERN => &[ZlibRs(7)],
        4 => &[Libdeflate(4)],
        5 if ratio < SPARSE => &[Libdeflate(5)],
        5 if ratio < REPETITIVE => &[ZlibRs(3), Libdeflate(5), ZlibRs(5)],
        5 => &[Libdeflate(6)],
        6 | 7 if ratio < SPARSE => &[Libdeflate(5), Libdeflate(6), Libdeflate(7)],
        6 | 7 if ratio < SHORT => &[ZlibRs(3), Libdeflate(6), Libdeflate(7)],
        6 if ratio < REPETITIVE => &[ZlibRs(3), Libdeflate(6), ZlibRs(6)],
        7 if ratio < REPETITIVE => &[ZlibRs(3), Libdeflate(7), ZlibRs(7)],
        6 | 7 => &[Libdeflate(7)],
        _ if ratio < SPARSE => &[Libdeflate(5), Libdeflate(6), Libdeflate(7), Libdeflate(8)],
        _ if ratio < SHORT => &[ZlibRs(3), Libdeflate(6), Libdeflate(7), Libdeflate(8)],
        _ if ratio < REPETITIVE => &[ZlibRs(3), ZlibRs(7), Libdeflate(7), Libdeflate(8)],
        _ => &[ZlibRs(8)],
    }
}

/// Returns the fastest of the candidates whose output is hardly larger than that of zlib's own algorithm, or else the last.
#[expect(clippy::cast_precision_loss, reason = "for a comparison")]
fn fastest_like_zlib(level: u8, candidates: &[Backend], data: &[u8], cancel: &Cancel) -> Result<Backend> {
    let (last, others) = candidates.split_last().expect("at least one");
    let sample = Sample::for_trial(data);
    let zlib = ZlibRs(if level < 8 { 7 } else { 8 });
    let limit = sample.compressed_len(zlib, cancel)? as f64 * 1.0015;
    for backend in others {
        if sample.compressed_len(*backend, cancel)? as f64 <= limit {
            return Ok(*backend);
        }
    }
    Ok(*last)
}

/// Returns the fastest of the candidates whose output is hardly larger than the smallest.
#[expect(clippy::cast_precision_loss, reason = "for a comparison")]
fn fastest_of_the_best(level: u8, ratio: f64, candidates: &[Backend], data: &[u8], cancel: &Cancel) -> Result<Backend> {
    let sample = Sample::for_trial(data);
    let sizes = candidates.iter().map(|it| sample.compressed_len(*it, cancel)).collect::<Result<Vec<_>>>()?;
    // From level 8 on, libdeflate saves several percent.
    let tolerance = if level >= 8 && data.len() >= LARGE { 1.01 } else { 1.003 };
    let limit = *sizes.iter().min().expect("at least one") as f64 * tolerance;
    let (found, _) = candidates.iter().zip(&sizes).find(|(_, size)| **size as f64 <= limit).expect("the smallest");
    Ok(match found {
        // If these win on words, this one saves as much and is faster.
        ZlibRs(6 | 7) if ratio < DENSE && level != 7 => ZlibRs(9),
        other => *other,
    })
}

/// Returns the backend that suits most data: libdeflate at this level or the next candidate, if there is one.
fn usual(level: u8, candidates: &[Backend]) -> Backend {
    let is_deep_enough = |it: &&Backend| matches!(it, Libdeflate(own) if *own >= level.min(8));
    *candidates.iter().find(is_deep_enough).unwrap_or(&candidates[0])
}

/// Returns the tuning for a backend. A block of libdeflate, which cannot be interrupted, is about 8 ms of work.
fn tuning(backend: Backend, ratio: f64) -> Tuning {
    let kib = match backend {
        ZlibRs(_) if ratio >= PATTERN => 4096,
        ZlibRs(_) => 1024,
        Libdeflate(..=1) if ratio < SPARSE => 768,
        Libdeflate(..=1) => 1024,
        Libdeflate(..=4) => 512,
        Libdeflate(5 | 6) if ratio >= DENSE => 1024,
        Libdeflate(5 | 6) if ratio >= SPARSE => 448,
        Libdeflate(7) if ratio >= REPETITIVE => 1280,
        Libdeflate(..=7) => 320,
        Libdeflate(_) if ratio >= SPARSE => 256,
        Libdeflate(_) => 160,
    };
    let history = match backend {
        Libdeflate(5..=7) if !(SHORT..REPETITIVE).contains(&ratio) => History::Window,
        Libdeflate(8..) => History::Window,
        _ => History::None,
    };
    Tuning { backend, history, block: kib << 10 }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transform::testing::{noise, prose};

    fn backend(level: u8, data: &[u8]) -> Backend {
        Tuner::new(level).tune(data, &Cancel::new()).unwrap().backend
    }

    #[test]
    fn patterns_go_to_zlib_rs() {
        let pattern = noise(1000).repeat(200);
        assert_eq!((backend(1, &pattern), backend(6, &pattern)), (ZlibRs(2), ZlibRs(7)));
        assert_eq!(backend(6, &vec![0; 100_000]), ZlibRs(7));
    }

    #[test]
    fn noise_goes_to_libdeflate() {
        for level in 0..=9 {
            assert!(matches!(backend(level, &noise(200_000)), Libdeflate(_)), "{level}");
        }
    }

    #[test]
    fn tiny_data_gets_the_next_level() {
        for (level, deeper) in [(1, 1), (5, 6), (6, 7), (9, 8)] {
            assert_eq!(backend(level, b"tiny"), Libdeflate(deeper));
        }
    }

    #[test]
    fn another_ratio_calls_for_another_choice() {
        let cancel = Cancel::new();
        let (pattern, other) = (noise(1000).repeat(200), prose(200_000));
        let mut tuner = Tuner::new(6);
        let first = tuner.tune(&pattern, &cancel).unwrap();
        tuner.compressed(1000, 100);
        tuner.compressed(1000, 110);
        assert_eq!(tuner.tune(&other, &cancel).unwrap(), first);
        tuner.compressed(1000, 200);
        assert_ne!(tuner.tune(&other, &cancel).unwrap(), first);
    }

    #[test]
    fn a_trial_stops_when_cancelled() {
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(Tuner::new(6).tune(&prose(300_000), &cancel).unwrap_err().kind, Kind::Cancelled);
    }
}

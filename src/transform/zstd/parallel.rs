//! Zstandard streams: by one thread as long as they are short, repetitive or flushed, else by several in one frame.

use super::codec::{Compress, Compressing};
use super::error::out_of_memory;
use super::format::{write_end, write_frame_header};
use super::segment as zstd_segment;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::StreamTransform;
use crate::transform::memory;
use crate::transform::value::Value;
use std::sync::Arc;
use xxhash_rust::xxh64::Xxh64;
use zstd_safe::CCtx;
use zstd_safe::zstd_sys::ZSTD_EndDirective::{self, ZSTD_e_continue, ZSTD_e_end, ZSTD_e_flush};

/// How far back matches reach: a segment and the data before it fit in.
const WINDOW: usize = 2 << 20;
/// Data that shrinks to less than a tenth is compressed as fast by one thread, and better.
const REPETITIVE: usize = 10;

/// A segment's compression cannot be interrupted: it takes some milliseconds.
pub const SEGMENT: usize = 1 << 20;
/// From the next level on a segment would have to refer to more data than it holds, and take longer than one thread's share.
pub const MOST: i32 = 6;

/// What a segment may refer to, such that all together are at most 1 % larger than what one thread makes.
fn reach(level: i32) -> usize {
    if level < 3 { 512 << 10 } else { 1 << 20 }
}

/// How much data it is worth to take in for a segment of this length, such as an event that is flushed.
fn worth(len: usize) -> usize {
    (2 * len).max(64 << 10)
}

pub struct Parallel {
    transform: Arc<Compress>,
    /// That of the whole input, where it is known.
    len: Option<u64>,
    reach: usize,
    way: Way,
    checksum: Xxh64,
    contexts: Vec<CCtx<'static>>,
    /// What is not compressed yet comes last.
    held: Vec<u8>,
    compressed: usize,
}

enum Way {
    /// Nothing is compressed yet.
    Open,
    Serial(Compressing),
    Segments,
}

impl Parallel {
    pub fn new(transform: Arc<Compress>, len: Option<u64>) -> Self {
        Parallel {
            reach: reach(transform.level),
            transform,
            len,
            way: Way::Open,
            checksum: Xxh64::new(0),
            contexts: Vec::new(),
            held: Vec::new(),
            compressed: 0,
        }
    }

    /// Leaves the stream to one thread, from its beginning.
    fn go_serial(
        &mut self,
        len: Option<u64>,
        end: ZSTD_EndDirective,
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<()> {
        let mut serial = self.transform.begin(len)?;
        serial.feed(&std::mem::take(&mut self.held), end, out, cancel)?;
        self.contexts = Vec::new();
        self.way = Way::Serial(serial);
        Ok(())
    }

    /// What is held, as segments.
    fn compress(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let starts: Vec<usize> = (self.compressed..self.held.len()).step_by(SEGMENT).collect();
        while self.contexts.len() < starts.len() {
            self.contexts.push(CCtx::try_create().ok_or_else(out_of_memory)?);
        }
        let mut made: Vec<Result<Vec<u8>>> = starts.iter().map(|_| Ok(Vec::new())).collect();
        let (held, reach, level) = (&self.held[..], self.reach, self.transform.level);
        rayon::scope(|scope| {
            for ((packed, context), from) in made.iter_mut().zip(&mut self.contexts).zip(starts) {
                scope.spawn(move |_| {
                    let to = held.len().min(from + SEGMENT);
                    let base = from.saturating_sub(reach.min(worth(to - from)));
                    let mut bytes = Vec::new();
                    let done = cancel.check().and_then(|()| {
                        zstd_segment::compress(context, level, &held[base..to], from - base, &mut bytes)
                    });
                    *packed = done.map(|()| bytes);
                });
            }
        });
        for packed in made {
            memory::append(out, &packed?)?;
        }
        Ok(())
    }

    /// Compresses what is held, and finds out how to go on if nothing was before.
    fn work(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let start = out.len();
        let begins = matches!(self.way, Way::Open);
        if begins {
            write_frame_header(WINDOW, self.len, self.transform.checksum, out);
        }
        self.compress(out, cancel)?;
        if begins && (out.len() - start) * REPETITIVE < self.held.len() {
            out.truncate(start);
            return self.go_serial(self.len, ZSTD_e_continue, out, cancel);
        }
        self.way = Way::Segments;
        if self.transform.checksum {
            self.checksum.update(&self.held[self.compressed..]);
        }
        self.held.drain(..self.held.len().saturating_sub(self.reach));
        self.compressed = self.held.len();
        Ok(())
    }
}

impl StreamTransform for Parallel {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let full = SEGMENT * rayon::current_num_threads().clamp(1, 16);
        while !chunk.is_empty() {
            if let Way::Serial(serial) = &mut self.way {
                return serial.feed(chunk, ZSTD_e_continue, out, cancel);
            }
            cancel.check()?;
            let missing = self.compressed + full - self.held.len();
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            memory::append(&mut self.held, now)?;
            chunk = later;
            // Only when more follows: what ends now is short.
            if !chunk.is_empty() {
                self.work(out, cancel)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        match &mut self.way {
            // Events are small, and like one another.
            Way::Open => self.go_serial(self.len, ZSTD_e_flush, out, cancel),
            Way::Serial(serial) => serial.feed(&[], ZSTD_e_flush, out, cancel),
            Way::Segments => self.work(out, cancel),
        }
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match &mut self.way {
            Way::Open if self.held.len() <= SEGMENT => {
                let len = self.held.len() as u64;
                self.go_serial(Some(len), ZSTD_e_end, &mut out, cancel)?;
                return Ok(out.into());
            }
            Way::Serial(_) => {}
            Way::Open | Way::Segments => self.work(&mut out, cancel)?,
        }
        if let Way::Serial(serial) = &mut self.way {
            serial.feed(&[], ZSTD_e_end, &mut out, cancel)?;
            return Ok(out.into());
        }
        memory::reserve(&mut out, 16)?;
        write_end(&mut out);
        if self.transform.checksum {
            out.extend_from_slice(&self.checksum.digest().to_le_bytes()[..4]);
        }
        Ok(out.into())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::{Arg, Args};
    use crate::transform::contract::Transform;
    use crate::transform::testing::{args, cuts_through, noise, options, prose, stops, whole};
    use crate::transform::zstd::codec::{compress, decompress};
    use zstd_safe::{DCtx, get_frame_content_size};

    fn with(level: i32) -> Box<dyn Transform> {
        compress(&args([options([("level", Arg::Number(level.into())), ("checksum", Arg::Bool(true))])])).unwrap()
    }

    /// By zstd in one call, which checks the checksum and takes one frame only.
    fn plain(frame: &[u8], len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        DCtx::create().decompress(&mut out, frame).unwrap();
        out
    }

    /// Records in random order, with stretches of all that is odd in between.
    fn mixed(len: usize, seed: u64) -> Vec<u8> {
        let records = prose(20_000);
        let mut state = seed | 1;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut out = Vec::new();
        while out.len() < len {
            let most = if next(8) == 0 { 300_000 } else { 3000 };
            let size = 1 + next(most);
            match next(8) {
                0 => out.extend(std::iter::repeat_n(u8::try_from(next(256)).unwrap(), size)),
                1 => out.extend(noise(size).into_iter().map(|byte| byte.wrapping_mul(131))),
                2 => out.extend(noise(1 + next(12)).into_iter().cycle().take(size)),
                3 if !out.is_empty() => {
                    let from = next(out.len());
                    out.extend_from_within(from..out.len().min(from + size));
                }
                _ => {
                    let from = next(records.len() - 1);
                    out.extend_from_slice(&records[from..records.len().min(from + size % 400)]);
                }
            }
        }
        out.truncate(len);
        out
    }

    #[test]
    fn long_streams_are_one_frame() {
        for (level, len) in [(-3, 5 << 20), (1, 5 << 20), (3, (9 << 20) + 12_345), (5, 3 << 20), (6, 3 << 20)] {
            let data = mixed(len, 7);
            let transform = with(level);
            let packed = whole(&*transform, &data).unwrap();
            assert_eq!(get_frame_content_size(&packed).unwrap(), Some(data.len() as u64));
            assert!(plain(&packed, data.len()) == data, "level {level}");
            let mut fold = transform.stream().unwrap();
            let (mut out, cancel) = (Vec::new(), Cancel::new());
            for (index, piece) in data.chunks(777_777).enumerate() {
                fold.push(piece, &mut out, &cancel).unwrap();
                // Not before it is divided.
                if index % 4 == 3 {
                    fold.flush(&mut out, &cancel).unwrap();
                }
            }
            let Value::Bytes(packed) = fold.finish(out, &cancel).unwrap() else { unreachable!("zstd makes bytes") };
            assert!(plain(&packed, data.len()) == data, "level {level}");
        }
    }

    #[test]
    fn cuts_do_not_matter() {
        let undo = decompress(&Args::default()).unwrap();
        cuts_through(&*with(3), &mixed(5 << 20, 3), |packed| whole(&*undo, &packed).unwrap());
    }

    #[test]
    fn random_data_comes_back() {
        let seeds = std::env::var("OFFLOOP_SEEDS").map_or(3, |seeds| seeds.parse().expect("a number"));
        for seed in 0..seeds {
            let data = mixed(2_500_000 + usize::try_from(seed).unwrap() * 1013 % 900_000, seed * 977);
            let level = [1, 2, 3, 4, 5, 6][usize::try_from(seed % 6).unwrap()];
            assert!(plain(&whole(&*with(level), &data).unwrap(), data.len()) == data, "seed {seed}");
        }
    }

    #[test]
    fn what_several_threads_make_is_hardly_larger() {
        let data = prose(6 << 20);
        for level in [1, 3, 6] {
            let (mut fold, mut one) = (compress_one(level, &data), Vec::new());
            fold.feed(&data, ZSTD_e_end, &mut one, &Cancel::new()).unwrap();
            let many = whole(&*with(level), &data).unwrap();
            assert!(many.len() < one.len() + one.len() / 100, "level {level}: {} of {}", many.len(), one.len());
        }
    }

    fn compress_one(level: i32, data: &[u8]) -> Compressing {
        Compress::plain(level).begin(Some(data.len() as u64)).unwrap()
    }

    #[test]
    fn what_is_repetitive_is_left_to_one_thread() {
        let data = prose(2000).repeat(2000);
        let mut one = Vec::new();
        compress_one(3, &data).feed(&data, ZSTD_e_end, &mut one, &Cancel::new()).unwrap();
        let transform = compress(&Args::default()).unwrap();
        assert!(whole(&*transform, &data).unwrap() == one);
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&*with(3), &mixed(4 << 20, 1));
    }
}

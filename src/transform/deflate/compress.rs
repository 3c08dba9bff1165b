//! gzip, zlib and raw deflate compression (RFC 1951). Small inputs are compressed in one go; larger ones in blocks on
//! several cores.

use super::parallel::Stretch;
use super::tuning::Effort;
use super::wrapper::{Checksum, Framing};
use super::zlib_rs::WINDOW;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, StreamTransform, Transform};
use crate::transform::memory;
use crate::transform::value::Value;

pub struct Deflate {
    name: &'static str,
    framing: Framing,
    level: u8,
}

/// `gzip({ level })`
pub fn gzip(args: &Args) -> BuildResult {
    build(args, "gzip", Framing::Gzip)
}

/// `deflate({ level })`: with zlib's framing, as Node's.
pub fn deflate(args: &Args) -> BuildResult {
    build(args, "deflate", Framing::Zlib)
}

/// `deflateRaw({ level })`
pub fn deflate_raw(args: &Args) -> BuildResult {
    build(args, "deflateRaw", Framing::Raw)
}

fn build(args: &Args, name: &'static str, framing: Framing) -> BuildResult {
    let level = args.options(0, &["level"])?.integer("level", 0..=9)?.unwrap_or(6);
    Ok(Box::new(Deflate { name, framing, level: u8::try_from(level).expect("0 to 9") }))
}

impl Transform for Deflate {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let plain = input.into_bytes()?;
        cancel.check()?;
        let mut out = self.framing.header(self.level).to_vec();
        let whole = Stretch { before: &[], data: &plain, last: true };
        whole.compress(Effort::begin(self.level, &plain), &mut out, cancel)?;
        let mut checksum = self.framing.checksum();
        for step in plain.chunks(crate::transform::contract::STEP) {
            cancel.check()?;
            checksum.update(step);
        }
        checksum.write_trailer(&mut out)?;
        out.shrink_to_fit();
        Ok(out.into())
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::new(Deflating {
            framing: self.framing,
            level: self.level,
            checksum: self.framing.checksum(),
            held: Vec::new(),
            history: 0,
            effort: None,
        }))
    }

    fn can_fail(&self) -> bool {
        false
    }
}

/// Up to here what is flushed is compressed with what came before it as dictionary.
const SHORT: usize = 64 << 10;

/// Gathers a block for each core, then compresses them together.
struct Deflating {
    framing: Framing,
    level: u8,
    checksum: Checksum,
    /// The end of what is compressed already, then what is not.
    held: Vec<u8>,
    /// How much of `held` is compressed already.
    history: usize,
    /// For what comes next, once something was compressed.
    effort: Option<Effort>,
}

impl Deflating {
    fn compress(&mut self, last: bool, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let data = &self.held[self.history..];
        let effort = self.effort.unwrap_or_else(|| Effort::begin(self.level, data));
        self.compress_with(effort, last, out, cancel)
    }

    fn compress_with(&mut self, effort: Effort, last: bool, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        if self.effort.is_none() {
            out.extend_from_slice(self.framing.header(self.level));
        }
        let (before, data) = self.held.split_at(self.history);
        let start = out.len();
        Stretch { before, data, last }.compress(effort, out, cancel)?;
        self.effort = Some(Effort::next(self.level, data.len(), out.len() - start));
        self.held.drain(..self.held.len().saturating_sub(WINDOW));
        self.history = self.held.len();
        Ok(())
    }
}

impl StreamTransform for Deflating {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while !chunk.is_empty() {
            cancel.check()?;
            let effort = self.effort.unwrap_or_else(|| Effort::new(self.level, false));
            let full = effort.block * rayon::current_num_threads().clamp(1, 16);
            let missing = (self.history + full).saturating_sub(self.held.len());
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            self.checksum.update(now);
            memory::append(&mut self.held, now)?;
            chunk = later;
            // Only when more follows, so that the last block is known when it comes.
            if !chunk.is_empty() {
                self.compress(false, out, cancel)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let len = self.held.len() - self.history;
        if len == 0 && self.effort.is_some() {
            return Ok(());
        }
        // The end of a stretch is the end of a byte, and what a reader has is all that was pushed. Little data is best told
        // by what came before it.
        if len > SHORT {
            self.compress(false, out, cancel)
        } else {
            self.compress_with(Effort::short(self.level), false, out, cancel)
        }
    }

    fn finish(mut self: Box<Self>, mut out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        self.compress(true, &mut out, cancel)?;
        self.checksum.write_trailer(&mut out)?;
        Ok(out.into())
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::deflate::decompress as inflate;
    use crate::transform::testing::{args, cuts_through, noise, options, prose, stops, whole};
    use zlib_rs::{Inflate, InflateFlush, Status};

    type Factory = fn(&Args) -> BuildResult;
    const PAIRS: [(Factory, Factory); 3] =
        [(gzip, inflate::gunzip), (deflate, inflate::inflate), (deflate_raw, inflate::inflate_raw)];

    fn level(level: u8) -> Args {
        args([options([("level", Arg::Number(level.into()))])])
    }

    #[test]
    fn comes_back_at_all_levels() {
        let inputs = [Vec::new(), b"a".to_vec(), prose(5000), prose(1_200_000), noise(300_000), vec![b'x'; 600_000]];
        for (compress, decompress) in PAIRS {
            let undo = decompress(&Args::default()).unwrap();
            for n in 0..=9 {
                let transform = compress(&level(n)).unwrap();
                for input in &inputs {
                    let packed = whole(&*transform, input).unwrap();
                    assert!(whole(&*undo, &packed).unwrap() == *input, "{} {n}", transform.name());
                }
            }
        }
    }

    #[test]
    fn cuts_do_not_matter() {
        for (compress, decompress) in PAIRS {
            let undo = decompress(&Args::default()).unwrap();
            for n in [0, 1, 6, 9] {
                let transform = compress(&level(n)).unwrap();
                for input in [Vec::new(), prose(4000), prose(900_000)] {
                    cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
                }
            }
        }
    }

    #[test]
    fn gzip_makes_a_single_member_for_zlib() {
        let input = prose(2_000_000);
        let packed = whole(&*gzip(&Args::default()).unwrap(), &input).unwrap();
        let mut plain = vec![0; input.len() + 1];
        let mut zlib = Inflate::new(true, 16 + 15);
        let status = zlib.decompress(&packed, &mut plain, InflateFlush::Finish).unwrap();
        assert_eq!(
            (status, zlib.total_in(), zlib.total_out()),
            (Status::StreamEnd, packed.len() as u64, input.len() as u64)
        );
    }

    #[test]
    fn events_that_are_flushed_refer_to_those_before() {
        let cancel = Cancel::new();
        let mut fold = gzip(&Args::default()).unwrap().stream().unwrap();
        let (mut out, mut lens) = (Vec::new(), Vec::new());
        for number in 0..3 {
            let before = out.len();
            let event =
                format!("data: {{\"number\": {number}, \"text\": \"an event that is much like the others\"}}\n\n");
            fold.push(event.as_bytes(), &mut out, &cancel).unwrap();
            fold.flush(&mut out, &cancel).unwrap();
            lens.push(out.len() - before);
            fold.flush(&mut out, &cancel).unwrap();
            assert_eq!(out.len() - before, lens[number], "nothing more to flush");
        }
        assert!(lens[2] * 3 < lens[0], "{lens:?}");
        let Value::Bytes(packed) = fold.finish(out, &cancel).unwrap() else { unreachable!("gzip makes bytes") };
        let plain = whole(&*inflate::gunzip(&Args::default()).unwrap(), &packed).unwrap();
        assert!(plain.ends_with(b"others\"}\n\n") && plain.len() > 200);
    }

    #[test]
    fn noise_hardly_grows() {
        let packed = whole(&*gzip(&Args::default()).unwrap(), &noise(1_000_000)).unwrap();
        assert!(packed.len() < 1_001_000, "{}", packed.len());
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&*gzip(&Args::default()).unwrap(), &prose(3_000_000));
    }

    #[test]
    fn stops_under_way() {
        let input = prose(1 << 20).repeat(24);
        let cancel = Cancel::new();
        let raiser = cancel.clone();
        let raising = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(5));
            raiser.cancel();
        });
        assert_eq!(gzip(&level(9)).unwrap().run(input.into(), &cancel).unwrap_err().kind, Kind::Cancelled);
        raising.join().unwrap();
    }

    #[test]
    fn refuses_other_levels() {
        for bad in [-1.0, 10.0, 1.5] {
            let refused = gzip(&args([options([("level", Arg::Number(bad))])])).err().unwrap();
            assert_eq!(refused.code(), "ERR_OUT_OF_RANGE");
        }
    }
}

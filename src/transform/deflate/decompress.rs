//! gzip, zlib and raw deflate decompression (RFC 1950 to 1952). What follows the data is treated as node:zlib treats it.

use super::wrapper::Framing;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::output_limit::{Growth, max_output};
use crate::transform::value::Value;
use zlib_rs::{InflateError, InflateFlush, Status};

pub struct Inflate {
    name: &'static str,
    framing: Framing,
    max_output: u64,
}

/// `gunzip({ maxOutput })`
pub fn gunzip(args: &Args) -> BuildResult {
    build(args, "gunzip", Framing::Gzip)
}

/// `inflate({ maxOutput })`: of zlib's framing, as Node's.
pub fn inflate(args: &Args) -> BuildResult {
    build(args, "inflate", Framing::Zlib)
}

/// `inflateRaw({ maxOutput })`
pub fn inflate_raw(args: &Args) -> BuildResult {
    build(args, "inflateRaw", Framing::Raw)
}

fn build(args: &Args, name: &'static str, framing: Framing) -> BuildResult {
    Ok(Box::new(Inflate { name, framing, max_output: max_output(&args.options(0, &["maxOutput"])?)? }))
}

impl Transform for Inflate {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.begin(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.begin())
    }
}

impl Inflate {
    fn begin(&self) -> Box<dyn StreamTransform> {
        Box::new(Inflating {
            framing: self.framing,
            growth: Growth::new(self.max_output),
            place: Place::Inside(engine(self.framing)),
            before: 0,
        })
    }
}

fn engine(framing: Framing) -> zlib_rs::Inflate {
    match framing {
        Framing::Gzip => zlib_rs::Inflate::new(true, 16 + 15),
        Framing::Zlib => zlib_rs::Inflate::new(true, 15),
        Framing::Raw => zlib_rs::Inflate::new(false, 15),
    }
}

struct Inflating {
    framing: Framing,
    growth: Growth,
    place: Place,
    /// Bytes of input before this member.
    before: u64,
}

enum Place {
    Inside(zlib_rs::Inflate),
    /// After a gzip member, where another may start.
    Between,
    /// What follows is ignored.
    Done,
}

impl Inflating {
    fn corrupt(&self, error: InflateError, zlib: &zlib_rs::Inflate) -> Error {
        let format = self.framing.format();
        let message = match error {
            InflateError::MemError => return Error::out_of_memory("the tables of inflate"),
            InflateError::NeedDict { .. } => format!("The {format} data needs a preset dictionary"),
            _ => {
                // On its fast path the decoder forgets what it found and says that it stopped.
                let what = zlib.error_message().filter(|it| !it.contains("bad state")).unwrap_or("invalid codes");
                format!("The {format} data is corrupt: {what}")
            }
        };
        Error::invalid_data(message).at(self.before + zlib.total_in())
    }

    /// Works through a member as far as the chunk goes. Returns what it did not take, once the member has ended.
    fn member<'a>(
        &mut self,
        zlib: &mut zlib_rs::Inflate,
        mut chunk: &'a [u8],
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<Option<&'a [u8]>> {
        loop {
            let (taken, made) = (zlib.total_in(), zlib.total_out());
            let mut growth = self.growth.clone();
            let step = growth.step(chunk.len(), out, cancel, |room| {
                let status = zlib.decompress(chunk, room, InflateFlush::NoFlush);
                let status = status.map_err(|error| self.corrupt(error, zlib))?;
                Ok((usize::try_from(zlib.total_out() - made).unwrap_or(room.len()), status))
            });
            self.growth = growth;
            let step = step?;
            let taken = usize::try_from(zlib.total_in() - taken).unwrap_or(chunk.len());
            chunk = &chunk[taken..];
            if step.found == Status::StreamEnd {
                return Ok(Some(chunk));
            }
            if !step.full && (chunk.is_empty() || taken == 0) {
                return Ok(None);
            }
        }
    }
}

impl StreamTransform for Inflating {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while let Some(&next) = chunk.first() {
            self.place = match std::mem::replace(&mut self.place, Place::Done) {
                Place::Inside(mut zlib) => match self.member(&mut zlib, chunk, out, cancel)? {
                    Some(rest) => {
                        chunk = rest;
                        self.before += zlib.total_in();
                        if self.framing == Framing::Gzip { Place::Between } else { Place::Done }
                    }
                    None => {
                        chunk = &[];
                        Place::Inside(zlib)
                    }
                },
                // Padding, and whatever follows it.
                Place::Between if next == 0 => Place::Done,
                Place::Between => {
                    self.growth.restart();
                    Place::Inside(engine(self.framing))
                }
                Place::Done => return Ok(()),
            };
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match &self.place {
            Place::Inside(zlib) => {
                let message = format!("The {} data ends too early: unexpected end of file", self.framing.format());
                Err(Error::invalid_data(message).at(self.before + zlib.total_in()))
            }
            Place::Between | Place::Done => Ok(out.into()),
        }
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::deflate::compress as deflate;
    use crate::transform::testing::{
        args, cuts, fails, options, prose, refuses_flips, refuses_truncation, stops, whole,
    };

    fn gzipped(plain: &[u8]) -> Vec<u8> {
        whole(&*deflate::gzip(&Args::default()).unwrap(), plain).unwrap()
    }

    fn limited(factory: fn(&Args) -> BuildResult, limit: usize) -> Box<dyn Transform> {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        factory(&args([options([("maxOutput", Arg::Number(limit as f64))])])).unwrap()
    }

    #[test]
    fn members_and_what_follows_are_nodes() {
        let gunzip = gunzip(&Args::default()).unwrap();
        let (one, two) = (gzipped(b"one "), gzipped(b"two"));
        let joined = |parts: &[&[u8]]| parts.concat();
        for (stream, plain) in [
            (joined(&[&one, &two]), "one two"),
            (joined(&[&one, &[0]]), "one "),
            (joined(&[&one, &[0; 100], b"garbage"]), "one "),
            (joined(&[&one, &[0], &two]), "one "),
        ] {
            assert_eq!(whole(&*gunzip, &stream).unwrap(), plain.as_bytes());
            cuts(&*gunzip, &stream);
        }
        let error = fails(&*gunzip, &joined(&[&one, b"garbage"]));
        assert_eq!(error.message, "The gzip data is corrupt: incorrect header check");
        assert!(error.offset.unwrap() >= one.len() as u64);
        for tail in [&two[..two.len() - 1], &[0x1f], &[0x1f, 0x8b], &[0x1f, 0x8b, 8]] {
            let error = fails(&*gunzip, &joined(&[&one, tail]));
            assert_eq!(error.message, "The gzip data ends too early: unexpected end of file");
        }
    }

    #[test]
    fn zlib_and_raw_ignore_what_follows() {
        for (compress, decompress) in [
            (deflate::deflate as fn(&Args) -> BuildResult, inflate as fn(&Args) -> BuildResult),
            (deflate::deflate_raw, inflate_raw),
        ] {
            let transform = decompress(&Args::default()).unwrap();
            let mut stream = whole(&*compress(&Args::default()).unwrap(), b"hello hello").unwrap();
            refuses_truncation(&*transform, &stream);
            stream.extend_from_slice(b"garbage");
            assert_eq!(whole(&*transform, &stream).unwrap(), b"hello hello");
            cuts(&*transform, &stream);
        }
    }

    #[test]
    fn truncated_or_flipped_is_refused() {
        let plain = prose(600);
        let gunzip = gunzip(&Args::default()).unwrap();
        refuses_truncation(&*gunzip, &gzipped(&plain));
        refuses_flips(&*gunzip, &gzipped(&plain), &plain);
        let zlib = whole(&*deflate::deflate(&Args::default()).unwrap(), &plain).unwrap();
        refuses_flips(&*inflate(&Args::default()).unwrap(), &zlib, &plain);
    }

    #[test]
    fn says_what_a_preset_dictionary_is() {
        let error = fails(&*inflate(&Args::default()).unwrap(), &[0x78, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0]);
        assert_eq!(error.message, "The zlib data needs a preset dictionary");
    }

    #[test]
    fn the_limit_is_exact() {
        for len in [1, 1000, 65_536, 3_000_000] {
            let stream = gzipped(&prose(len));
            assert_eq!(whole(&*limited(gunzip, len), &stream).unwrap().len(), len);
            if len > 1 {
                assert_eq!(fails(&*limited(gunzip, len - 1), &stream).kind, Kind::OutputLimit);
            }
        }
        let members = [gzipped(b"abc"), gzipped(b"def")].concat();
        assert_eq!(fails(&*limited(gunzip, 5), &members).kind, Kind::OutputLimit);
        assert_eq!(whole(&*limited(gunzip, 6), &members).unwrap(), b"abcdef");
    }

    #[test]
    fn a_bomb_is_stopped_early() {
        let bomb = gzipped(&vec![0; 50 << 20]);
        let cancel = Cancel::new();
        let mut out = Vec::new();
        let mut fold = limited(gunzip, 1 << 20).stream().unwrap();
        assert_eq!(fold.push(&bomb, &mut out, &cancel).unwrap_err().kind, Kind::OutputLimit);
        assert!(out.capacity() <= 4 << 20, "{}", out.capacity());
    }

    #[test]
    fn stops_when_cancelled() {
        stops(&*gunzip(&Args::default()).unwrap(), &gzipped(&prose(3_000_000)));
    }

    #[test]
    fn cuts_do_not_matter() {
        cuts(&*gunzip(&Args::default()).unwrap(), &gzipped(&prose(700_000)));
    }
}

//! gzip, zlib and raw deflate decompression (RFC 1950 to 1952). Trailing data is handled as in node:zlib.

use super::wrapper::Wrapper;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::output_limit::{OutputLimiter, max_output};
use crate::transform::value::Value;
use std::sync::Arc;
use zlib_rs::{InflateError, InflateFlush, Status};

pub struct Inflate {
    name: &'static str,
    wrapper: Wrapper,
    max_output: u64,
}

/// `gunzip({ maxOutput })`
pub fn gunzip(args: &Args) -> BuildResult {
    build(args, "gunzip", Wrapper::Gzip)
}

/// `inflate({ maxOutput })`: with a zlib wrapper, as in Node.
pub fn inflate(args: &Args) -> BuildResult {
    build(args, "inflate", Wrapper::Zlib)
}

/// `inflateRaw({ maxOutput })`
pub fn inflate_raw(args: &Args) -> BuildResult {
    build(args, "inflateRaw", Wrapper::Raw)
}

fn build(args: &Args, name: &'static str, wrapper: Wrapper) -> BuildResult {
    Ok(Box::new(Inflate { name, wrapper, max_output: max_output(&args.options(0, &["maxOutput"])?)? }))
}

impl Transform for Inflate {
    fn name(&self) -> &'static str {
        self.name
    }

    fn accepts_text(&self) -> bool {
        false
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Inflate { max_output: self.max_output.min(max_output), ..*self }))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.start(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.start())
    }
}

impl Inflate {
    fn start(&self) -> Box<dyn StreamTransform> {
        Box::new(Decoder {
            wrapper: self.wrapper,
            limiter: OutputLimiter::new(self.max_output),
            state: State::InMember(new_inflate(self.wrapper)),
            consumed: 0,
        })
    }
}

fn new_inflate(wrapper: Wrapper) -> zlib_rs::Inflate {
    match wrapper {
        Wrapper::Gzip => zlib_rs::Inflate::new(true, 16 + 15),
        Wrapper::Zlib => zlib_rs::Inflate::new(true, 15),
        Wrapper::Raw => zlib_rs::Inflate::new(false, 15),
    }
}

struct Decoder {
    wrapper: Wrapper,
    limiter: OutputLimiter,
    state: State,
    /// Bytes of input before this member.
    consumed: u64,
}

enum State {
    InMember(zlib_rs::Inflate),
    /// After a gzip member, where another may start.
    BetweenMembers,
    /// After the end; trailing data is ignored.
    Done,
}

impl Decoder {
    fn corrupt(&self, error: InflateError, zlib: &zlib_rs::Inflate) -> Error {
        let format = self.wrapper.format();
        let message = match error {
            InflateError::MemError => return Error::out_of_memory("the tables of inflate"),
            InflateError::NeedDict { .. } => format!("The {format} data needs a preset dictionary"),
            _ => {
                // The decoder's fast path loses its message and reports a bad state.
                let problem = zlib.error_message().filter(|it| !it.contains("bad state")).unwrap_or("invalid codes");
                format!("The {format} data is corrupt: {problem}")
            }
        };
        Error::invalid_data(message).at(self.consumed + zlib.total_in())
    }

    /// Decompresses the chunk up to the end of the member. Returns the rest of the chunk if the member has ended.
    fn inflate_member<'a>(
        &mut self,
        zlib: &mut zlib_rs::Inflate,
        mut chunk: &'a [u8],
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<Option<&'a [u8]>> {
        loop {
            let (total_in, total_out) = (zlib.total_in(), zlib.total_out());
            let mut limiter = self.limiter.clone();
            let step = limiter.step(chunk.len(), out, cancel, |buffer| {
                let status = zlib.decompress(chunk, buffer, InflateFlush::NoFlush);
                let status = status.map_err(|error| self.corrupt(error, zlib))?;
                Ok((usize::try_from(zlib.total_out() - total_out).unwrap_or(buffer.len()), status))
            });
            self.limiter = limiter;
            let step = step?;
            let consumed = usize::try_from(zlib.total_in() - total_in).unwrap_or(chunk.len());
            chunk = &chunk[consumed..];
            if step.outcome == Status::StreamEnd {
                return Ok(Some(chunk));
            }
            if !step.full && (chunk.is_empty() || consumed == 0) {
                return Ok(None);
            }
        }
    }
}

impl StreamTransform for Decoder {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while let Some(&next) = chunk.first() {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::InMember(mut zlib) => match self.inflate_member(&mut zlib, chunk, out, cancel)? {
                    Some(rest) => {
                        chunk = rest;
                        self.consumed += zlib.total_in();
                        if self.wrapper == Wrapper::Gzip { State::BetweenMembers } else { State::Done }
                    }
                    None => {
                        chunk = &[];
                        State::InMember(zlib)
                    }
                },
                // Padding; it and the rest are ignored.
                State::BetweenMembers if next == 0 => State::Done,
                State::BetweenMembers => {
                    self.limiter.restart();
                    State::InMember(new_inflate(self.wrapper))
                }
                State::Done => return Ok(()),
            };
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match &self.state {
            State::InMember(zlib) => {
                let message = format!("The {} data ends too early: unexpected end of file", self.wrapper.format());
                Err(Error::invalid_data(message).at(self.consumed + zlib.total_in()))
            }
            State::BetweenMembers | State::Done => Ok(out.into()),
        }
    }
}

//! LZ4 decompression (frame format 1.6.x). Parses frames in chunks cut anywhere; lz4_flex decompresses the blocks.

use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, StreamTransform, Transform, run_stream};
use crate::transform::memory;
use crate::transform::output_limit::{OutputLimiter, max_output};
use crate::transform::value::Value;
use lz4_flex::block::{DecompressError, decompress_into_with_dict};
use std::sync::Arc;
use xxhash_rust::xxh32::{Xxh32, xxh32};

const MAGIC: u32 = 0x184d_2204;
/// First of the 16 magic numbers of skippable frames.
const SKIPPABLE: u32 = 0x184d_2a50;
/// How far a linked block can refer back.
const WINDOW: usize = 64 << 10;

struct Decompress {
    max_output: u64,
}

/// `lz4Decompress({ maxOutput })`
pub fn decompress(args: &Args) -> BuildResult {
    Ok(Box::new(Decompress { max_output: max_output(&args.options(0, &["maxOutput"])?)? }))
}

impl Transform for Decompress {
    fn name(&self) -> &'static str {
        "lz4Decompress"
    }

    fn accepts_text(&self) -> bool {
        false
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Decompress { max_output: self.max_output.min(max_output) }))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(Box::new(Decoder::new(self.max_output)), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(Box::new(Decoder::new(self.max_output)))
    }
}

/// The fields of a frame header that matter to a decoder.
#[derive(Clone, Copy, Default)]
struct Header {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    block_size: usize,
}

/// The next field of the input, of known length.
#[derive(Clone, Copy)]
enum Field {
    /// The magic number; after a frame also the end of the input, or padding.
    Magic,
    SkippedLength,
    Skipped(u64),
    /// Flags and block descriptor, which determine the length of the rest.
    Flags,
    Descriptor,
    BlockLength,
    Block {
        len: usize,
        compressed: bool,
    },
    ContentChecksum,
    /// After a zero byte where a frame might start; ignored.
    Padding,
}

struct Decoder {
    field: Field,
    /// The first bytes of `field`; at most a block.
    buffer: Vec<u8>,
    header: Header,
    /// The last output of this frame, which linked blocks refer to.
    window: Vec<u8>,
    checksum: Xxh32,
    limiter: OutputLimiter,
    /// Bytes of output of this frame.
    produced: u64,
    /// Bytes of input.
    consumed: u64,
    /// Whether any frame has ended.
    has_ended: bool,
}

impl Decoder {
    fn new(max_output: u64) -> Self {
        Decoder {
            field: Field::Magic,
            buffer: Vec::new(),
            header: Header::default(),
            window: Vec::new(),
            checksum: Xxh32::new(0),
            limiter: OutputLimiter::new(max_output),
            produced: 0,
            consumed: 0,
            has_ended: false,
        }
    }

    fn corrupt(&self, problem: &'static str) -> Error {
        Error::invalid_data(format!("The lz4 data is corrupt: {problem}")).at(self.consumed)
    }

    /// Returns the length of the field.
    fn field_len(&self) -> usize {
        match self.field {
            Field::Magic | Field::SkippedLength | Field::BlockLength | Field::ContentChecksum => 4,
            Field::Flags => 2,
            // Optional content size and dictionary id, then the header checksum.
            Field::Descriptor => {
                let flags = self.buffer.first().copied().unwrap_or(0);
                2 + usize::from(flags >> 3 & 1) * 8 + usize::from(flags & 1) * 4 + 1
            }
            Field::Block { len, .. } => len + usize::from(self.header.block_checksums) * 4,
            Field::Skipped(_) | Field::Padding => 0,
        }
    }

    /// Processes a complete field; returns the next one.
    fn process(&mut self, bytes: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<Field> {
        Ok(match self.field {
            Field::Magic => match word(bytes) {
                MAGIC => Field::Flags,
                magic if magic & !15 == SKIPPABLE => Field::SkippedLength,
                _ => return Err(self.corrupt("unknown magic number")),
            },
            Field::SkippedLength => match word(bytes) {
                0 => self.end_frame(),
                len => Field::Skipped(len.into()),
            },
            Field::Flags => Field::Descriptor,
            Field::Descriptor => {
                self.header = self.read_header(bytes)?;
                self.window.clear();
                self.checksum = Xxh32::new(0);
                self.produced = 0;
                Field::BlockLength
            }
            Field::BlockLength => self.read_block_length(word(bytes))?,
            Field::Block { len, compressed } => {
                self.decompress_block(bytes, len, compressed, out, cancel)?;
                Field::BlockLength
            }
            Field::ContentChecksum => {
                if word(bytes) != self.checksum.digest() {
                    return Err(self.corrupt("incorrect content checksum"));
                }
                self.end_frame()
            }
            Field::Skipped(_) | Field::Padding => self.field,
        })
    }

    fn end_frame(&mut self) -> Field {
        self.has_ended = true;
        Field::Magic
    }

    fn read_header(&self, bytes: &[u8]) -> Result<Header> {
        let (flags, block) = (bytes[0], bytes[1]);
        let (descriptor, sum) = bytes.split_at(bytes.len() - 1);
        if flags >> 6 != 1 {
            return Err(self.corrupt("unsupported version"));
        }
        if flags & 2 != 0 || block & 0x8f != 0 {
            return Err(self.corrupt("reserved bits set"));
        }
        if xxh32(descriptor, 0).to_le_bytes()[1] != sum[0] {
            return Err(self.corrupt("incorrect header checksum"));
        }
        if flags & 1 != 0 {
            return Err(Error::invalid_data("The lz4 data needs a dictionary").at(self.consumed));
        }
        let block_size = match block >> 4 {
            4 => 64 << 10,
            5 => 256 << 10,
            6 => 1 << 20,
            7 => 4 << 20,
            _ => return Err(self.corrupt("invalid block size")),
        };
        Ok(Header {
            linked: flags >> 5 & 1 == 0,
            block_checksums: flags >> 4 & 1 == 1,
            content_checksum: flags >> 2 & 1 == 1,
            content_size: descriptor[2..].first_chunk().map(|size| u64::from_le_bytes(*size)),
            block_size,
        })
    }

    fn read_block_length(&mut self, word: u32) -> Result<Field> {
        if word == 0 {
            if self.header.content_size.is_some_and(|size| size != self.produced) {
                return Err(self.corrupt("incorrect content size"));
            }
            return Ok(if self.header.content_checksum { Field::ContentChecksum } else { self.end_frame() });
        }
        let len = (word & 0x7fff_ffff) as usize;
        if len > self.header.block_size {
            return Err(self.corrupt("block larger than declared"));
        }
        Ok(Field::Block { len, compressed: word >> 31 == 0 })
    }

    fn decompress_block(
        &mut self,
        bytes: &[u8],
        len: usize,
        compressed: bool,
        out: &mut Vec<u8>,
        cancel: &Cancel,
    ) -> Result<()> {
        cancel.check()?;
        let (data, sum) = bytes.split_at(len);
        if self.header.block_checksums && word(sum) != xxh32(data, 0) {
            return Err(self.corrupt("incorrect block checksum"));
        }
        let start = out.len();
        if compressed {
            // Upper bound of the output: a block byte yields at most 255 bytes.
            let max = self.header.block_size.min(len.saturating_mul(255));
            let size = usize::try_from(self.limiter.remaining()).map_or(max, |remaining| max.min(remaining));
            memory::zeros(out, size)?;
            let result = decompress_into_with_dict(data, &mut out[start..], &self.window);
            out.truncate(start + result.as_ref().copied().unwrap_or(0));
            result.map_err(|error| match error {
                DecompressError::OutputTooSmall { .. } if size < max => self.limiter.exceeded(),
                _ => self.corrupt("invalid block"),
            })?;
        } else {
            memory::append(out, data)?;
        }
        let len = out.len() - start;
        if let Err(error) = self.limiter.add(len) {
            out.truncate(start);
            return Err(error);
        }
        let plain = &out[start..];
        self.produced += len as u64;
        if self.header.content_checksum {
            self.checksum.update(plain);
        }
        if self.header.linked {
            let kept = WINDOW.saturating_sub(plain.len()).min(self.window.len());
            self.window.drain(..self.window.len() - kept);
            self.window.extend_from_slice(&plain[plain.len().saturating_sub(WINDOW)..]);
        }
        Ok(())
    }
}

/// Reads four bytes, little-endian.
fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

impl StreamTransform for Decoder {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while let Some(&next) = chunk.first() {
            match self.field {
                Field::Magic if self.has_ended && self.buffer.is_empty() && next == 0 => self.field = Field::Padding,
                Field::Padding => return Ok(()),
                Field::Skipped(len) => {
                    let now = usize::try_from(len).unwrap_or(usize::MAX).min(chunk.len());
                    chunk = &chunk[now..];
                    self.consumed += now as u64;
                    self.field = if now as u64 == len { self.end_frame() } else { Field::Skipped(len - now as u64) };
                }
                _ => {
                    let missing = self.field_len() - self.buffer.len();
                    if chunk.len() < missing {
                        memory::append(&mut self.buffer, chunk)?;
                        self.consumed += chunk.len() as u64;
                        return Ok(());
                    }
                    let (now, later) = chunk.split_at(missing);
                    chunk = later;
                    // A field that is complete in the chunk is not copied.
                    let mut buffer = std::mem::take(&mut self.buffer);
                    let next = if buffer.is_empty() {
                        self.process(now, out, cancel)
                    } else {
                        memory::append(&mut buffer, now)?;
                        self.process(&buffer, out, cancel)
                    };
                    let flags = matches!(self.field, Field::Flags);
                    if flags && buffer.is_empty() {
                        buffer.extend_from_slice(now);
                    } else if !flags {
                        buffer.clear();
                    }
                    self.buffer = buffer;
                    self.consumed += now.len() as u64;
                    self.field = next?;
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match self.field {
            Field::Padding => Ok(out.into()),
            Field::Magic if self.has_ended && self.buffer.is_empty() => Ok(out.into()),
            _ => Err(Error::invalid_data("The lz4 data ends too early: unexpected end of file").at(self.consumed)),
        }
    }
}

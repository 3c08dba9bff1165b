//! Reads LZ4 frames in chunks cut anywhere; the blocks themselves are lz4_flex's to decompress.

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::StreamTransform;
use crate::transform::memory;
use crate::transform::output_limit::Growth;
use crate::transform::value::Value;
use lz4_flex::block::{DecompressError, decompress_into_with_dict};
use xxhash_rust::xxh32::{Xxh32, xxh32};

const MAGIC: u32 = 0x184d_2204;
/// The first of 16 magic numbers of frames to be skipped.
const SKIPPABLE: u32 = 0x184d_2a50;
/// How far back a block can refer into those before it.
const WINDOW: usize = 64 << 10;

/// A frame's header, as far as it matters to a reader.
#[derive(Clone, Copy, Default)]
struct Header {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    block_size: usize,
}

/// What comes next, of a length known in advance.
#[derive(Clone, Copy)]
enum Part {
    /// The magic number, where nothing or the padding after a frame may be instead.
    Magic,
    SkippedLength,
    Skipped(u64),
    /// Flags and block descriptor, which tell how much more there is.
    Flags,
    Descriptor,
    BlockLength,
    Block {
        len: usize,
        compressed: bool,
    },
    ContentChecksum,
    /// After a zero where a frame might start; ignored.
    Padding,
}

pub struct Decoder {
    part: Part,
    /// The bytes of `part` so far; at most a block.
    held: Vec<u8>,
    header: Header,
    /// The last output of this frame, for the blocks that refer to it.
    window: Vec<u8>,
    checksum: Xxh32,
    growth: Growth,
    /// Output of this frame.
    made: u64,
    /// Bytes of input so far.
    taken: u64,
    /// Whether any frame has ended.
    any: bool,
}

impl Decoder {
    pub fn new(max_output: u64) -> Self {
        Decoder {
            part: Part::Magic,
            held: Vec::new(),
            header: Header::default(),
            window: Vec::new(),
            checksum: Xxh32::new(0),
            growth: Growth::new(max_output),
            made: 0,
            taken: 0,
            any: false,
        }
    }

    fn corrupt(&self, what: &'static str) -> Error {
        Error::invalid_data(format!("The lz4 data is corrupt: {what}")).at(self.taken)
    }

    /// How many bytes the part has.
    fn len(&self) -> usize {
        match self.part {
            Part::Magic | Part::SkippedLength | Part::BlockLength | Part::ContentChecksum => 4,
            Part::Flags => 2,
            // Content size and dictionary id if there, then the header's checksum.
            Part::Descriptor => {
                let flags = self.held.first().copied().unwrap_or(0);
                2 + usize::from(flags >> 3 & 1) * 8 + usize::from(flags & 1) * 4 + 1
            }
            Part::Block { len, .. } => len + usize::from(self.header.block_checksums) * 4,
            Part::Skipped(_) | Part::Padding => 0,
        }
    }

    /// Takes a complete part and goes on to the next.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<Part> {
        Ok(match self.part {
            Part::Magic => match word(bytes) {
                MAGIC => Part::Flags,
                magic if magic & !15 == SKIPPABLE => Part::SkippedLength,
                _ => return Err(self.corrupt("unknown magic number")),
            },
            Part::SkippedLength => match word(bytes) {
                0 => self.ended(),
                len => Part::Skipped(len.into()),
            },
            Part::Flags => Part::Descriptor,
            Part::Descriptor => {
                self.header = self.read_header(bytes)?;
                self.window.clear();
                self.checksum = Xxh32::new(0);
                self.made = 0;
                Part::BlockLength
            }
            Part::BlockLength => self.block_length(word(bytes))?,
            Part::Block { len, compressed } => {
                self.block(bytes, len, compressed, out, cancel)?;
                Part::BlockLength
            }
            Part::ContentChecksum => {
                if word(bytes) != self.checksum.digest() {
                    return Err(self.corrupt("incorrect content checksum"));
                }
                self.ended()
            }
            Part::Skipped(_) | Part::Padding => self.part,
        })
    }

    fn ended(&mut self) -> Part {
        self.any = true;
        Part::Magic
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
            return Err(Error::invalid_data("The lz4 data needs a dictionary").at(self.taken));
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

    fn block_length(&mut self, word: u32) -> Result<Part> {
        if word == 0 {
            if self.header.content_size.is_some_and(|size| size != self.made) {
                return Err(self.corrupt("incorrect content size"));
            }
            return Ok(if self.header.content_checksum { Part::ContentChecksum } else { self.ended() });
        }
        let len = (word & 0x7fff_ffff) as usize;
        if len > self.header.block_size {
            return Err(self.corrupt("block larger than declared"));
        }
        Ok(Part::Block { len, compressed: word >> 31 == 0 })
    }

    fn block(&mut self, bytes: &[u8], len: usize, compressed: bool, out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        let (data, sum) = bytes.split_at(len);
        if self.header.block_checksums && word(sum) != xxh32(data, 0) {
            return Err(self.corrupt("incorrect block checksum"));
        }
        let before = out.len();
        if compressed {
            // No block can make more than this, whatever it claims; at most 255 bytes of output come of one.
            let most = self.header.block_size.min(len.saturating_mul(255));
            let room = usize::try_from(self.growth.left()).map_or(most, |left| most.min(left));
            memory::zeros(out, room)?;
            let made = decompress_into_with_dict(data, &mut out[before..], &self.window);
            out.truncate(before + made.as_ref().copied().unwrap_or(0));
            made.map_err(|error| match error {
                DecompressError::OutputTooSmall { .. } if room < most => self.growth.exceeded(),
                _ => self.corrupt("invalid block"),
            })?;
        } else {
            memory::append(out, data)?;
        }
        let made = out.len() - before;
        if let Err(error) = self.growth.add(made) {
            out.truncate(before);
            return Err(error);
        }
        let plain = &out[before..];
        self.made += made as u64;
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

/// Four bytes, little-endian; the parts have known lengths.
fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

impl StreamTransform for Decoder {
    fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        while let Some(&next) = chunk.first() {
            match self.part {
                Part::Magic if self.any && self.held.is_empty() && next == 0 => self.part = Part::Padding,
                Part::Padding => return Ok(()),
                Part::Skipped(len) => {
                    let now = usize::try_from(len).unwrap_or(usize::MAX).min(chunk.len());
                    chunk = &chunk[now..];
                    self.taken += now as u64;
                    self.part = if now as u64 == len { self.ended() } else { Part::Skipped(len - now as u64) };
                }
                _ => {
                    let missing = self.len() - self.held.len();
                    if chunk.len() < missing {
                        memory::append(&mut self.held, chunk)?;
                        self.taken += chunk.len() as u64;
                        return Ok(());
                    }
                    let (now, later) = chunk.split_at(missing);
                    chunk = later;
                    // A part that lies in the chunk whole is read where it is.
                    let mut held = std::mem::take(&mut self.held);
                    let part = if held.is_empty() {
                        self.take(now, out, cancel)
                    } else {
                        memory::append(&mut held, now)?;
                        self.take(&held, out, cancel)
                    };
                    let flags = matches!(self.part, Part::Flags);
                    if flags && held.is_empty() {
                        held.extend_from_slice(now);
                    } else if !flags {
                        held.clear();
                    }
                    self.held = held;
                    self.taken += now.len() as u64;
                    self.part = part?;
                }
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        match self.part {
            Part::Padding => Ok(out.into()),
            Part::Magic if self.any && self.held.is_empty() => Ok(out.into()),
            _ => Err(Error::invalid_data("The lz4 data ends too early: unexpected end of file").at(self.taken)),
        }
    }
}

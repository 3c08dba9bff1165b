//! What stands around deflated data: nothing, zlib's header and Adler-32 (RFC 1950), or gzip's header, CRC-32 and
//! length (RFC 1952).

use crate::error::Result;
use crate::transform::memory;
use libdeflater::{Adler32, Crc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Gzip,
    Zlib,
    Raw,
}

/// The operating system that gzip names when nobody asks: Unix, as zlib says.
const UNIX: u8 = 3;

impl Framing {
    /// The same bytes that zlib writes at this level; no time stamp, no file name.
    pub fn header(self, level: u8) -> &'static [u8] {
        match (self, level) {
            (Framing::Raw, _) => &[],
            (Framing::Gzip, 9) => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, UNIX],
            (Framing::Gzip, 0 | 1) => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, UNIX],
            (Framing::Gzip, _) => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, UNIX],
            (Framing::Zlib, 0 | 1) => &[0x78, 0x01],
            (Framing::Zlib, 2..=5) => &[0x78, 0x5e],
            (Framing::Zlib, 6) => &[0x78, 0x9c],
            (Framing::Zlib, _) => &[0x78, 0xda],
        }
    }

    pub fn checksum(self) -> Checksum {
        match self {
            Framing::Gzip => Checksum::Gzip(Crc::new(), 0),
            Framing::Zlib => Checksum::Zlib(Adler32::new()),
            Framing::Raw => Checksum::None,
        }
    }

    /// As an error message calls the format.
    pub fn format(self) -> &'static str {
        match self {
            Framing::Gzip => "gzip",
            Framing::Zlib => "zlib",
            Framing::Raw => "deflate",
        }
    }
}

/// Over the plain data, as it comes.
pub enum Checksum {
    /// With the length modulo 2^32.
    Gzip(Crc, u32),
    Zlib(Adler32),
    None,
}

impl Checksum {
    pub fn update(&mut self, plain: &[u8]) {
        match self {
            Checksum::Gzip(crc, len) => {
                crc.update(plain);
                #[expect(clippy::cast_possible_truncation, reason = "gzip keeps the length modulo 2^32")]
                let more = plain.len() as u32;
                *len = len.wrapping_add(more);
            }
            Checksum::Zlib(adler) => adler.update(plain),
            Checksum::None => {}
        }
    }

    /// # Errors
    /// If memory runs out.
    pub fn write_trailer(&self, out: &mut Vec<u8>) -> Result<()> {
        memory::reserve(out, 8)?;
        match self {
            Checksum::Gzip(crc, len) => {
                out.extend_from_slice(&crc.sum().to_le_bytes());
                out.extend_from_slice(&len.to_le_bytes());
            }
            Checksum::Zlib(adler) => out.extend_from_slice(&adler.sum().to_be_bytes()),
            Checksum::None => {}
        }
        Ok(())
    }
}

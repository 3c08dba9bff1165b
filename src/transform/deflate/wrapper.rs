//! Header and trailer of deflate data: none, zlib's header and Adler-32 (RFC 1950), or gzip's header, CRC-32 and length
//! (RFC 1952).

use crate::error::Result;
use crate::transform::memory;
use libdeflater::{Adler32, Crc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    Gzip,
    Zlib,
    Raw,
}

/// Operating system field of gzip: always Unix, as zlib writes.
const UNIX: u8 = 3;

impl Wrapper {
    /// Returns the header that zlib writes at this level, without time stamp and file name.
    pub fn header(self, level: u8) -> &'static [u8] {
        match (self, level) {
            (Wrapper::Raw, _) => &[],
            (Wrapper::Gzip, 9) => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, UNIX],
            (Wrapper::Gzip, 0 | 1) => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, UNIX],
            (Wrapper::Gzip, _) => &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, UNIX],
            (Wrapper::Zlib, 0 | 1) => &[0x78, 0x01],
            (Wrapper::Zlib, 2..=5) => &[0x78, 0x5e],
            (Wrapper::Zlib, 6) => &[0x78, 0x9c],
            (Wrapper::Zlib, _) => &[0x78, 0xda],
        }
    }

    pub fn checksum(self) -> Checksum {
        match self {
            Wrapper::Gzip => Checksum::Gzip(Crc::new(), 0),
            Wrapper::Zlib => Checksum::Zlib(Adler32::new()),
            Wrapper::Raw => Checksum::None,
        }
    }

    /// Returns the name of the format for error messages.
    pub fn format(self) -> &'static str {
        match self {
            Wrapper::Gzip => "gzip",
            Wrapper::Zlib => "zlib",
            Wrapper::Raw => "deflate",
        }
    }
}

/// Checksum of the uncompressed data.
pub enum Checksum {
    /// And the length modulo 2^32.
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

    /// Appends the trailer.
    ///
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

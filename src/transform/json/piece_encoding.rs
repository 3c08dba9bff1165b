//! Encodes the pieces of a plan for V8 without UTF-8: decoding it on the main thread would add a third to the time of parsing.

use super::build_plan::{
    ARRAY, END, ITEMS, KEY, KIND_MASK, OBJECT, PART, STEP_WORDS, STRING, UNESCAPED, UTF16, VALUE, word,
};
use super::minify::without_space;
use std::borrow::Cow;
use std::fmt::Write;

/// A piece is escaped, and not encoded as UTF-16, if at most one in this many bytes starts a character that is not ASCII.
const RARE: usize = 16;
/// White space between elements is removed from longer pieces.
const LONG: usize = 1 << 20;

/// Encodes the pieces of a text.
pub struct PieceEncoder<'a> {
    text: &'a [u8],
    /// The brackets of the open containers.
    brackets: Vec<[u8; 2]>,
}

/// Steps and the pieces that they refer to.
pub struct EncodedPlan {
    pub text: Vec<u8>,
    pub plan: Vec<u32>,
}

impl<'a> PieceEncoder<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        PieceEncoder { text, brackets: Vec::new() }
    }

    /// Encodes the pieces of the next steps, one after the other. Pieces with characters outside ASCII are escaped if those are
    /// rare, and otherwise become UTF-16. Items are enclosed in brackets.
    pub fn encode(&mut self, mut plan: Vec<u32>) -> EncodedPlan {
        let pieces =
            plan.chunks_exact(STEP_WORDS).filter(|step| matches!(step[0] & KIND_MASK, ITEMS | KEY | PART | VALUE));
        let length = pieces.map(|step| (step[2] - step[1]) as usize + 2).sum::<usize>();
        let mut text = Vec::with_capacity(length + length / 8);
        for step in plan.chunks_exact_mut(STEP_WORDS) {
            match step[0] & KIND_MASK {
                ARRAY => self.brackets.push(*b"[]"),
                OBJECT => self.brackets.push(*b"{}"),
                STRING => self.brackets.push(*b"\"\""),
                END => drop(self.brackets.pop()),
                ITEMS => self.encode_piece(step, self.brackets.last().copied(), &mut text),
                _ => self.encode_piece(step, None, &mut text),
            }
        }
        EncodedPlan { text, plan }
    }

    fn encode_piece(&self, step: &mut [u32], brackets: Option<[u8; 2]>, out: &mut Vec<u8>) {
        let mut piece = Cow::Borrowed(&self.text[step[1] as usize..step[2] as usize]);
        if piece.len() > LONG && matches!(step[0] & KIND_MASK, ITEMS | VALUE) {
            piece = without_space(&piece).into();
        }
        let encoding = PieceEncoding::of(&piece, step[0]);
        if encoding == PieceEncoding::Utf16 && out.len() % 2 == 1 {
            out.push(0);
        }
        let start = out.len();
        encoding.write_ascii(brackets.map(|brackets| brackets[0]), out);
        encoding.write(&piece, out);
        encoding.write_ascii(brackets.map(|brackets| brackets[1]), out);
        match encoding {
            PieceEncoding::Ascii => {}
            PieceEncoding::Escaped => step[0] &= !UNESCAPED,
            PieceEncoding::Utf16 => step[0] |= UTF16,
        }
        (step[1], step[2]) = (word(start), word(out.len()));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceEncoding {
    Ascii,
    Escaped,
    Utf16,
}

impl PieceEncoding {
    fn of(piece: &[u8], kind: u32) -> Self {
        if piece.is_ascii() {
            return PieceEncoding::Ascii;
        }
        let characters = piece.iter().filter(|&&byte| byte >= 0xc0).count();
        if characters * RARE > piece.len() || kind & KIND_MASK == PART {
            PieceEncoding::Utf16
        } else {
            PieceEncoding::Escaped
        }
    }

    fn write_ascii(self, byte: Option<u8>, out: &mut Vec<u8>) {
        match self {
            PieceEncoding::Utf16 => out.extend(byte.into_iter().flat_map(|byte| u16::from(byte).to_ne_bytes())),
            _ => out.extend(byte),
        }
    }

    fn write(self, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            PieceEncoding::Ascii => out.extend_from_slice(piece),
            PieceEncoding::Escaped => escape(piece, out),
            PieceEncoding::Utf16 => {
                out.extend(String::from_utf8_lossy(piece).encode_utf16().flat_map(u16::to_ne_bytes));
            }
        }
    }
}

/// Escapes characters outside ASCII, which only strings can contain, with `\u`.
fn escape(mut piece: &[u8], out: &mut Vec<u8>) {
    let mut escaped = String::new();
    while let Some(start) = first_non_ascii(piece) {
        out.extend_from_slice(&piece[..start]);
        let end = piece[start..].iter().position(u8::is_ascii).map_or(piece.len(), |length| start + length);
        escaped.clear();
        for unit in String::from_utf8_lossy(&piece[start..end]).encode_utf16() {
            // Writing to a string does not fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
        out.extend_from_slice(escaped.as_bytes());
        piece = &piece[end..];
    }
    out.extend_from_slice(piece);
}

/// Returns the index of the first byte that is not ASCII.
fn first_non_ascii(piece: &[u8]) -> Option<usize> {
    let ascii = piece.chunks(64).take_while(|bytes| bytes.is_ascii()).map(<[u8]>::len).sum::<usize>();
    piece[ascii..].iter().position(|byte| !byte.is_ascii()).map(|index| ascii + index)
}

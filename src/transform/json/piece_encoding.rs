//! Encodes the pieces of a plan for V8 without UTF-8: decoding it on the main thread would add a third to the time of parsing.

use super::build_plan::{
    ARRAY, DOUBLES, END, INTEGERS, ITEMS, KEY, KIND_MASK, MARKED, OBJECT, PART, Plan, STEP_WORDS, STRING, UTF16, VALUE,
    word,
};
use super::minify::without_space;
use super::numbers::append_doubles;
use super::short_strings::ShortStrings;
use super::swar::string_end;
use encoding_rs::{Encoding, mem};
use std::borrow::Cow;

/// A piece is escaped, and not encoded as UTF-16, if at most one in this many bytes starts a character that is not ASCII.
const RARE: usize = 16;
/// Numbers of up to this many digits are array indices.
const INDEX_DIGITS: usize = 9;
const SIZE_OF_INTEGER: u32 = i32::BITS / u8::BITS;
/// Alignment of doubles.
const ALIGNMENT: usize = size_of::<f64>();
/// White space between elements is removed from longer pieces.
const LONG: usize = 1 << 20;
/// Prefix of marked UTF-16, with a character outside Latin-1: without one, V8 stores one byte per character.
const MARK: &[u8] = "[\"\u{3c9}\",".as_bytes();
const MARK_END: &[u8] = b"]";

/// Encodes the pieces of a text.
pub struct PieceEncoder<'a> {
    text: &'a [u8],
    open: Vec<Open>,
    short_strings: ShortStrings,
    units: Vec<u16>,
}

/// A container or string whose steps are encoded.
struct Open {
    kind: u32,
    /// Whether an object has members.
    has_members: bool,
}

/// Steps and the pieces that they refer to.
pub struct EncodedPlan {
    pub text: Vec<u8>,
    pub plan: Vec<u32>,
}

impl<'a> PieceEncoder<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        PieceEncoder { text, open: Vec::new(), short_strings: ShortStrings::default(), units: Vec::new() }
    }

    /// Encodes the pieces of the next steps, one after the other. Characters outside Latin-1 are escaped if
    /// they are rare. If they are frequent, or if many short strings are distinct, the piece becomes UTF-16. Items are enclosed in
    /// brackets. Members after the first piece of an object become a list of names and values.
    pub fn encode(&mut self, Plan { steps: mut plan, integers, strings }: Plan) -> EncodedPlan {
        // If all decoded strings are ASCII, their buffer becomes the text, and no part is encoded.
        let (mut text, strings) = if strings.is_ascii() { (strings, Vec::new()) } else { (Vec::new(), strings) };
        let is_encoded = |kind: u32| matches!(kind, ITEMS | KEY | VALUE) || kind == PART && !strings.is_empty();
        let pieces = plan.chunks_exact(STEP_WORDS).filter(|step| is_encoded(step[0] & KIND_MASK));
        let length = pieces.map(|step| (step[2] - step[1]) as usize + 2).sum::<usize>();
        // UTF-16 has at most two bytes for each byte of UTF-8.
        text.reserve(2 * length + size_of_val(&*integers) + ALIGNMENT);
        text.resize(text.len().next_multiple_of(ALIGNMENT), 0);
        let first_integer = word(text.len());
        text.extend(integers.iter().flat_map(|integer| integer.to_ne_bytes()));
        for step in plan.chunks_exact_mut(STEP_WORDS) {
            match step[0] & KIND_MASK {
                kind @ (ARRAY | OBJECT | STRING) => self.open.push(Open { kind, has_members: false }),
                END => drop(self.open.pop()),
                INTEGERS => step[1..].iter_mut().for_each(|index| *index = first_integer + *index * SIZE_OF_INTEGER),
                ITEMS => self.encode_items(step, &mut text),
                PART if strings.is_empty() => {}
                PART => self.encode_part(step, &strings[step[1] as usize..step[2] as usize], &mut text),
                kind => {
                    if let (KEY, Some(open)) = (kind, self.open.last_mut()) {
                        open.has_members = true;
                    }
                    self.encode_piece(step, self.piece(step), None, &mut text);
                }
            }
        }
        EncodedPlan { text, plan }
    }

    fn encode_part(&mut self, step: &mut [u32], part: &[u8], out: &mut Vec<u8>) {
        if mem::is_utf8_latin1(part) {
            return self.encode_piece(step, part.into(), None, out);
        }
        if out.len() % 2 == 1 {
            out.push(0);
        }
        let start = out.len();
        append_surrogates_as_utf16(part, &mut self.units, out);
        step.copy_from_slice(&[PART | UTF16, word(start), word(out.len())]);
    }

    fn encode_items(&mut self, step: &mut [u32], out: &mut Vec<u8>) {
        if matches!(self.open.last(), Some(Open { kind: ARRAY, .. })) && self.encode_doubles(step, out) {
            return;
        }
        let mut piece = self.piece(step);
        let brackets = match self.open.last_mut() {
            Some(Open { kind: OBJECT, has_members: true }) => {
                flatten(piece.to_mut());
                *b"[]"
            }
            Some(object @ Open { kind: OBJECT, .. }) => {
                object.has_members = true;
                *b"{}"
            }
            _ => *b"[]",
        };
        self.encode_piece(step, piece, Some(brackets), out);
    }

    /// Converts the elements of a list to doubles. Returns false if they stay text.
    fn encode_doubles(&mut self, step: &mut [u32], out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let start = before.next_multiple_of(ALIGNMENT);
        out.resize(start, 0);
        if !append_doubles(&self.text[step[1] as usize..step[2] as usize], out) {
            out.truncate(before);
            return false;
        }
        step.copy_from_slice(&[DOUBLES, word(start), word(out.len())]);
        true
    }

    fn encode_piece(&mut self, step: &mut [u32], piece: Cow<'_, [u8]>, brackets: Option<[u8; 2]>, out: &mut Vec<u8>) {
        let encoding = self.encoding(&piece, step[0] & KIND_MASK);
        if encoding.is_utf16() && out.len() % 2 == 1 {
            out.push(0);
        }
        let start = out.len();
        let mut write = |encoding: PieceEncoding, bytes: &[u8]| encoding.write(bytes, &mut self.units, out);
        if encoding == PieceEncoding::MarkedUtf16 {
            write(encoding, MARK);
        }
        let [before, after] = brackets.map_or([None; 2], |brackets| brackets.map(Some));
        write(encoding, before.as_slice());
        write(encoding, &piece);
        write(encoding, after.as_slice());
        if encoding == PieceEncoding::MarkedUtf16 {
            write(encoding, MARK_END);
        }
        match encoding {
            PieceEncoding::Ascii | PieceEncoding::Latin1 | PieceEncoding::Escaped => {}
            PieceEncoding::Utf16 => step[0] |= UTF16,
            PieceEncoding::MarkedUtf16 => step[0] |= UTF16 | MARKED,
        }
        (step[1], step[2]) = (word(start), word(out.len()));
    }

    fn encoding(&mut self, piece: &[u8], kind: u32) -> PieceEncoding {
        let is_utf16_fast = matches!(kind, ITEMS | VALUE) && self.short_strings.are_distinct(piece);
        let is_ascii = piece.is_ascii();
        match (is_ascii || mem::is_utf8_latin1(piece), is_utf16_fast) {
            (true, true) => PieceEncoding::MarkedUtf16,
            (true, false) if is_ascii => PieceEncoding::Ascii,
            (true, false) => PieceEncoding::Latin1,
            (false, true) => PieceEncoding::Utf16,
            (false, false) => {
                if is_wide(piece) {
                    PieceEncoding::Utf16
                } else {
                    PieceEncoding::Escaped
                }
            }
        }
    }

    fn piece(&self, step: &[u32]) -> Cow<'a, [u8]> {
        let piece = &self.text[step[1] as usize..step[2] as usize];
        if piece.len() > LONG && matches!(step[0] & KIND_MASK, ITEMS | VALUE) {
            return without_space(piece).into();
        }
        piece.into()
    }
}

/// Turns members into a list of names and values, in which names that are array indices are numbers. An object would fill a table
/// of names, only to be copied from it.
fn flatten(members: &mut [u8]) {
    let (mut at, mut depth, mut is_name) = (0, 0, true);
    while at < members.len() {
        match members[at] {
            b'"' => {
                let end = string_end(members, at);
                if depth == 0 && is_name && is_index(&members[at + 1..end - 1]) {
                    (members[at], members[end - 1]) = (b' ', b' ');
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b':' if depth == 0 => (members[at], is_name) = (b',', false),
            b',' if depth == 0 => is_name = true,
            _ => {}
        }
        at += 1;
    }
}

/// Returns whether a name is an array index, as JavaScript writes it.
fn is_index(name: &[u8]) -> bool {
    let is_number = !name.is_empty() && name.len() <= INDEX_DIGITS && name.iter().all(u8::is_ascii_digit);
    is_number && (name[0] != b'0' || name.len() == 1)
}

/// Returns whether characters that are not ASCII are frequent.
fn is_wide(piece: &[u8]) -> bool {
    let mut characters = 0;
    // The count of a chunk fits one byte, so that the compiler counts many bytes at a time.
    piece.chunks(u8::MAX.into()).any(|chunk| {
        characters += usize::from(chunk.iter().map(|&byte| u8::from(byte >= 0xc0)).sum::<u8>());
        characters > piece.len() / RARE
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceEncoding {
    Ascii,
    Latin1,
    Escaped,
    Utf16,
    /// UTF-16 with a mark, so that V8 does not convert it to one byte per character.
    MarkedUtf16,
}

impl PieceEncoding {
    fn is_utf16(self) -> bool {
        matches!(self, PieceEncoding::Utf16 | PieceEncoding::MarkedUtf16)
    }

    /// Appends UTF-8, with `units` as a buffer.
    fn write(self, piece: &[u8], units: &mut Vec<u16>, out: &mut Vec<u8>) {
        match self {
            PieceEncoding::Ascii => out.extend_from_slice(piece),
            PieceEncoding::Latin1 => append_latin1(piece, out),
            PieceEncoding::Escaped => escape(piece, out),
            PieceEncoding::Utf16 | PieceEncoding::MarkedUtf16 => append_utf16(piece, units, out),
        }
    }
}

/// Appends generalized UTF-8 as UTF-16: see `unescape`.
fn append_surrogates_as_utf16(mut part: &[u8], units: &mut Vec<u16>, out: &mut Vec<u8>) {
    loop {
        let (valid, rest) = part.split_at(Encoding::utf8_valid_up_to(part));
        append_utf16(valid, units, out);
        let [_, second, third, ..] = *rest else { return };
        let unit = 0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f);
        out.extend_from_slice(&unit.to_ne_bytes());
        part = &rest[3..];
    }
}

/// Appends UTF-8 as UTF-16.
fn append_utf16(piece: &[u8], units: &mut Vec<u16>, out: &mut Vec<u8>) {
    // The conversion requires a buffer with one more unit than the piece has bytes.
    if units.len() <= piece.len() {
        units.resize(piece.len() + 1, 0);
    }
    let length = mem::convert_utf8_to_utf16(piece, units);
    let start = out.len();
    out.resize(start + 2 * length, 0);
    for (bytes, unit) in out[start..].chunks_exact_mut(2).zip(&units[..length]) {
        bytes.copy_from_slice(&unit.to_ne_bytes());
    }
}

/// Appends UTF-8 that has only Latin-1 characters as Latin-1.
fn append_latin1(piece: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + piece.len(), 0);
    let length = mem::convert_utf8_to_latin1_lossy(piece, &mut out[start..]);
    out.truncate(start + length);
}

/// Appends UTF-8 as Latin-1, and escapes the characters outside it, which only strings can contain, with `\u`.
fn escape(mut piece: &[u8], out: &mut Vec<u8>) {
    while let Some(start) = first_non_ascii(piece) {
        out.extend_from_slice(&piece[..start]);
        let length = piece[start..].iter().position(u8::is_ascii).unwrap_or(piece.len() - start);
        let (characters, rest) = piece[start..].split_at(length);
        for character in String::from_utf8_lossy(characters).chars() {
            match u8::try_from(character) {
                Ok(byte) => out.push(byte),
                Err(_) => character.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| escape_unit(unit, out)),
            }
        }
        piece = rest;
    }
    out.extend_from_slice(piece);
}

fn escape_unit(unit: u16, out: &mut Vec<u8>) {
    let digit = |shift: u16| b"0123456789abcdef"[usize::from(unit >> shift & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Returns the index of the first byte that is not ASCII.
fn first_non_ascii(piece: &[u8]) -> Option<usize> {
    let ascii = piece.chunks(64).take_while(|bytes| bytes.is_ascii()).map(<[u8]>::len).sum::<usize>();
    piece[ascii..].iter().position(|byte| !byte.is_ascii()).map(|index| ascii + index)
}

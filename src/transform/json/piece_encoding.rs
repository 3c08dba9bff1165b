//! The pieces of a plan in forms that V8 takes as they are: decoding UTF-8 would cost the loop a third of the time that
//! parsing takes.

use super::build_plan::{END, ITEMS, KEY, KIND, LIST, OBJECT, PART, PLAIN, STEP_WORDS, TEXT, VALUE, WIDE, word};
use super::minify::without_space;
use std::borrow::Cow;
use std::fmt::Write;

/// Where no more than one of so many bytes begins a character that is not ASCII, those are escaped.
const RARE: usize = 16;
/// White space between two elements is a part of a piece; when one becomes longer than this, it is taken out.
const LONG: usize = 1 << 20;

/// Takes the pieces out of a text.
pub struct Forms<'a> {
    text: &'a [u8],
    /// The brackets of what is being filled.
    brackets: Vec<[u8; 2]>,
}

/// Steps, and the pieces that they are about.
pub struct Part {
    pub text: Vec<u8>,
    pub plan: Vec<u32>,
}

impl<'a> Forms<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Forms { text, brackets: Vec::new() }
    }

    /// The next steps with their pieces, one behind the other. Those with characters outside ASCII are escaped, if such
    /// characters are rare, or become UTF-16. Items come with brackets around them.
    pub fn take(&mut self, mut plan: Vec<u32>) -> Part {
        let pieces = plan.chunks_exact(STEP_WORDS).filter(|step| matches!(step[0] & KIND, ITEMS | KEY | PART | VALUE));
        let length = pieces.map(|step| (step[2] - step[1]) as usize + 2).sum::<usize>();
        let mut text = Vec::with_capacity(length + length / 8);
        for step in plan.chunks_exact_mut(STEP_WORDS) {
            match step[0] & KIND {
                LIST => self.brackets.push(*b"[]"),
                OBJECT => self.brackets.push(*b"{}"),
                TEXT => self.brackets.push(*b"\"\""),
                END => drop(self.brackets.pop()),
                ITEMS => self.rewrite(step, self.brackets.last().copied(), &mut text),
                _ => self.rewrite(step, None, &mut text),
            }
        }
        Part { text, plan }
    }

    fn rewrite(&self, step: &mut [u32], brackets: Option<[u8; 2]>, out: &mut Vec<u8>) {
        let mut piece = Cow::Borrowed(&self.text[step[1] as usize..step[2] as usize]);
        if piece.len() > LONG && matches!(step[0] & KIND, ITEMS | VALUE) {
            piece = without_space(&piece).into();
        }
        let form = Form::of(&piece, step[0]);
        if form == Form::Wide && out.len() % 2 == 1 {
            out.push(0);
        }
        let start = out.len();
        form.write_ascii(brackets.map(|brackets| brackets[0]), out);
        form.write(&piece, out);
        form.write_ascii(brackets.map(|brackets| brackets[1]), out);
        match form {
            Form::Ascii => {}
            Form::Escaped => step[0] &= !PLAIN,
            Form::Wide => step[0] |= WIDE,
        }
        (step[1], step[2]) = (word(start), word(out.len()));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Ascii,
    Escaped,
    Wide,
}

impl Form {
    fn of(piece: &[u8], kind: u32) -> Self {
        if piece.is_ascii() {
            return Form::Ascii;
        }
        let others = piece.iter().filter(|&&byte| byte >= 0xc0).count();
        if others * RARE > piece.len() || kind & KIND == PART { Form::Wide } else { Form::Escaped }
    }

    fn write_ascii(self, byte: Option<u8>, out: &mut Vec<u8>) {
        match self {
            Form::Wide => out.extend(byte.into_iter().flat_map(|byte| u16::from(byte).to_ne_bytes())),
            _ => out.extend(byte),
        }
    }

    fn write(self, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            Form::Ascii => out.extend_from_slice(piece),
            Form::Escaped => escape(piece, out),
            Form::Wide => out.extend(String::from_utf8_lossy(piece).encode_utf16().flat_map(u16::to_ne_bytes)),
        }
    }
}

/// Characters outside ASCII stand in strings alone: there `\u` says them.
fn escape(mut piece: &[u8], out: &mut Vec<u8>) {
    let mut escaped = String::new();
    while let Some(place) = first_other(piece) {
        out.extend_from_slice(&piece[..place]);
        let others = piece[place..].iter().position(u8::is_ascii).unwrap_or(piece.len() - place);
        escaped.clear();
        for unit in String::from_utf8_lossy(&piece[place..place + others]).encode_utf16() {
            // Writing to a string does not fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
        out.extend_from_slice(escaped.as_bytes());
        piece = &piece[place + others..];
    }
    out.extend_from_slice(piece);
}

/// The place of the first byte that is not ASCII.
fn first_other(piece: &[u8]) -> Option<usize> {
    let ascii = piece.chunks(64).take_while(|bytes| bytes.is_ascii()).map(<[u8]>::len).sum::<usize>();
    piece[ascii..].iter().position(|byte| !byte.is_ascii()).map(|place| ascii + place)
}

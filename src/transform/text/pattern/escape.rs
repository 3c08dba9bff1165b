//! The part of the parser that reads escapes, group names and classes.

use super::parse::{Parsed, Parser};
use super::property::{fold, named, property};
use super::tree::{Look, Node, Set, any, complement, digits, set, space, word};
use regex_syntax::hir::ClassUnicodeRange;

/// Lookups of case variants that count as one range against the limit.
const FOLDED_PER_RANGE: usize = 16;

/// A member of a class: one code point, possibly a lone surrogate, or a set.
enum Member {
    One(u32),
    Many(Set),
}

impl Parser {
    /// Returns a character, with its case variants under `i`.
    pub(super) fn literal(&mut self, character: char) -> Node {
        let alone = set(&[(character, character)]);
        let folded = self.folded(alone.clone());
        if folded == alone { Node::Char(character) } else { Node::Set(folded) }
    }

    fn code_point(&mut self, code_point: u32) -> Node {
        // No text contains a lone surrogate.
        char::from_u32(code_point).map_or_else(|| Node::Set(Set::empty()), |it| self.literal(it))
    }

    /// Adds the case variants under `i`.
    fn folded(&mut self, mut set: Set) -> Set {
        if self.flags.ignore_case {
            self.ranges += fold(&mut set) / FOLDED_PER_RANGE;
        }
        set
    }

    /// Reads an escape outside of classes. Returns whether a quantifier may follow it too.
    pub(super) fn escape(&mut self) -> Parsed<(Node, bool)> {
        let start = self.at;
        self.at += 1;
        let next = self.peek().ok_or_else(|| self.invalid_at(start, "a backslash at the end"))?;
        match next {
            'b' | 'B' => {
                self.at += 1;
                let look = Look::Word { negated: next == 'B', folded: self.flags.ignore_case };
                return Ok((Node::Look(look), false));
            }
            '1'..='9' => {
                let mut number: usize = 0;
                while let Some(digit) = self.peek().and_then(|it| it.to_digit(10)) {
                    number = number.saturating_mul(10).saturating_add(digit as usize);
                    self.at += 1;
                }
                self.refer_to(number, start);
                self.unsupported(start, "a backreference needs backtracking");
                return Ok((Node::Empty, true));
            }
            'k' => {
                self.at += 1;
                if !self.eat("<") {
                    return Err(self.invalid_at(start, "a '\\k' without the name of a group"));
                }
                let name = self.group_name()?;
                self.refer_to_name(name, start);
                self.unsupported(start, "a backreference needs backtracking");
                return Ok((Node::Empty, true));
            }
            _ => {}
        }
        if let Some(set) = self.class_escape()? {
            return Ok((Node::Set(self.folded(set)), true));
        }
        let code_point = self.character_escape(start, false)?;
        Ok((self.code_point(code_point), true))
    }

    /// Reads `d`, `D`, `s`, `S`, `w`, `W`, `p{…}` or `P{…}` after a backslash.
    fn class_escape(&mut self) -> Parsed<Option<Set>> {
        let Some(next) = self.peek() else { return Ok(None) };
        let set = match next.to_ascii_lowercase() {
            'd' => digits(),
            's' => space(),
            'w' => word(self.flags.ignore_case),
            'p' => return self.property_escape().map(Some),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(if next.is_ascii_uppercase() { complement(set) } else { set }))
    }

    fn property_escape(&mut self) -> Parsed<Set> {
        let start = self.at - 1;
        let negated = self.next() == Some('P');
        let malformed = "a '\\p' without the name of a property in braces";
        if !self.eat("{") {
            return Err(self.invalid_at(start, malformed));
        }
        let from = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '=')) {
            self.at += 1;
        }
        let name: String = self.chars[from..self.at].iter().collect();
        if !self.eat("}") {
            return Err(self.invalid_at(start, malformed));
        }
        if !named(&name) {
            return Err(self.invalid_at(start, "unknown Unicode property"));
        }
        let Some(set) = property(&name) else {
            self.unsupported(start, "this Unicode property is not supported");
            return Ok(any());
        };
        Ok(if negated { complement(set) } else { set })
    }

    /// Reads an escape for one code point; the parser is past the backslash.
    fn character_escape(&mut self, start: usize, in_class: bool) -> Parsed<u32> {
        let next = self.next().ok_or_else(|| self.invalid_at(start, "a backslash at the end"))?;
        Ok(match next {
            't' => 0x09,
            'n' => 0x0a,
            'v' => 0x0b,
            'f' => 0x0c,
            'r' => 0x0d,
            'b' if in_class => 0x08,
            'c' => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => u32::from(letter) % 32,
                _ => return Err(self.invalid_at(start, "a '\\c' without a letter")),
            },
            '0' if !self.peek().is_some_and(|it| it.is_ascii_digit()) => 0,
            '0'..='9' => return Err(self.invalid_at(start, "an octal escape")),
            'x' => self.hex(2).ok_or_else(|| self.invalid_at(start, "a '\\x' without two hexadecimal digits"))?,
            'u' => self.unicode_escape(start)?,
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => next.into(),
            '-' if in_class => '-'.into(),
            _ => return Err(self.invalid_at(start, &format!("'\\{next}' is not an escape"))),
        })
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let text = self.chars.get(self.at..self.at + digits)?;
        let value = text.iter().try_fold(0, |value, it| Some(value * 16 + it.to_digit(16)?))?;
        self.at += digits;
        Some(value)
    }

    /// Reads four digits after `\u`, a surrogate pair, or a code point in braces.
    fn unicode_escape(&mut self, start: usize) -> Parsed<u32> {
        let wrong = |parser: &Self| parser.invalid_at(start, "a '\\u' without a valid code point");
        if self.eat("{") {
            let mut value: u32 = 0;
            let from = self.at;
            while let Some(digit) = self.peek().and_then(|it| it.to_digit(16)) {
                value = value.saturating_mul(16).saturating_add(digit);
                self.at += 1;
            }
            return if self.at > from && value <= 0x10_ffff && self.eat("}") { Ok(value) } else { Err(wrong(self)) };
        }
        let high = self.hex(4).ok_or_else(|| wrong(self))?;
        let after_high = self.at;
        if (0xd800..0xdc00).contains(&high) && self.eat("\\u") {
            if let Some(low) = self.hex(4).filter(|low| (0xdc00..0xe000).contains(low)) {
                return Ok(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            }
            self.at = after_high;
        }
        Ok(high)
    }

    /// Reads the name of a group and its `>`.
    pub(super) fn group_name(&mut self) -> Parsed<String> {
        let start = self.at;
        let wrong = "a group name must be an identifier";
        let mut name = String::new();
        loop {
            let at = self.at;
            let next = match self.next() {
                Some('>') if !name.is_empty() => return Ok(name),
                Some('\\') if self.eat("u") => {
                    char::from_u32(self.unicode_escape(at)?).ok_or_else(|| self.invalid_at(at, wrong))?
                }
                Some(next) => next,
                None => return Err(self.invalid_at(start, wrong)),
            };
            let is_start = next == '$' || next == '_' || super::property::is_id_start(next);
            let continues = matches!(next, '\u{200c}' | '\u{200d}') || super::property::is_id_continue(next);
            if !(is_start || !name.is_empty() && continues) {
                return Err(self.invalid_at(at, wrong));
            }
            name.push(next);
        }
    }

    /// Reads a class in brackets.
    pub(super) fn class(&mut self) -> Parsed<Node> {
        let start = self.at;
        self.at += 1;
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        let add = |ranges: &mut Vec<_>, from: u32, to: u32| {
            // No text contains a lone surrogate.
            let from = char::from_u32(from).unwrap_or('\u{e000}');
            let to = char::from_u32(to).unwrap_or('\u{d7ff}');
            if from <= to {
                ranges.push(ClassUnicodeRange::new(from, to));
            }
        };
        while !self.eat("]") {
            let at = self.at;
            let first = self.member(start)?;
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|it| *it != ']');
            match first {
                Member::One(from) if is_range => {
                    self.at += 1;
                    let Member::One(to) = self.member(start)? else {
                        return Err(self.invalid_at(at, "a range must end with a character"));
                    };
                    if to < from {
                        return Err(self.invalid_at(at, "a range out of order"));
                    }
                    add(&mut ranges, from, to);
                }
                Member::Many(_) if is_range => {
                    return Err(self.invalid_at(at, "a range must begin with a character"));
                }
                Member::One(alone) => add(&mut ranges, alone, alone),
                Member::Many(many) => ranges.extend_from_slice(many.ranges()),
            }
            self.check_ranges(ranges.len())?;
        }
        let set = self.folded(Set::new(ranges));
        Ok(Node::Set(if negated { complement(set) } else { set }))
    }

    fn member(&mut self, start: usize) -> Parsed<Member> {
        let at = self.at;
        match self.next() {
            None => Err(self.invalid_at(start, "a class without its ']'")),
            Some('\\') => {
                if let Some(set) = self.class_escape()? {
                    return Ok(Member::Many(set));
                }
                self.character_escape(at, true).map(Member::One)
            }
            Some(next) => Ok(Member::One(next.into())),
        }
    }
}

//! Parses a JSONPath (RFC 9535). The parser recurses for each level of brackets and parentheses; the caller bounds their number.

use super::query::{Comparable, Operator, Pattern, Query, Segment, Selector, Test, compiled};
use crate::transform::text::pattern::{MatchMode, PatternSource};

type Parsed<T> = std::result::Result<T, String>;

/// The largest integer of a path: RFC 9535 allows those that a double holds exactly.
const MAX_INTEGER: i64 = (1 << 53) - 1;

const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// Parses a path.
///
/// # Errors
/// For an invalid path, with the reason and the offset.
pub fn parse(path: &str) -> Parsed<Query> {
    let mut parser = Parser { text: path, at: 0 };
    if !parser.eat("$") {
        return Err(parser.expected("'$'"));
    }
    let segments = parser.segments()?;
    match parser.rest() {
        "" => Ok(Query { is_absolute: true, segments }),
        _ => Err(parser.expected("'.', '[' or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// One side of a comparison, or a whole test.
enum Operand {
    Query(Query),
    Value(Comparable),
    Test(Test),
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            self.at += text.len();
        }
        is_there
    }

    fn blank(&mut self) {
        self.while_(|char| matches!(char, ' ' | '\t' | '\n' | '\r'));
    }

    /// Consumes characters while they are part of a token.
    fn while_(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let token = &rest[..rest.find(|char| !is_part(char)).unwrap_or(rest.len())];
        self.at += token.len();
        token
    }

    fn need(&mut self, text: &str) -> Parsed<()> {
        if self.eat(text) { Ok(()) } else { Err(self.expected(&format!("'{text}'"))) }
    }

    fn expected(&self, expected: &str) -> String {
        let index = self.text[..self.at].chars().count();
        match self.peek() {
            Some(char) => format!("expected {expected} at character {index}, found {char:?}"),
            None => format!("expected {expected} at the end"),
        }
    }

    fn segments(&mut self) -> Parsed<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.blank();
            if !matches!(self.peek(), Some('.' | '[')) {
                self.at = before;
                return Ok(segments);
            }
            segments.push(self.segment()?);
        }
    }

    fn segment(&mut self) -> Parsed<Segment> {
        let descends = self.eat("..");
        let selectors = if self.peek() == Some('[') && (descends || !self.rest().starts_with('.')) {
            self.selectors()?
        } else {
            if !descends {
                self.need(".")?;
            }
            vec![self.short_selector()?]
        };
        Ok(Segment { descends, selectors })
    }

    /// `*` or a name without quotes.
    fn short_selector(&mut self) -> Parsed<Selector> {
        if self.eat("*") {
            return Ok(Selector::Any);
        }
        if !self.peek().is_some_and(|char| is_name(char) && !char.is_ascii_digit()) {
            return Err(self.expected("a name or '*'"));
        }
        Ok(Selector::Name(self.while_(is_name).to_string()))
    }

    fn selectors(&mut self) -> Parsed<Vec<Selector>> {
        self.need("[")?;
        let mut selectors = Vec::new();
        loop {
            self.blank();
            selectors.push(self.selector()?);
            self.blank();
            if !self.eat(",") {
                self.need("]")?;
                return Ok(selectors);
            }
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.peek() {
            Some('"' | '\'') => self.string().map(Selector::Name),
            Some('*') => {
                self.at += 1;
                Ok(Selector::Any)
            }
            Some('?') => {
                self.at += 1;
                self.blank();
                self.any().map(Selector::Filter)
            }
            Some('0'..='9' | '-' | ':') => self.index_or_slice(),
            _ => Err(self.expected("a selector")),
        }
    }

    fn index_or_slice(&mut self) -> Parsed<Selector> {
        let start = self.optional_integer()?;
        let before = self.at;
        self.blank();
        if !self.eat(":") {
            self.at = before;
            return start.map(Selector::Index).ok_or_else(|| self.expected("an integer"));
        }
        self.blank();
        let end = self.optional_integer()?;
        let before = self.at;
        self.blank();
        let mut step = None;
        if self.eat(":") {
            self.blank();
            step = self.optional_integer()?;
        } else {
            self.at = before;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn optional_integer(&mut self) -> Parsed<Option<i64>> {
        if !matches!(self.peek(), Some('0'..='9' | '-')) {
            return Ok(None);
        }
        let start = self.at;
        let digits = self.integer()?;
        let is_exact = |number: &i64| number.abs() <= MAX_INTEGER;
        match digits.parse().ok().filter(is_exact) {
            Some(_) if digits == "-0" => Err("-0 is not an index".into()),
            Some(number) => Ok(Some(number)),
            None => {
                self.at = start;
                Err(self.expected("an integer within 2^53"))
            }
        }
    }

    /// Consumes an integer, which may be `-0`, and returns its text.
    fn integer(&mut self) -> Parsed<&'a str> {
        let start = self.at;
        self.eat("-");
        let digits = self.while_(|char| char.is_ascii_digit());
        if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
            self.at -= digits.len();
            return Err(self.expected("an integer"));
        }
        Ok(&self.text[start..self.at])
    }

    fn number(&mut self) -> Parsed<f64> {
        let start = self.at;
        self.integer()?;
        if self.eat(".") && self.while_(|char| char.is_ascii_digit()).is_empty() {
            return Err(self.expected("a digit"));
        }
        if self.eat("e") || self.eat("E") {
            let _ = self.eat("-") || self.eat("+");
            if self.while_(|char| char.is_ascii_digit()).is_empty() {
                return Err(self.expected("a digit"));
            }
        }
        self.text[start..self.at].parse().map_err(|_| self.expected("a number"))
    }

    fn string(&mut self) -> Parsed<String> {
        let quote = self.peek().unwrap_or('"');
        self.at += 1;
        let mut string = String::new();
        loop {
            string.push_str(self.while_(|char| char >= ' ' && char != quote && char != '\\'));
            if self.eat(quote.encode_utf8(&mut [0; 4])) {
                return Ok(string);
            }
            self.need("\\").map_err(|_| self.expected("the end of a string"))?;
            string.push(self.escaped(quote)?);
        }
    }

    fn escaped(&mut self, quote: char) -> Parsed<char> {
        let escaped = match self.peek() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(char) if char == quote || matches!(char, '/' | '\\') => char,
            Some('u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(escaped)
    }

    fn unicode(&mut self) -> Parsed<char> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                self.need("\\u")?;
                match self.hex()? {
                    second @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return Err("a lone surrogate is not a character".into()),
                }
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| "a lone surrogate is not a character".into())
    }

    fn hex(&mut self) -> Parsed<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        self.at += digits.len();
        u32::from_str_radix(digits, 16).map_err(|_| self.expected("four hexadecimal digits"))
    }

    fn any(&mut self) -> Parsed<Test> {
        self.list("||", Self::all, Test::Any)
    }

    fn all(&mut self) -> Parsed<Test> {
        self.list("&&", Self::test, Test::All)
    }

    /// Reads tests joined by an operator. A single test is returned unchanged.
    fn list(
        &mut self,
        operator: &str,
        part: fn(&mut Self) -> Parsed<Test>,
        join: fn(Vec<Test>) -> Test,
    ) -> Parsed<Test> {
        let mut tests = vec![part(self)?];
        loop {
            let before = self.at;
            self.blank();
            if !self.eat(operator) {
                self.at = before;
                return Ok(if tests.len() == 1 { tests.remove(0) } else { join(tests) });
            }
            self.blank();
            tests.push(part(self)?);
        }
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.eat("!") {
            self.blank();
            let test = if self.peek() == Some('(') {
                self.in_parentheses()?
            } else {
                let operand = self.operand()?;
                Self::test_of(operand)?
            };
            return Ok(Test::Not(Box::new(test)));
        }
        if self.peek() == Some('(') {
            return self.in_parentheses();
        }
        let left = self.operand()?;
        let before = self.at;
        self.blank();
        let Some(&(text, operator)) = OPERATORS.iter().find(|(text, _)| self.rest().starts_with(text)) else {
            self.at = before;
            return Self::test_of(left);
        };
        let left = Self::comparable(left)?;
        self.at += text.len();
        self.blank();
        let right = self.operand()?;
        Ok(Test::Compare(left, operator, Self::comparable(right)?))
    }

    fn in_parentheses(&mut self) -> Parsed<Test> {
        self.need("(")?;
        self.blank();
        let test = self.any()?;
        self.blank();
        self.need(")")?;
        Ok(test)
    }

    /// Converts an operand that is not compared to a test.
    fn test_of(operand: Operand) -> Parsed<Test> {
        match operand {
            Operand::Query(query) => Ok(Test::Exists(query)),
            Operand::Test(test) => Ok(test),
            Operand::Value(_) => Err("a value is not a test: it must be compared".into()),
        }
    }

    fn comparable(operand: Operand) -> Parsed<Comparable> {
        match operand {
            Operand::Query(query) if query.is_single() => Ok(Comparable::Single(query)),
            Operand::Query(_) => Err("only a query of names and indexes can be compared".into()),
            Operand::Value(value) => Ok(value),
            Operand::Test(_) => Err("a function that returns true or false cannot be compared".into()),
        }
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let value = match self.peek() {
            Some(sign @ ('$' | '@')) => {
                self.at += 1;
                let segments = self.segments()?;
                return Ok(Operand::Query(Query { is_absolute: sign == '$', segments }));
            }
            Some('"' | '\'') => Comparable::Text(self.string()?),
            Some('0'..='9' | '-') => Comparable::Number(self.number()?),
            Some('a'..='z') => return self.word(),
            _ => return Err(self.expected("a query, a value or a function")),
        };
        Ok(Operand::Value(value))
    }

    /// `true`, `false`, `null`, or a function.
    fn word(&mut self) -> Parsed<Operand> {
        let start = self.at;
        let word = self.while_(|char| matches!(char, 'a'..='z' | '0'..='9' | '_'));
        if self.peek() == Some('(') {
            return self.function(word);
        }
        Ok(Operand::Value(match word {
            "true" => Comparable::Bool(true),
            "false" => Comparable::Bool(false),
            "null" => Comparable::Null,
            _ => {
                self.at = start;
                return Err(self.expected("true, false, null or a function"));
            }
        }))
    }

    fn function(&mut self, name: &str) -> Parsed<Operand> {
        let mut arguments = self.arguments()?.into_iter();
        let (first, second, third) = (arguments.next(), arguments.next(), arguments.next());
        match (name, first, second, third) {
            ("length", Some(value), None, None) => {
                Ok(Operand::Value(Comparable::Length(Box::new(Self::comparable(value)?))))
            }
            ("count", Some(Operand::Query(query)), None, None) => Ok(Operand::Value(Comparable::Count(query))),
            ("value", Some(Operand::Query(query)), None, None) => Ok(Operand::Value(Comparable::Value(query))),
            ("match" | "search", Some(text), Some(pattern), None) => {
                let mode = if name == "match" { MatchMode::Whole } else { MatchMode::Anywhere };
                let pattern = match Self::comparable(pattern)? {
                    Comparable::Text(pattern) => Pattern::Static(compiled(&pattern, mode, PatternSource::Path)),
                    pattern => Pattern::Dynamic { pattern, mode },
                };
                Ok(Operand::Test(Test::Matches(Self::comparable(text)?, pattern)))
            }
            ("length" | "count" | "value" | "match" | "search", ..) => {
                Err(format!("invalid arguments of the function '{name}'"))
            }
            _ => Err(format!("unknown function '{name}'")),
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<Operand>> {
        self.need("(")?;
        self.blank();
        let mut arguments = Vec::new();
        while !self.eat(")") {
            if !arguments.is_empty() {
                self.need(",")?;
                self.blank();
            }
            arguments.push(self.operand()?);
            self.blank();
        }
        Ok(arguments)
    }
}

fn is_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || !char.is_ascii()
}

#[cfg(all(test, not(feature = "loom")))]
#[path = "parser_tests.rs"]
mod tests;

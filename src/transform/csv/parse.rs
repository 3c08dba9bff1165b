//! CSV as a table of typed columns.

use super::options::{CsvOptions, OPTIONS};
use super::reader::RecordReader;
use super::record::Record;
use super::table::Table;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Output, StreamTransform, Transform, run_stream};
use crate::transform::value::Value;
use std::sync::Arc;

struct Parse(Arc<CsvOptions>);

/// `csv.parse({ delimiter, quote, header, columns, maxOutput })`
pub fn parse(args: &Args) -> BuildResult {
    Ok(Box::new(Parse(Arc::new(CsvOptions::read(&args.options(0, &OPTIONS)?)?))))
}

impl Parse {
    fn start(&self) -> Box<Parser> {
        Box::new(Parser { options: self.0.clone(), reader: self.0.reader(), table: None })
    }
}

impl Transform for Parse {
    fn name(&self) -> &'static str {
        "csv.parse"
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Parse(Arc::new(self.0.limited(max_output)))))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.start(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.start())
    }

    fn output(&self) -> Output {
        Output::JsValue
    }
}

struct Parser {
    options: Arc<CsvOptions>,
    reader: RecordReader,
    /// `None` before the first record.
    table: Option<Table>,
}

fn add(options: &CsvOptions, table: &mut Option<Table>, record: &Record<'_>) -> Result<()> {
    if let Some(table) = table {
        return table.add(record);
    }
    let table = table.insert(Table::new(options, options.names(Some(record))?));
    if options.has_header() { Ok(()) } else { table.add(record) }
}

impl StreamTransform for Parser {
    fn push(&mut self, chunk: &[u8], _out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let Parser { options, reader, table } = self;
        reader.push(chunk, cancel, |record| add(options, table, record))
    }

    fn finish(self: Box<Self>, _out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        let Parser { options, mut reader, mut table } = *self;
        reader.finish(|record| add(&options, &mut table, record))?;
        let table = match table {
            Some(table) => table,
            None => Table::new(&options, options.names(None)?),
        };
        Ok(Value::Table(table.into_bytes(cancel)?))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::{Arg, ArgumentError};
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, bytes, cuts, fails, options, stops, whole};
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    fn make<const N: usize>(fields: [(&str, Arg); N]) -> Box<dyn Transform> {
        parse(&args([options(fields)])).unwrap()
    }

    fn refused<const N: usize>(fields: [(&str, Arg); N]) -> ArgumentError {
        parse(&args([options(fields)])).err().unwrap()
    }

    fn names(names: &[&str]) -> Arg {
        Arg::List(names.iter().map(|name| arg(name)).collect())
    }

    fn types<const N: usize>(types: [(&str, &str); N]) -> Arg {
        options(types.map(|(name, of)| (name, arg(of))))
    }

    fn number(bytes: &[u8], at: usize) -> usize {
        u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    }

    /// Decodes a table to a list of its columns, each with its name before its fields.
    fn decode(table: &[u8]) -> Json {
        let length = number(table, 0);
        let head: Json = serde_json::from_slice(&table[4..4 + length]).unwrap();
        let body = &table[(4 + length).next_multiple_of(8)..];
        let rows = usize::try_from(head["rows"].as_u64().unwrap()).unwrap();
        let column = |head: &Json| {
            let at = |index: usize| usize::try_from(head[index].as_u64().unwrap()).unwrap();
            let field = |row: usize| match head[1].as_str().unwrap() {
                "number" => {
                    let at = at(2) + row * 8;
                    json!(f64::from_ne_bytes(body[at..at + 8].try_into().unwrap()))
                }
                "boolean" => json!(body[at(2) + row] == 1),
                _ => {
                    let start = if row == 0 { 0 } else { number(body, at(4) + row * 4 - 4) };
                    let end = number(body, at(4) + row * 4);
                    let is_null = row / 8 < at(6) && body[at(5) + row / 8] >> (row % 8) & 1 == 1;
                    let text = std::str::from_utf8(&body[at(2)..at(2) + at(3)]).unwrap();
                    if is_null { Json::Null } else { json!(&text[start..end]) }
                }
            };
            std::iter::once(head[0].clone()).chain((0..rows).map(field)).collect::<Json>()
        };
        head["columns"].as_array().unwrap().iter().map(column).collect()
    }

    fn table(transform: &dyn Transform, input: &str) -> Json {
        cuts(transform, input.as_bytes());
        decode(&whole(transform, input.as_bytes()).unwrap())
    }

    /// Returns the error of a transform, which is the same for the whole input and for chunks.
    fn error(transform: &dyn Transform, input: &[u8]) -> (String, u64) {
        let error = fails(transform, input);
        assert_eq!(error.kind, Kind::InvalidData);
        for piece in 1..input.len().min(9) {
            let chunks: Vec<&[u8]> = input.chunks(piece).collect();
            assert_eq!(crate::transform::testing::streamed(transform, &chunks).unwrap_err(), error, "{piece}");
        }
        (error.message.into_owned(), error.offset.unwrap())
    }

    #[test]
    fn parses_rfc_4180() {
        let plain = make([]);
        let expected = json!([["a", "1", "x,y"], ["b", "2", "he said \"hi\"\r\nand left"], ["c", null, ""]]);
        let text = "a,b,c\r\n1,2,\r\n\"x,y\",\"he said \"\"hi\"\"\r\nand left\",\"\"";
        assert_eq!(table(&*plain, text), expected);
        assert_eq!(table(&*plain, &format!("\u{feff}{text}\n")), expected);
        assert_eq!(table(&*plain, &format!("\n\r\n{text}\r\n\n\n")), expected);
        assert_eq!(table(&*plain, "é,\"ü\"\r\"😀\",日本\r"), json!([["é", "😀"], ["ü", "日本"]]));
        assert_eq!(table(&*plain, "a\n\nb\n\"\"\n"), json!([["a", null, "b", ""]]));
        assert_eq!(table(&*plain, "\u{feff}\"a\",b\n\u{feff},\"\"\"\""), json!([["a", "\u{feff}"], ["b", "\""]]));
        assert_eq!(table(&*plain, "a,b\n1,"), json!([["a", "1"], ["b", null]]));
        let long = "x".repeat(100);
        assert_eq!(table(&*plain, &format!("a\n{long}\n\"{long}\"")), json!([["a", long, long]]));
    }

    #[test]
    fn column_names_come_from_the_header_the_options_or_their_indexes() {
        for empty in ["", "\u{feff}", "\n", "\r\n\r\n"] {
            assert_eq!(table(&*make([]), empty), json!([]), "{empty:?}");
        }
        assert_eq!(table(&*make([]), "a,b"), json!([["a"], ["b"]]));
        let counted = make([("header", Arg::Bool(false)), ("columns", types([("1", "number")]))]);
        assert_eq!(table(&*counted, "x,1\ny,2"), json!([["0", "x", "y"], ["1", 1.0, 2.0]]));
        assert_eq!(table(&*counted, ""), json!([]));
        assert_eq!(table(&*make([("header", Arg::Bool(false))]), "\n"), json!([["0", null]]));
        let given = make([("header", names(&["k", "__proto__"]))]);
        assert_eq!(table(&*given, "x,1"), json!([["k", "x"], ["__proto__", "1"]]));
        assert_eq!(table(&*given, ""), json!([["k"], ["__proto__"]]));
        assert_eq!(table(&*given, "\n\nx,1\n\n"), json!([["k", "x"], ["__proto__", "1"]]));
        let other = make([("delimiter", arg("\t")), ("quote", arg("'"))]);
        assert_eq!(table(&*other, "a\t'b'\n'it''s'\t\"x,"), json!([["a", "it's"], ["b", "\"x,"]]));
    }

    #[test]
    fn columns_have_types() {
        let typed = make([("columns", types([("n", "number"), ("b", "boolean"), ("s", "string")]))]);
        let text = "n,b,s\n 1.5 ,TRUE,x\n\"-2\",0,\n+.5,False,\"\"\n5.,1,y";
        let expected = json!([["n", 1.5, -2.0, 0.5, 5.0], ["b", true, false, false, true], ["s", "x", null, "", "y"]]);
        assert_eq!(table(&*typed, text), expected);
        assert_eq!(
            table(&*typed, "n,b,s\n,1,x\n\"\",0,\n"),
            json!([["n", null, null], ["b", true, false], ["s", "x", null]])
        );
        for (text, message, offset) in [
            ("n,b,s\n1,1,x\n1x,1,x", "The field in line 3 of the column 'n' is not a number. Received '1x'", 12),
            (
                "n,b,s\n9007199254740993,1,x",
                "The field in line 2 of the column 'n' has more digits than a number can hold: give the column the type 'string'. Received '9007199254740993'",
                6,
            ),
            (
                "n,b,s\n1e400,1,x",
                "The field in line 2 of the column 'n' is too large for a number. Received '1e400'",
                6,
            ),
            ("n,b,s\n1,1,\"\n\"\n\" \",1,x", "The field in line 4 of the column 'n' is not a number. Received ' '", 15),
            (
                "s,b,n\n\"\r\n\n\",,1",
                "The field in line 4 of the column 'b' is not a boolean: expected true, false, 1 or 0. Received ''",
                12,
            ),
            ("s,n\n1,2", "The column 'b' of options.columns does not exist. The columns are 's', 'n'", 0),
        ] {
            assert_eq!(error(&*typed, text.as_bytes()), (message.to_string(), offset));
        }
    }

    #[test]
    fn malformed_input_is_reported_with_line_and_offset() {
        let plain = make([]);
        for (text, message, offset) in [
            (&b"a,b\n1\n"[..], "The record in line 2 has 1 field, but there are 2 columns", 4),
            (b"a,b,c\n\"\n\",2\n", "The record in line 2 has 2 fields, but there are 3 columns", 6),
            (b"a,b\r\n\"\n\r\",2\r\n1,2,3", "The record in line 5 has more fields than the 2 columns", 13),
            (b"a\n1,", "The record in line 2 has more fields than the 1 column", 2),
            (b"a\nb\"c\n", "A field that is not quoted contains a quote, in line 2", 3),
            (b"a\n0123456789012345678\"\n", "A field that is not quoted contains a quote, in line 2", 21),
            (b"a\n\"\n\"x", "A quoted field is followed by other text, in line 3", 5),
            (b"a,b\n1,\"x\n\n", "The quoted field in line 2 is not closed", 6),
            (b"a\n\"\"\"", "The quoted field in line 2 is not closed", 2),
            (b"a,b,a", "The field in line 1 of the column 'a' is a duplicate: column names must be unique", 4),
            (b"a\nb\n\"\nc\xff\"", "The input is not valid UTF-8 in line 4", 7),
            (b"\xef\xbb", "The input is not valid UTF-8 in line 1", 0),
            (b"\xef\xbb\xbfa\n\xf0\x9f\x98", "The input is not valid UTF-8 in line 2", 5),
            (b"ab\nc\0d\n", "The input has a NUL character in line 2: it is binary data or UTF-16", 4),
            (b"ab\n\"c\0\n", "The input has a NUL character in line 2: it is binary data or UTF-16", 5),
            // In UTF-16, Cyrillic letters have no NUL byte, but commas and line breaks have one.
            (
                b"\x1f\x04,\0\x1f\x04,\0\x1f\x04\n\0",
                "The input is not valid UTF-8: its NUL bytes suggest UTF-16LE. Convert it to UTF-8 first",
                3,
            ),
            (
                b"\x04\x1f\0,\0\"\x04\x1f\0\"",
                "The input is not valid UTF-8: its NUL bytes suggest UTF-16BE. Convert it to UTF-8 first",
                2,
            ),
        ] {
            assert_eq!(error(&*plain, text), (message.to_string(), offset), "{}", String::from_utf8_lossy(text));
        }
        let wide = vec![b','; 1 << 16];
        let (message, offset) = error(&*make([("header", Arg::Bool(false))]), &wide);
        assert_eq!(
            (message.as_str(), offset),
            ("The record in line 1 has more than 65536 fields, the limit of a table", 0)
        );
        assert_eq!(
            decode(&whole(&*make([("header", Arg::Bool(false))]), &wide[1..]).unwrap()).as_array().unwrap().len(),
            1 << 16
        );
        let name = "x".repeat(5000);
        assert!(error(&*plain, format!("{name},{name}").as_bytes()).0.len() < 200);
    }

    #[test]
    fn memory_is_bounded_by_max_output() {
        let limited = |most: f64| make([("maxOutput", Arg::Number(most))]);
        let rows = format!("a\n{}", "0123456789\n".repeat(1000));
        let size = whole(&*make([]), rows.as_bytes()).unwrap().len();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let exact = size as f64;
        assert!(whole(&*limited(exact), rows.as_bytes()).is_ok());
        assert_eq!(fails(&*limited(exact - 8.0), rows.as_bytes()).kind, Kind::OutputLimit);
        // A quoted field that is not closed is not buffered without bound.
        let mut fold = limited(100.0).stream().unwrap();
        let chunk = vec![b'"'; 1].into_iter().chain(vec![b'x'; 1 << 19]).collect::<Vec<u8>>();
        let push =
            |fold: &mut Box<dyn StreamTransform>, chunk: &[u8]| fold.push(chunk, &mut Vec::new(), &Cancel::new());
        push(&mut fold, &chunk).unwrap();
        let error = push(&mut fold, &chunk[1..]).and_then(|()| push(&mut fold, &chunk[1..])).unwrap_err();
        assert_eq!(error.kind, Kind::OutputLimit);
        assert_eq!(error.message, "The record in line 1 is longer than 1048576 bytes: increase maxOutput to allow it");
    }

    #[test]
    fn can_be_cancelled() {
        stops(&*make([]), b"a,b\n1,2\n");
    }

    #[test]
    fn options_are_checked() {
        for (error, code) in [
            (refused([("delimiter", arg(",,"))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("delimiter", arg("é"))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("delimiter", arg("\n"))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("delimiter", arg("\""))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("quote", arg(""))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("quote", Arg::Number(1.0))]), "ERR_INVALID_ARG_TYPE"),
            (refused([("header", arg("a"))]), "ERR_INVALID_ARG_TYPE"),
            (refused([("header", names(&[]))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("header", names(&["a", "b", "a"]))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("header", names(&["a"])), ("columns", types([("b", "number")]))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("columns", names(&["a"]))]), "ERR_INVALID_ARG_TYPE"),
            (refused([("columns", types([("a", "date")]))]), "ERR_INVALID_ARG_VALUE"),
            (refused([("columns", options([("a", Arg::Bool(true))]))]), "ERR_INVALID_ARG_TYPE"),
            (refused([("maxOutput", Arg::Number(0.0))]), "ERR_OUT_OF_RANGE"),
            (refused([("maxoutput", Arg::Number(1.0))]), "ERR_INVALID_ARG_VALUE"),
        ] {
            assert_eq!(error.code(), code, "{}", error.message());
        }
    }

    /// Reads records by the grammar, character by character; `None` for invalid input.
    fn reference(text: &str) -> Option<Vec<Vec<Option<String>>>> {
        let mut chars = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
        let mut records: Vec<Vec<Option<String>>> = Vec::new();
        while chars.peek().is_some() {
            let mut record = Vec::new();
            loop {
                let is_quoted = chars.next_if_eq(&'"').is_some();
                let mut field = String::new();
                if is_quoted {
                    loop {
                        match chars.next()? {
                            '"' if chars.next_if_eq(&'"').is_some() => field.push('"'),
                            '"' => break,
                            other => field.push(other),
                        }
                    }
                } else {
                    while let Some(next) = chars.next_if(|next| !",\r\n".contains(*next)) {
                        if next == '"' {
                            return None;
                        }
                        field.push(next);
                    }
                }
                record.push((is_quoted || !field.is_empty()).then_some(field));
                match chars.next() {
                    Some(',') => {}
                    Some('\r') => {
                        chars.next_if_eq(&'\n');
                        break;
                    }
                    Some('\n') | None => break,
                    Some(_) => return None,
                }
            }
            let is_blank = record == [None];
            match records.first() {
                Some(first) if is_blank && first.len() > 1 => {}
                Some(first) if first.len() != record.len() => return None,
                _ => records.push(record),
            }
        }
        Some(records)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_a_simple_reader(
            text in "\u{feff}?([a1é]{0,2}|\"([a,\r\n]|\"\"){0,3}\")(,([aü]{0,18}|\"([b😀,\r\n]|\"\"){0,3}\")|[,\r\n\"]|\r\n){0,14}",
            seed in any::<u64>()
        ) {
            let transform = make([("header", Arg::Bool(false))]);
            let run = transform.run(Value::Text(text.clone()), &Cancel::new()).map(|value| decode(&bytes(value)));
            match (reference(&text), &run) {
                (Some(records), Ok(table)) => {
                    for (index, column) in table.as_array().unwrap().iter().enumerate() {
                        let fields = records.iter().map(|record| json!(record[index]));
                        let expected: Json = std::iter::once(json!(index.to_string())).chain(fields).collect();
                        prop_assert_eq!(column, &expected);
                    }
                    prop_assert_eq!(table.as_array().unwrap().len(), records.first().map_or(0, Vec::len));
                }
                (None, Err(_)) => {}
                (expected, found) => prop_assert!(false, "{:?} is not {:?}", found, expected),
            }
            // Chunks give the same table or error.
            let mut fold = transform.stream().unwrap();
            let (mut rest, mut seed) = (text.as_bytes(), seed | 1);
            let mut ended = Ok(());
            while ended.is_ok() && !rest.is_empty() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (chunk, after) = rest.split_at(rest.len().min(usize::try_from(seed >> 62).unwrap()));
                ended = fold.push(chunk, &mut Vec::new(), &Cancel::new());
                rest = after;
            }
            let ended = ended.and_then(|()| fold.finish(Vec::new(), &Cancel::new())).map(|value| decode(&bytes(value)));
            prop_assert_eq!(ended, run);
        }
    }
}

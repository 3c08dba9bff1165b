//! Plans of JSON documents, encoded and built as JavaScript does it.

use crate::cancel::Cancel;
use crate::transform::json::build_plan::{
    ARRAY, DOUBLES, END, INTEGERS, ITEMS, KEY, KIND_MASK, MARKED, OBJECT, PART, Plan, STEP_WORDS, STRING, Sizes, UTF16,
    VALUE, write_plan,
};
use crate::transform::json::piece_encoding::{EncodedPlan, PieceEncoder};
use crate::transform::json::scanner::UNLIMITED_DEPTH;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Builds values from plans as JavaScript does.
#[derive(Default)]
struct Builder {
    stack: Vec<(Json, Option<String>)>,
    value: Option<Json>,
}

impl Builder {
    fn build(&mut self, plan: &[u32], text: &[u8]) {
        for step in plan.chunks_exact(STEP_WORDS) {
            let piece = || -> String {
                let bytes = &text[step[1] as usize..step[2] as usize];
                if step[0] & UTF16 == 0 {
                    return bytes.iter().map(|&byte| char::from(byte)).collect();
                }
                let units = bytes.chunks_exact(2).map(|unit| u16::from_ne_bytes([unit[0], unit[1]]));
                String::from_utf16(&units.collect::<Vec<_>>()).unwrap()
            };
            let parsed = || -> Json {
                let mut value: Json = serde_json::from_str(&piece()).unwrap();
                if step[0] & MARKED == 0 { value } else { value[1].take() }
            };
            match step[0] & KIND_MASK {
                ARRAY => self.stack.push((Json::Array(Vec::new()), None)),
                OBJECT => self.stack.push((Json::Object(Map::new()), None)),
                STRING => self.stack.push((Json::String(String::new()), None)),
                END => {
                    let (value, _) = self.stack.pop().unwrap();
                    self.attach(value);
                }
                VALUE => self.value = Some(parsed()),
                INTEGERS => {
                    let (integers, rest) = text[step[1] as usize..step[2] as usize].as_chunks();
                    assert!(rest.is_empty() && (step[1] as usize).is_multiple_of(size_of::<i32>()));
                    let Some((Json::Array(list), _)) = self.stack.last_mut() else {
                        panic!("integers outside of a list")
                    };
                    list.extend(integers.iter().map(|integer| json!(i32::from_ne_bytes(*integer))));
                }
                DOUBLES => {
                    let (doubles, rest) = text[step[1] as usize..step[2] as usize].as_chunks();
                    assert!(rest.is_empty() && (step[1] as usize).is_multiple_of(size_of::<f64>()));
                    let Some((Json::Array(list), _)) = self.stack.last_mut() else {
                        panic!("doubles outside of a list")
                    };
                    list.extend(doubles.iter().map(|double| json!(f64::from_ne_bytes(*double))));
                }
                KEY => self.stack.last_mut().unwrap().1 = Some(serde_json::from_str(&piece()).unwrap()),
                PART => {
                    let part = piece();
                    let Some((Json::String(text), _)) = self.stack.last_mut() else {
                        panic!("a part outside of a string")
                    };
                    text.push_str(&part);
                }
                _ => match (&mut self.stack.last_mut().unwrap().0, parsed()) {
                    (Json::Array(list), Json::Array(items)) => list.extend(items),
                    (Json::Object(object), Json::Object(members)) => object.extend(members),
                    (Json::Object(object), Json::Array(list)) => {
                        for member in list.chunks_exact(2) {
                            let name = member[0].as_str().map_or_else(|| member[0].to_string(), str::to_string);
                            object.insert(name, member[1].clone());
                        }
                    }
                    _ => panic!("items do not fit the container"),
                },
            }
        }
    }

    fn attach(&mut self, value: Json) {
        match self.stack.last_mut() {
            None => self.value = Some(value),
            Some((Json::Array(list), _)) => list.push(value),
            Some((Json::Object(object), key)) => drop(object.insert(key.take().unwrap(), value)),
            Some(_) => panic!("a value inside of a string"),
        }
    }
}

fn built(text: &str, sizes: Sizes) -> Json {
    let mut encoder = PieceEncoder::new(text.as_bytes());
    let mut builder = Builder::default();
    let mut build = |steps| {
        let part = encoder.encode(steps);
        builder.build(&part.plan, &part.text);
    };
    let last = write_plan(text.as_bytes(), sizes, UNLIMITED_DEPTH, &Cancel::new(), &mut build).unwrap();
    build(last);
    assert!(builder.stack.is_empty());
    builder.value.unwrap()
}

fn json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        "[ -~éß\u{4e2d}\u{1f600}\\\\\"\n]{0,40}".prop_map(Json::from),
    ];
    scalar.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Json::from),
            proptest::collection::vec(-1e9..1e9, 0..8).prop_map(Json::from),
            proptest::collection::vec(-9_999_999..20_000_000, 0..40).prop_map(Json::from),
            proptest::collection::vec(("[a-z\"é]{0,5}|[0-9]{1,11}", inner), 0..8)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Replaces integers with doubles: JavaScript has one type of number.
fn with_doubles(json: Json) -> Json {
    match json {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(list) => list.into_iter().map(with_doubles).collect(),
        Json::Object(members) => members.into_iter().map(|(name, value)| (name, with_doubles(value))).collect(),
        other => other,
    }
}

/// Adds a space after each comma whose number is a multiple of `gap`.
fn with_gaps(text: &str, gap: usize) -> String {
    let parts = text.split_inclusive(',').enumerate();
    parts.flat_map(|(index, part)| [part, if (index + 1) % gap == 0 { " " } else { "" }]).collect()
}

proptest! {
    #[test]
    fn plans_build_the_same_document(
        json in json(), run in 1_usize..40, string in 6_usize..20, batch in 1_usize..90, gap in 1_usize..20
    ) {
        let sizes = Sizes { run, string, batch };
        let expected = with_doubles(json.clone());
        prop_assert_eq!(&with_doubles(built(&json.to_string(), sizes)), &expected);
        let with_gaps = with_gaps(&json.to_string(), gap);
        prop_assert_eq!(with_doubles(built(&with_gaps, sizes)), with_doubles(serde_json::from_str(&with_gaps).unwrap()));
        prop_assert_eq!(&with_doubles(built(&serde_json::to_string_pretty(&json).unwrap(), sizes)), &expected);
    }
}

#[test]
fn reserved_elements_are_bounded_by_the_text() {
    let level = format!("[{}", "1,".repeat(60));
    let texts = [level.repeat(900) + "1" + &"]".repeat(900), "[1,[2,".repeat(999) + "3" + &"]".repeat(1998)];
    let sizes = Sizes { run: 100, string: 100, batch: 1000 };
    for text in texts {
        let mut reserved = 0;
        let mut look = |plan: Plan| {
            let lists = plan.steps.chunks_exact(STEP_WORDS).filter(|step| step[0] == ARRAY);
            reserved += lists.map(|step| step[1] as usize).sum::<usize>();
        };
        let last = write_plan(text.as_bytes(), sizes, UNLIMITED_DEPTH, &Cancel::new(), &mut look).unwrap();
        look(last);
        assert!(reserved <= text.len() / 2, "{reserved} for {}", text.len());
    }
}

#[test]
fn pieces_are_not_much_longer_than_a_run() {
    let nested = |depth| (0..depth).fold("1".to_string(), |inner, _| format!("[[1,2,3],{inner}]"));
    let texts =
        [nested(5000), format!("[{}]", vec!["{\"a\":[1,2,{}]}"; 5000].join(",")), format!("\"{}\"", "é".repeat(9999))];
    let sizes = Sizes { run: 100, string: 100, batch: 1000 };
    for text in texts {
        let mut longest = 0;
        let mut look = |plan: Plan| {
            let pieces = plan
                .steps
                .chunks_exact(STEP_WORDS)
                .filter(|step| matches!(step[0] & KIND_MASK, ITEMS | KEY | PART | VALUE));
            longest = pieces.map(|step| step[2] - step[1]).fold(longest, u32::max);
        };
        let last = write_plan(text.as_bytes(), sizes, UNLIMITED_DEPTH, &Cancel::new(), &mut look).unwrap();
        look(last);
        assert!((50..=400).contains(&longest), "{longest}");
    }
}

#[test]
fn lists_of_numbers_are_converted() {
    let kinds = |make: &dyn Fn(usize) -> String| {
        let text = format!("[{}]", (0..900).map(make).collect::<Vec<_>>().join(","));
        let sizes = Sizes { run: 900, string: 900, batch: 9000 };
        let mut encoder = PieceEncoder::new(text.as_bytes());
        let mut kinds = Vec::new();
        let mut look = |plan: Plan| {
            let EncodedPlan { plan, .. } = encoder.encode(plan);
            kinds.extend(plan.chunks_exact(STEP_WORDS).map(|step| step[0] & KIND_MASK));
        };
        let last = write_plan(text.as_bytes(), sizes, UNLIMITED_DEPTH, &Cancel::new(), &mut look).unwrap();
        look(last);
        kinds.retain(|kind| !matches!(*kind, ARRAY | END));
        kinds
    };
    assert!(kinds(&|index| format!("{index}.5")).iter().all(|&kind| kind == DOUBLES));
    // The first run opens the list, and the last one is short.
    let integers = kinds(&|index| index.to_string());
    let (first, rest) = integers.split_first().unwrap();
    let (last, rest) = rest.split_last().unwrap();
    assert!([first, last] == [&ITEMS; 2] && !rest.is_empty() && rest.iter().all(|&kind| kind == INTEGERS));
    assert!(kinds(&|index| format!("{}", index + 10_000_000)).iter().all(|&kind| kind == ITEMS));
    assert_eq!(kinds(&|index| if index == 0 { "null".into() } else { format!("{index}e1") })[..2], [ITEMS, DOUBLES]);
}

#[test]
fn pieces_with_distinct_short_strings_are_marked_utf16() {
    let flags = |make: &dyn Fn(usize) -> String| {
        let text = format!("[{}]", (0..9000).map(make).collect::<Vec<_>>().join(","));
        let sizes = Sizes { run: 9000, string: 9000, batch: usize::MAX };
        let plan = write_plan(text.as_bytes(), sizes, UNLIMITED_DEPTH, &Cancel::new(), &mut drop).unwrap();
        let EncodedPlan { plan, .. } = PieceEncoder::new(text.as_bytes()).encode(plan);
        let items = plan.chunks_exact(STEP_WORDS).filter(|step| step[0] & KIND_MASK == ITEMS);
        items.skip(1).map(|step| step[0] & !KIND_MASK).collect::<Vec<_>>()
    };
    assert!(flags(&|index| format!("\"é {index}\"")).iter().all(|&flags| flags == UTF16 | MARKED));
    assert!(flags(&|index| format!("\"\u{4e2d} {index}\"")).iter().all(|&flags| flags == UTF16));
    assert!(flags(&|index| format!("\"{}\"", index % 10)).iter().all(|&flags| flags == 0));
}

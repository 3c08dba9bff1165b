//! Runs a transform on the whole input and chunk by chunk; the results must agree.

use super::dice::Dice;
use offloop::cancel::Cancel;
use offloop::error::{Error, Kind};
use offloop::transform::{Arg, Args, ArgumentError, StreamTransform, Transform, Value, registry};
use serde::de::IgnoredAny;

pub fn text(text: &str) -> Arg {
    Arg::Text(text.to_owned().into())
}

pub fn bytes(bytes: &[u8]) -> Arg {
    Arg::Bytes(bytes.to_vec().into())
}

pub fn options(fields: &[(&str, Arg)]) -> Arg {
    Arg::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// Builds a transform from arguments that may be invalid.
pub fn try_build(name: &str, args: &[Arg]) -> Result<Box<dyn Transform>, ArgumentError> {
    (registry::find(name).expect("a transform of the registry").build)(&Args::new(args.to_vec()))
}

pub fn build(name: &str, args: &[Arg]) -> Box<dyn Transform> {
    try_build(name, args).unwrap_or_else(|error| panic!("{name} refused its arguments: {error:?}"))
}

/// Returns the output, or `None` if both forms reject the input.
pub fn both(transform: &dyn Transform, input: &[u8]) -> Option<Vec<u8>> {
    let whole = whole(transform, input);
    if let Some(fold) = transform.stream() {
        let streamed = streamed(fold, input);
        match (&whole, &streamed) {
            (Ok(whole), Ok(streamed)) => assert!(whole == streamed, "the output in chunks differs"),
            // A decoder may report either the limit or the corruption after it.
            (Err(whole), Err(streamed)) => assert!(
                whole.kind == streamed.kind || [whole.kind, streamed.kind].contains(&Kind::OutputLimit),
                "{whole} / {streamed}"
            ),
            (Ok(_), Err(error)) => panic!("rejected only in chunks: {error}"),
            (Err(error), Ok(_)) => panic!("rejected only as a whole: {error}"),
        }
    }
    whole.ok()
}

/// Checks a parser without an oracle.
pub fn parses(name: &str, args: &[Arg], input: &[u8]) {
    both(&*build(name, args), input);
}

pub fn whole(transform: &dyn Transform, input: &[u8]) -> Result<Vec<u8>, Error> {
    let made = transform.run(input.to_vec().into(), &Cancel::new());
    made.map(made_of).map_err(|error| sound(error, input))
}

/// Processes chunks of random sizes, flushes at random, and drains the output now and then.
pub fn streamed(mut fold: Box<dyn StreamTransform>, input: &[u8]) -> Result<Vec<u8>, Error> {
    let (cancel, mut dice) = (Cancel::new(), Dice::of(input));
    let (mut rest, mut out, mut collected) = (input, Vec::new(), Vec::new());
    let most = match dice.below(4) {
        0 if input.len() < 2000 => 1,
        0 | 1 => 1 + input.len() / 20,
        2 => 1 + input.len() / 3,
        _ => input.len(),
    };
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + dice.below(most)).min(rest.len()));
        fold.push(now, &mut out, &cancel).map_err(|error| sound(error, input))?;
        rest = later;
        if dice.below(4) == 0 {
            fold.push(&[], &mut out, &cancel).map_err(|error| sound(error, input))?;
        }
        if dice.below(4) == 0 {
            fold.flush(&mut out, &cancel).map_err(|error| sound(error, input))?;
        }
        if dice.below(2) == 0 {
            collected.append(&mut out);
        }
    }
    let last = fold.finish(out, &cancel).map_err(|error| sound(error, input))?;
    collected.append(&mut made_of(last));
    Ok(collected)
}

/// Returns the bytes of a value. A JSON value must be valid JSON.
fn made_of(value: Value) -> Vec<u8> {
    if let Value::Json(json) = &value {
        let checked = serde_json::from_str::<IgnoredAny>(json);
        assert!(checked.is_ok(), "invalid JSON as a result: {json}");
    }
    match value {
        Value::Table(columns) => columns,
        value => value.into_bytes().expect("bytes or text").into_vec(),
    }
}

/// Asserts that an error is about the input, with an offset inside it.
fn sound(error: Error, input: &[u8]) -> Error {
    let blamed = matches!(error.kind, Kind::InvalidData | Kind::OutputLimit | Kind::Authentication);
    assert!(blamed, "{:?}: {error}", error.kind);
    assert!(error.offset.is_none_or(|offset| offset <= input.len() as u64), "bad offset {:?}: {error}", error.offset);
    error
}

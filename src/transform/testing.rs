//! Helpers for the tests of transforms.

use super::contract::Transform;
use super::value::Value;
use crate::args::{Arg, Args};
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use zlib_rs::{Inflate, InflateFlush, Status};

pub fn arg(text: &str) -> Arg {
    Arg::Text(text.to_string().into())
}

pub fn args<const N: usize>(args: [Arg; N]) -> Args {
    Args::new(args.into())
}

pub fn options<const N: usize>(fields: [(&str, Arg); N]) -> Arg {
    Arg::Record(fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

pub fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Table(bytes) => bytes,
        value => value.into_bytes().unwrap().into_vec(),
    }
}

/// Runs a transform on a whole input.
pub fn whole(transform: &dyn Transform, input: &[u8]) -> Result<Vec<u8>> {
    transform.run(input.to_vec().into(), &Cancel::new()).map(bytes)
}

/// Streams the chunks, draining the output after every push.
pub fn streamed(transform: &dyn Transform, chunks: &[&[u8]]) -> Result<Vec<u8>> {
    let cancel = Cancel::new();
    let mut stream = transform.stream().unwrap();
    let mut output = Vec::new();
    for chunk in chunks {
        let mut out = Vec::new();
        stream.push(chunk, &mut out, &cancel)?;
        output.append(&mut out);
    }
    output.append(&mut bytes(stream.finish(Vec::new(), &cancel)?));
    Ok(output)
}

/// Checks that whole and streamed outputs agree, wherever the input is cut.
pub fn cuts(transform: &dyn Transform, input: &[u8]) {
    cuts_through(transform, input, |out| out);
}

/// Like [`cuts`], but compares `undo(output)`: compressed bytes may differ.
pub fn cuts_through(transform: &dyn Transform, input: &[u8], undo: impl Fn(Vec<u8>) -> Vec<u8>) {
    let expected = undo(whole(transform, input).unwrap());
    if input.len() < 5000 {
        let single = input.chunks(1).flat_map(|byte| [byte, &[]]).collect::<Vec<_>>();
        assert_eq!(undo(streamed(transform, &single).unwrap()), expected);
    }
    let positions = proptest::collection::vec(0..=input.len(), 0..6);
    let cases = if input.len() < 100_000 { 24 } else { 3 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&positions, |mut positions| {
        positions.sort_unstable();
        let mut chunks = Vec::new();
        let mut start = 0;
        for end in positions {
            chunks.push(&input[start..end]);
            start = end;
        }
        chunks.push(&input[start..]);
        prop_assert!(undo(streamed(transform, &chunks).unwrap()) == expected);
        Ok(())
    });
    checked.unwrap();
}

/// Checks that the whole and the streamed input fail alike; small inputs are streamed byte by byte.
pub fn fails(transform: &dyn Transform, input: &[u8]) -> Error {
    let error = whole(transform, input).map(|out| out.len()).expect_err("the whole input succeeded");
    let single = input.chunks(1 + input.len() / 5000).collect::<Vec<_>>();
    let other = streamed(transform, &single).map(|out| out.len()).expect_err("the streamed input succeeded");
    assert_eq!(other.kind, error.kind, "{error} / {other}");
    error
}

/// Checks that every proper prefix of a stream fails as invalid data.
pub fn refuses_truncation(transform: &dyn Transform, stream: &[u8]) {
    for len in 0..stream.len() {
        assert_eq!(fails(transform, &stream[..len]).kind, Kind::InvalidData, "{len} bytes of {}", stream.len());
    }
}

/// Checks that a flipped bit either fails or does not change the output.
pub fn refuses_flips(transform: &dyn Transform, stream: &[u8], plain: &[u8]) {
    for bit in 0..stream.len() * 8 {
        let mut broken = stream.to_vec();
        broken[bit / 8] ^= 1 << (bit % 8);
        for out in [whole(transform, &broken), streamed(transform, &[&broken])] {
            assert!(out.is_err() || out.unwrap() == plain, "bit {bit} was not detected");
        }
    }
}

/// Checks that a raised flag stops whole and streamed inputs.
pub fn stops(transform: &dyn Transform, input: &[u8]) {
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(transform.run(input.to_vec().into(), &cancel).unwrap_err().kind, Kind::Cancelled);
    let mut stream = transform.stream().unwrap();
    let pushed = stream.push(input, &mut Vec::new(), &cancel);
    let ended = pushed.and_then(|()| stream.finish(Vec::new(), &cancel).map(|_| ()));
    assert_eq!(ended.unwrap_err().kind, Kind::Cancelled);
}

/// Decompresses a raw deflate stream with zlib-rs, and checks that it ends with its last byte.
pub fn inflate(stream: &[u8], len: usize) -> Vec<u8> {
    let mut plain = vec![0; len + 1];
    let mut inflate = Inflate::new(false, 15);
    let status = inflate.decompress(stream, &mut plain, InflateFlush::Finish).unwrap();
    assert_eq!((status, inflate.total_in()), (Status::StreamEnd, stream.len() as u64));
    plain.truncate(usize::try_from(inflate.total_out()).unwrap());
    plain
}

/// Returns text that compresses moderately.
pub fn prose(len: usize) -> Vec<u8> {
    let words = ["the ", "loop ", "stays ", "free ", "while ", "threads ", "work, ", "and ", "waits ", "for nothing. "];
    let mut seed = 7u32;
    let mut text = Vec::with_capacity(len + 16);
    while text.len() < len {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.extend_from_slice(words[(seed >> 16) as usize % words.len()].as_bytes());
        if seed >> 29 == 0 {
            text.extend_from_slice((seed >> 8).to_string().as_bytes());
        }
    }
    text.truncate(len);
    text
}

/// Returns bytes that do not compress.
pub fn noise(len: usize) -> Vec<u8> {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        bytes.extend_from_slice(&seed.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

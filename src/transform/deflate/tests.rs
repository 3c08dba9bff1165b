//! Tests of compression and decompression together.

use super::compress::{deflate, deflate_raw, gzip};
use super::decompress::{gunzip, inflate, inflate_raw};
use crate::args::{Arg, Args};
use crate::cancel::Cancel;
use crate::error::Kind;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::testing::{
    args, cuts, cuts_through, fails, noise, options, prose, refuses_flips, refuses_truncation, stops, streamed, whole,
};
use crate::transform::value::Value;
use proptest::prelude::*;
use zlib_rs::{InflateFlush, Status};

type Factory = fn(&Args) -> BuildResult;
const PAIRS: [(Factory, Factory); 3] = [(gzip, gunzip), (deflate, inflate), (deflate_raw, inflate_raw)];

fn level(level: u8) -> Args {
    args([options([("level", Arg::Number(level.into()))])])
}

#[test]
fn all_levels_round_trip() {
    let inputs = [Vec::new(), b"a".to_vec(), prose(5000), prose(1_200_000), noise(300_000), vec![b'x'; 600_000]];
    for (compress, decompress) in PAIRS {
        let undo = decompress(&Args::default()).unwrap();
        for n in 0..=9 {
            let transform = compress(&level(n)).unwrap();
            for input in &inputs {
                let packed = whole(&*transform, input).unwrap();
                assert!(whole(&*undo, &packed).unwrap() == *input, "{} {n}", transform.name());
            }
        }
    }
}

#[test]
fn compression_ignores_chunk_boundaries() {
    for (compress, decompress) in PAIRS {
        let undo = decompress(&Args::default()).unwrap();
        for n in [0, 1, 6, 9] {
            let transform = compress(&level(n)).unwrap();
            for input in [Vec::new(), prose(4000), prose(900_000)] {
                cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
            }
        }
    }
}

#[test]
fn gzip_writes_a_single_member() {
    let input = prose(2_000_000);
    let packed = whole(&*gzip(&Args::default()).unwrap(), &input).unwrap();
    let mut plain = vec![0; input.len() + 1];
    let mut zlib = zlib_rs::Inflate::new(true, 16 + 15);
    let status = zlib.decompress(&packed, &mut plain, InflateFlush::Finish).unwrap();
    assert_eq!(
        (status, zlib.total_in(), zlib.total_out()),
        (Status::StreamEnd, packed.len() as u64, input.len() as u64)
    );
}

#[test]
fn flushed_events_refer_to_earlier_ones() {
    let cancel = Cancel::new();
    let mut stream = gzip(&Args::default()).unwrap().stream().unwrap();
    let (mut out, mut lens) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let before = out.len();
        let event = format!("data: {{\"number\": {number}, \"text\": \"an event that is much like the others\"}}\n\n");
        stream.push(event.as_bytes(), &mut out, &cancel).unwrap();
        stream.flush(&mut out, &cancel).unwrap();
        lens.push(out.len() - before);
        stream.flush(&mut out, &cancel).unwrap();
        assert_eq!(out.len() - before, lens[number], "nothing more to flush");
    }
    assert!(lens[2] * 3 < lens[0], "{lens:?}");
    let Value::Bytes(packed) = stream.finish(out, &cancel).unwrap() else { unreachable!("gzip makes bytes") };
    let plain = whole(&*gunzip(&Args::default()).unwrap(), &packed).unwrap();
    assert!(plain.ends_with(b"others\"}\n\n") && plain.len() > 200);
}

#[test]
fn incompressible_data_hardly_grows() {
    let packed = whole(&*gzip(&Args::default()).unwrap(), &noise(1_000_000)).unwrap();
    assert!(packed.len() < 1_001_000, "{}", packed.len());
}

#[test]
fn compression_stops_when_cancelled() {
    stops(&*gzip(&Args::default()).unwrap(), &prose(3_000_000));
}

#[test]
fn compression_stops_midway() {
    let input = prose(1 << 20).repeat(24);
    let cancel = Cancel::new();
    let canceller = cancel.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(5));
        canceller.cancel();
    });
    assert_eq!(gzip(&level(9)).unwrap().run(input.into(), &cancel).unwrap_err().kind, Kind::Cancelled);
    thread.join().unwrap();
}

/// Data that changes its kind: each piece is one of several kinds, with a length.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..6, 0..60_000usize).prop_map(|(kind, len)| match kind {
        0 => noise(len),
        1 => prose(len),
        2 => vec![0; len],
        3 => noise(len / 100 + 1).repeat(100),
        4 => noise(len).iter().map(|byte| b"etaoin sh"[usize::from(*byte) % 9]).collect(),
        _ => (0..len / 20)
            .flat_map(|n| format!("{{\"id\":{n},\"x\":{}}},", n.wrapping_mul(0x9e37_79b1)).into_bytes())
            .collect(),
    });
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mixed_data_round_trips(input in pieces(), n in 0..=9u8, cut in 0..400_000usize) {
        let transform = gzip(&level(n)).unwrap();
        let undo = gunzip(&Args::default()).unwrap();
        prop_assert!(whole(&*undo, &whole(&*transform, &input).unwrap()).unwrap() == input);
        let (first, second) = input.split_at(cut.min(input.len()));
        let packed = streamed(&*transform, &[first, second]).unwrap();
        prop_assert!(whole(&*undo, &packed).unwrap() == input);
    }
}

#[test]
fn rejects_other_levels() {
    for bad in [-1.0, 10.0, 1.5] {
        let refused = gzip(&args([options([("level", Arg::Number(bad))])])).err().unwrap();
        assert_eq!(refused.code(), "ERR_OUT_OF_RANGE");
    }
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    whole(&*gzip(&Args::default()).unwrap(), plain).unwrap()
}

fn limited(factory: Factory, limit: usize) -> Box<dyn Transform> {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    factory(&args([options([("maxOutput", Arg::Number(limit as f64))])])).unwrap()
}

#[test]
fn members_and_trailing_data_match_node() {
    let gunzip = gunzip(&Args::default()).unwrap();
    let (one, two) = (gzipped(b"one "), gzipped(b"two"));
    let joined = |parts: &[&[u8]]| parts.concat();
    for (stream, plain) in [
        (joined(&[&one, &two]), "one two"),
        (joined(&[&one, &[0]]), "one "),
        (joined(&[&one, &[0; 100], b"garbage"]), "one "),
        (joined(&[&one, &[0], &two]), "one "),
    ] {
        assert_eq!(whole(&*gunzip, &stream).unwrap(), plain.as_bytes());
        cuts(&*gunzip, &stream);
    }
    let error = fails(&*gunzip, &joined(&[&one, b"garbage"]));
    assert_eq!(error.message, "The gzip data is corrupt: incorrect header check");
    assert!(error.offset.unwrap() >= one.len() as u64);
    for tail in [&two[..two.len() - 1], &[0x1f], &[0x1f, 0x8b], &[0x1f, 0x8b, 8]] {
        let error = fails(&*gunzip, &joined(&[&one, tail]));
        assert_eq!(error.message, "The gzip data ends too early: unexpected end of file");
    }
}

#[test]
fn zlib_and_raw_ignore_trailing_data() {
    for (compress, decompress) in [(deflate as Factory, inflate as Factory), (deflate_raw, inflate_raw)] {
        let transform = decompress(&Args::default()).unwrap();
        let mut stream = whole(&*compress(&Args::default()).unwrap(), b"hello hello").unwrap();
        refuses_truncation(&*transform, &stream);
        stream.extend_from_slice(b"garbage");
        assert_eq!(whole(&*transform, &stream).unwrap(), b"hello hello");
        cuts(&*transform, &stream);
    }
}

#[test]
fn truncated_or_corrupt_data_is_rejected() {
    let plain = prose(600);
    let gunzip = gunzip(&Args::default()).unwrap();
    refuses_truncation(&*gunzip, &gzipped(&plain));
    refuses_flips(&*gunzip, &gzipped(&plain), &plain);
    let zlib = whole(&*deflate(&Args::default()).unwrap(), &plain).unwrap();
    refuses_flips(&*inflate(&Args::default()).unwrap(), &zlib, &plain);
}

#[test]
fn reports_a_preset_dictionary() {
    let error = fails(&*inflate(&Args::default()).unwrap(), &[0x78, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0]);
    assert_eq!(error.message, "The zlib data needs a preset dictionary");
}

#[test]
fn the_limit_is_exact() {
    for len in [1, 1000, 65_536, 3_000_000] {
        let stream = gzipped(&prose(len));
        assert_eq!(whole(&*limited(gunzip, len), &stream).unwrap().len(), len);
        if len > 1 {
            assert_eq!(fails(&*limited(gunzip, len - 1), &stream).kind, Kind::OutputLimit);
        }
    }
    let members = [gzipped(b"abc"), gzipped(b"def")].concat();
    assert_eq!(fails(&*limited(gunzip, 5), &members).kind, Kind::OutputLimit);
    assert_eq!(whole(&*limited(gunzip, 6), &members).unwrap(), b"abcdef");
}

#[test]
fn a_decompression_bomb_is_stopped_early() {
    let bomb = gzipped(&vec![0; 50 << 20]);
    let cancel = Cancel::new();
    let mut out = Vec::new();
    let mut stream = limited(gunzip, 1 << 20).stream().unwrap();
    assert_eq!(stream.push(&bomb, &mut out, &cancel).unwrap_err().kind, Kind::OutputLimit);
    assert!(out.capacity() <= 4 << 20, "{}", out.capacity());
}

#[test]
fn decompression_stops_when_cancelled() {
    stops(&*gunzip(&Args::default()).unwrap(), &gzipped(&prose(3_000_000)));
}

#[test]
fn decompression_ignores_chunk_boundaries() {
    cuts(&*gunzip(&Args::default()).unwrap(), &gzipped(&prose(700_000)));
}

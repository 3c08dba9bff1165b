//! Tests of compression and decompression together.

use super::compress::compress;
use super::decompress::decompress;
use super::encoder::EncoderParams;
use crate::args::{Arg, Args};
use crate::cancel::Cancel;
use crate::error::Kind;
use crate::transform::contract::Transform;
use crate::transform::testing::{
    args, cuts, cuts_through, fails, noise, options, prose, refuses_flips, refuses_truncation, stops, whole,
};
use crate::transform::value::Value;
use zstd_safe::zstd_sys::ZSTD_EndDirective::ZSTD_e_end;
use zstd_safe::{DCtx, get_frame_content_size};

fn number(name: &str, value: i64) -> Args {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    args([options([(name, Arg::Number(value as f64))])])
}

fn decoder() -> Box<dyn Transform> {
    decompress(&Args::default()).unwrap()
}

fn packed(input: &[u8]) -> Vec<u8> {
    whole(&*compress(&args([options([("checksum", Arg::Bool(true))])])).unwrap(), input).unwrap()
}

#[test]
fn all_levels_round_trip() {
    let undo = decoder();
    for level in [-131_072, -7, -1].into_iter().chain(0..=22) {
        let transform = compress(&number("level", level)).unwrap();
        for input in [Vec::new(), b"a".to_vec(), prose(5000), prose(300_000), noise(200_000)] {
            let packed = whole(&*transform, &input).unwrap();
            assert!(whole(&*undo, &packed).unwrap() == input, "level {level}");
        }
    }
    assert_eq!(compress(&number("level", 23)).err().unwrap().code(), "ERR_OUT_OF_RANGE");
}

#[test]
fn chunk_boundaries_do_not_matter() {
    let undo = decoder();
    for input in [Vec::new(), prose(3000), prose(900_000)] {
        let transform = compress(&Args::default()).unwrap();
        cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
        cuts(&*undo, &packed(&input));
    }
}

#[test]
fn truncated_or_corrupt_data_is_rejected() {
    let input = prose(400);
    refuses_truncation(&*decoder(), &packed(&input));
    refuses_flips(&*decoder(), &packed(&input), &input);
}

#[test]
fn reads_all_frames() {
    let (one, two) = (packed(b"one "), packed(b"two"));
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let stream = [&skipped[..], &one, &skipped, &two, &skipped].concat();
    assert_eq!(whole(&*decoder(), &stream).unwrap(), b"one two");
    cuts(&*decoder(), &stream);
    assert_eq!(whole(&*decoder(), &skipped).unwrap(), b"");
    assert_eq!(whole(&*decoder(), &[&one[..], &[0; 9]].concat()).unwrap(), b"one ");
    for tail in [&b"garbage"[..], &two[..two.len() - 1], &two[..2], &skipped[..9]] {
        assert_eq!(fails(&*decoder(), &[&one, tail].concat()).kind, Kind::InvalidData);
    }
}

#[test]
fn the_limit_is_exact() {
    for len in [2, 1000, 2_000_000] {
        let stream = packed(&prose(len));
        let len = i64::try_from(len).unwrap();
        whole(&*decompress(&number("maxOutput", len)).unwrap(), &stream).unwrap();
        let error = fails(&*decompress(&number("maxOutput", len - 1)).unwrap(), &stream);
        assert_eq!(error.kind, Kind::OutputLimit);
    }
}

#[test]
fn the_declared_content_size_is_checked() {
    // One declares 91 bytes and has none, the other declares 300 and has three.
    let empty = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 91, 1, 0, 0];
    let short = [0x28, 0xb5, 0x2f, 0xfd, 0x60, 44, 0, 24, 0, 0, b'a', b'b', b'c', 1, 0, 0];
    for frame in [&empty[..], &short, &[&packed(b"one")[..], &empty].concat(), &[&empty[..], &packed(b"one")].concat()]
    {
        assert_eq!(fails(&*decoder(), frame).kind, Kind::InvalidData);
    }
}

#[test]
fn a_huge_window_is_rejected() {
    // A window of 2 GiB, then an empty last block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    let error = fails(&*decoder(), &frame);
    assert_eq!(error.message, "The zstd data is corrupt: Frame requires too much memory for decoding");
}

#[test]
fn dictionaries_are_required_to_decompress() {
    let with = |bytes: Vec<u8>| args([options([("dictionary", Arg::Bytes(bytes.into()))])]);
    let (dictionary, input) = (noise(5000), noise(4000));
    let transform = compress(&with(dictionary.clone())).unwrap();
    let packed = whole(&*transform, &input).unwrap();
    assert!(packed.len() < 200, "{}", packed.len());
    let undo = decompress(&with(dictionary)).unwrap();
    assert!(whole(&*undo, &packed).unwrap() == input);
    cuts_through(&*transform, &input, |packed| whole(&*undo, &packed).unwrap());
    assert_eq!(fails(&*decoder(), &packed).kind, Kind::InvalidData);
}

#[test]
fn stops_when_cancelled() {
    stops(&*compress(&Args::default()).unwrap(), &prose(100_000));
    stops(&*decoder(), &packed(&prose(100_000)));
}

fn at_level(level: i32) -> Box<dyn Transform> {
    compress(&args([options([("level", Arg::Number(level.into())), ("checksum", Arg::Bool(true))])])).unwrap()
}

/// Decompresses with a single call of zstd, which verifies the checksum and accepts one frame only.
fn decompress_frame(frame: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len);
    DCtx::create().decompress(&mut out, frame).unwrap();
    out
}

/// Records in random order, interleaved with runs, noise, short periods and copies.
fn mixed(len: usize, seed: u64) -> Vec<u8> {
    let records = prose(20_000);
    let mut state = seed | 1;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut out = Vec::new();
    while out.len() < len {
        let max = if next(8) == 0 { 300_000 } else { 3000 };
        let size = 1 + next(max);
        match next(8) {
            0 => out.extend(std::iter::repeat_n(u8::try_from(next(256)).unwrap(), size)),
            1 => out.extend(noise(size).into_iter().map(|byte| byte.wrapping_mul(131))),
            2 => out.extend(noise(1 + next(12)).into_iter().cycle().take(size)),
            3 if !out.is_empty() => {
                let from = next(out.len());
                out.extend_from_within(from..out.len().min(from + size));
            }
            _ => {
                let from = next(records.len() - 1);
                out.extend_from_slice(&records[from..records.len().min(from + size % 400)]);
            }
        }
    }
    out.truncate(len);
    out
}

#[test]
fn long_streams_are_one_frame() {
    for (level, len) in [(-3, 5 << 20), (1, 5 << 20), (3, (9 << 20) + 12_345), (5, 3 << 20), (6, 3 << 20)] {
        let data = mixed(len, 7);
        let transform = at_level(level);
        let packed = whole(&*transform, &data).unwrap();
        assert_eq!(get_frame_content_size(&packed).unwrap(), Some(data.len() as u64));
        assert!(decompress_frame(&packed, data.len()) == data, "level {level}");
        let mut stream = transform.stream().unwrap();
        let (mut out, cancel) = (Vec::new(), Cancel::new());
        for (index, piece) in data.chunks(777_777).enumerate() {
            stream.push(piece, &mut out, &cancel).unwrap();
            // Not before the first segments.
            if index % 4 == 3 {
                stream.flush(&mut out, &cancel).unwrap();
            }
        }
        let Value::Bytes(packed) = stream.finish(out, &cancel).unwrap() else { unreachable!("zstd makes bytes") };
        assert!(decompress_frame(&packed, data.len()) == data, "level {level}");
    }
}

#[test]
fn chunk_boundaries_do_not_matter_across_segments() {
    let undo = decoder();
    cuts_through(&*at_level(3), &mixed(5 << 20, 3), |packed| whole(&*undo, &packed).unwrap());
}

#[test]
fn random_data_round_trips() {
    let seeds = std::env::var("OFFLOOP_SEEDS").map_or(3, |seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds {
        let data = mixed(2_500_000 + usize::try_from(seed).unwrap() * 1013 % 900_000, seed * 977);
        let level = [1, 2, 3, 4, 5, 6][usize::try_from(seed % 6).unwrap()];
        assert!(decompress_frame(&whole(&*at_level(level), &data).unwrap(), data.len()) == data, "seed {seed}");
    }
}

fn serial(level: i32, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let params = EncoderParams { level, dictionary: None, checksum: false };
    params.start(Some(data.len() as u64)).unwrap().feed(data, ZSTD_e_end, &mut out, &Cancel::new()).unwrap();
    out
}

#[test]
fn several_threads_compress_nearly_as_well_as_one() {
    let data = prose(6 << 20);
    for level in [1, 3, 6] {
        let (one, several) = (serial(level, &data).len(), whole(&*at_level(level), &data).unwrap().len());
        assert!(several < one + one / 100, "level {level}: {several} of {one}");
    }
}

#[test]
fn repetitive_data_is_compressed_by_one_thread() {
    let data = prose(2000).repeat(2000);
    assert!(whole(&*compress(&Args::default()).unwrap(), &data).unwrap() == serial(3, &data));
}

#[test]
fn stops_when_cancelled_between_segments() {
    stops(&*at_level(3), &mixed(4 << 20, 1));
}

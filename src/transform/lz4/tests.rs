//! Tests of compression and decompression together.

use super::compress::compress;
use super::decompress::decompress;
use crate::args::{Arg, Args};
use crate::error::Kind;
use crate::transform::contract::Transform;
use crate::transform::testing::{
    args, cuts, cuts_through, fails, noise, options, prose, refuses_flips, refuses_truncation, stops, whole,
};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use std::io::Write;

fn encoder() -> Box<dyn Transform> {
    compress(&Args::default()).unwrap()
}

fn decoder() -> Box<dyn Transform> {
    decompress(&Args::default()).unwrap()
}

fn packed(input: &[u8]) -> Vec<u8> {
    whole(&*encoder(), input).unwrap()
}

fn limited(limit: u32) -> Box<dyn Transform> {
    decompress(&args([options([("maxOutput", Arg::Number(limit.into()))])])).unwrap()
}

#[test]
fn round_trips_at_all_chunk_boundaries() {
    for input in [Vec::new(), b"a".to_vec(), prose(4000), prose(1_000_000), noise(500_000), vec![0; 1_000_000]] {
        assert!(whole(&*decoder(), &packed(&input)).unwrap() == input);
        cuts_through(&*encoder(), &input, |packed| whole(&*decoder(), &packed).unwrap());
        cuts(&*decoder(), &packed(&input));
    }
}

#[test]
fn reads_every_kind_of_frame() {
    let input = prose(700_000);
    for mode in [BlockMode::Linked, BlockMode::Independent] {
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
            for sums in [false, true] {
                let info = FrameInfo::new().block_mode(mode).block_size(size);
                let info = info.block_checksums(sums).content_checksum(!sums);
                let info = info.content_size(sums.then_some(input.len() as u64));
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&input).unwrap();
                assert!(whole(&*decoder(), &encoder.finish().unwrap()).unwrap() == input);
            }
        }
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
    let stream = [&skipped[..], &one, &skipped, &two, &[0; 5]].concat();
    assert_eq!(whole(&*decoder(), &stream).unwrap(), b"one two");
    cuts(&*decoder(), &stream);
    for tail in [&b"garbage"[..], &two[..two.len() - 1], &two[..2], &skipped[..9]] {
        assert_eq!(fails(&*decoder(), &[&one, tail].concat()).kind, Kind::InvalidData);
    }
}

#[test]
fn the_limit_is_exact() {
    for len in [2, 1000, 2_000_000] {
        let stream = packed(&prose(len as usize));
        whole(&*limited(len), &stream).unwrap();
        assert_eq!(fails(&*limited(len - 1), &stream).kind, Kind::OutputLimit);
    }
}

#[test]
fn stops_when_cancelled() {
    stops(&*encoder(), &prose(100_000));
    stops(&*decoder(), &packed(&prose(100_000)));
}

//! Compressors and decompressors.

use super::dice::Dice;
use super::forms::{both, build, bytes, options, streamed, try_build, whole};
use offloop::transform::{Arg, Transform};

/// Maximum output of a decompressor.
const MOST: u32 = 1 << 20;

fn limited(fields: &[(&str, Arg)]) -> Arg {
    options(&[fields, &[("maxOutput", Arg::Number(MOST.into()))]].concat())
}

/// Decompresses the input, within the limit.
pub fn decodes(name: &str, input: &[u8]) {
    is_small(both(&*build(name, &[limited(&[])]), input));
}

pub fn zstd(input: &[u8]) {
    inflates(&*build("zstdDecompress", &[limited(&[])]), input);
}

/// In chunks, zstd treats a compressed block of no bytes as an empty block; as a whole it rejects it. The two need not agree on
/// inputs that may contain one.
fn inflates(zstd: &dyn Transform, input: &[u8]) {
    if input.windows(3).any(|head| head[0] & !1 == 4 && head[1..] == [0, 0]) {
        is_small(whole(zstd, input).ok());
        is_small(zstd.stream().and_then(|fold| streamed(fold, input).ok()));
    } else {
        is_small(both(zstd, input));
    }
}

fn is_small(made: Option<Vec<u8>>) {
    assert!(made.is_none_or(|made| made.len() <= MOST as usize), "the output exceeds its limit");
}

/// Transforms that [`round_trip`] checks.
pub const MAKERS: &[&str] = &[
    "gzip",
    "deflate",
    "deflateRaw",
    "brotliCompress",
    "zstdCompress",
    "lz4Compress",
    "text.base64Encode",
    "identity",
];

const UNDO: [&str; 8] = [
    "gunzip",
    "inflate",
    "inflateRaw",
    "brotliDecompress",
    "zstdDecompress",
    "lz4Decompress",
    "text.base64Decode",
    "identity",
];

/// The first byte selects a transform, the second its level; the rest must survive the round trip.
pub fn round_trip(input: &[u8]) {
    let Some(([which, level], plain)) = input.split_first_chunk() else { return };
    let which = usize::from(*which) % MAKERS.len();
    let args = match MAKERS[which] {
        "gzip" | "deflate" | "deflateRaw" => vec![leveled("level", i32::from(level % 10))],
        // The highest qualities are slow.
        "brotliCompress" if plain.len() > 4096 => vec![leveled("quality", i32::from(level % 5))],
        "brotliCompress" => vec![leveled("quality", i32::from(level % 12))],
        "zstdCompress" => vec![leveled("level", i32::from(level % 16) - 5)],
        _ => vec![],
    };
    let (make, undo) = (build(MAKERS[which], &args), build(UNDO[which], &[]));
    let made = whole(&*make, plain).expect("any input can be compressed");
    assert!(both(&*undo, &made).is_some_and(|back| back == plain), "{args:?} does not round-trip");
    if let Some(fold) = make.stream() {
        let made = streamed(fold, plain).expect("any input can be compressed");
        assert!(whole(&*undo, &made).is_ok_and(|back| back == plain), "{args:?} does not round-trip in chunks");
    }
}

fn leveled(name: &str, level: i32) -> Arg {
    options(&[(name, Arg::Number(level.into()))])
}

/// A dictionary followed by data: either may be invalid.
pub fn dictionary(input: &[u8]) {
    let (dictionary, data) = input.split_at(Dice::of(input).below(input.len() + 1));
    let given = ("dictionary", bytes(dictionary));
    let Ok(undo) = try_build("zstdDecompress", &[limited(std::slice::from_ref(&given))]) else { return };
    inflates(&*undo, data);
    let Ok(make) = try_build("zstdCompress", &[options(&[given])]) else { return };
    let made = whole(&*make, data).expect("any input can be compressed");
    assert!(both(&*undo, &made).is_some_and(|back| back == data), "the data does not round-trip");
    zstd(&made);
}

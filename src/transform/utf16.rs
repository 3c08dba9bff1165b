//! Converts UTF-16 to UTF-8.

/// Units checked for ASCII together.
const BLOCK: usize = 16;
/// Most bytes of UTF-8 per unit of UTF-16.
pub const MAX_UTF8: usize = 3;

/// Appends the UTF-8 of `units`; halves of surrogate pairs are replaced as `String::from_utf16_lossy` does.
pub fn append_utf8(units: &[u16], out: &mut Vec<u8>) {
    let mut rest = units;
    while let Some((block, following)) = rest.split_first_chunk::<BLOCK>() {
        if block.iter().fold(0, |all, unit| all | unit) < 0x80 {
            out.extend_from_slice(&block.map(|unit| unit.to_le_bytes()[0]));
            rest = following;
        } else {
            // A surrogate pair across the boundary stays together.
            let is_cut =
                block[BLOCK - 1] & 0xfc00 == 0xd800 && following.first().is_some_and(|unit| unit & 0xfc00 == 0xdc00);
            let (now, later) = rest.split_at(BLOCK + usize::from(is_cut));
            append_characters(now, out);
            rest = later;
        }
    }
    append_characters(rest, out);
}

/// Appends the UTF-8 of at most a block and one more unit.
fn append_characters(units: &[u16], out: &mut Vec<u8>) {
    let mut bytes = [0; (BLOCK + 1) * MAX_UTF8];
    let mut length = 0;
    for character in char::decode_utf16(units.iter().copied()) {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        length += character.encode_utf8(&mut bytes[length..]).len();
    }
    out.extend_from_slice(&bytes[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit() -> impl Strategy<Value = u16> {
        prop_oneof![8 => 0..0x80_u16, 1 => 0x80..0x800_u16, 1 => any::<u16>(), 2 => 0xd7f0..0xe010_u16]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn agrees_with_the_standard_library(units in prop::collection::vec(unit(), 0..200)) {
            let mut bytes = b"before ".to_vec();
            append_utf8(&units, &mut bytes);
            prop_assert_eq!(bytes, format!("before {}", String::from_utf16_lossy(&units)).into_bytes());
        }
    }

    #[test]
    fn a_lone_surrogate_at_the_end_of_a_block_is_replaced_alone() {
        for before in 0..40 {
            let mut units = vec![0x61; before];
            units.extend([0xd800, 0xd800, 0xdc00, 0xd800]);
            units.extend([0xe9; 40]);
            let mut bytes = Vec::new();
            append_utf8(&units, &mut bytes);
            assert_eq!(bytes, String::from_utf16_lossy(&units).as_bytes(), "after {before} letters");
        }
    }

    #[test]
    fn a_pair_across_two_blocks_is_one_character() {
        for before in 0..40 {
            let text = format!("{}\u{1f600}{}", "a".repeat(before), "b".repeat(40));
            let mut bytes = Vec::new();
            append_utf8(&text.encode_utf16().collect::<Vec<_>>(), &mut bytes);
            assert_eq!(bytes, text.as_bytes(), "after {before} letters");
        }
    }
}

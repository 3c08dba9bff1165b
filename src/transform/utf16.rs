//! UTF-16 becomes UTF-8.

/// So many units are ASCII, or are looked at one by one.
const BLOCK: usize = 16;
/// UTF-8 needs at most this many bytes for a unit of UTF-16.
pub const MAX_UTF8: usize = 3;

/// Appends the UTF-8 of `units`; halves of surrogate pairs are replaced as `String::from_utf16_lossy` does.
pub fn append_utf8(units: &[u16], out: &mut Vec<u8>) {
    let mut rest = units;
    while let Some((block, behind)) = rest.split_first_chunk::<BLOCK>() {
        if block.iter().fold(0, |all, unit| all | unit) < 0x80 {
            out.extend_from_slice(&block.map(|unit| unit.to_le_bytes()[0]));
            rest = behind;
        } else {
            // A pair is not cut.
            let is_cut =
                block[BLOCK - 1] & 0xfc00 == 0xd800 && behind.first().is_some_and(|unit| unit & 0xfc00 == 0xdc00);
            let (these, others) = rest.split_at(BLOCK + usize::from(is_cut));
            append_characters(these, out);
            rest = others;
        }
    }
    append_characters(rest, out);
}

/// Appends the UTF-8 of a block at most, with one unit more.
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
        fn is_what_the_standard_library_makes_of_it(units in prop::collection::vec(unit(), 0..200)) {
            let mut bytes = b"before ".to_vec();
            append_utf8(&units, &mut bytes);
            prop_assert_eq!(bytes, format!("before {}", String::from_utf16_lossy(&units)).into_bytes());
        }
    }

    #[test]
    fn half_a_pair_at_the_end_of_a_block_takes_none_of_what_follows() {
        for before in 0..40 {
            let mut units = vec![0x61; before];
            units.extend([0xd800, 0xd800, 0xdc00, 0xd800]);
            units.extend([0xe9; 40]);
            let mut bytes = Vec::new();
            append_utf8(&units, &mut bytes);
            assert_eq!(bytes, String::from_utf16_lossy(&units).as_bytes(), "behind {before} letters");
        }
    }

    #[test]
    fn a_pair_across_two_blocks_is_one_character() {
        for before in 0..40 {
            let text = format!("{}\u{1f600}{}", "a".repeat(before), "b".repeat(40));
            let mut bytes = Vec::new();
            append_utf8(&text.encode_utf16().collect::<Vec<_>>(), &mut bytes);
            assert_eq!(bytes, text.as_bytes(), "behind {before} letters");
        }
    }
}

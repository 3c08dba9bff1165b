//! Inputs of named fields, packed by `lib/task/fields.js`: the contents one after the other, then the length of each field as 8
//! bytes in little-endian order. The lengths come last, since that of a text is known only when it is encoded.

use crate::error::{Error, Kind, Result};

const LENGTH_BYTES: usize = 8;
/// Length of a field that is absent.
const ABSENT: u64 = u64::MAX;

/// Packs fields in their order.
#[must_use]
pub fn pack(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let mut packed: Vec<u8> = fields.iter().flatten().copied().flatten().copied().collect();
    for field in fields {
        let length = field.map_or(ABSENT, |content| content.len() as u64);
        packed.extend_from_slice(&length.to_le_bytes());
    }
    packed
}

/// Returns the `N` fields of a packed input.
///
/// # Errors
/// Of kind `InvalidType` if the lengths do not add up, which is a bug of the caller.
pub fn split<const N: usize>(packed: &[u8]) -> Result<[Option<&[u8]>; N]> {
    let mismatch = || Error::new(Kind::InvalidType, "The input is not made of the fields of this transform");
    let end = packed.len().checked_sub(N * LENGTH_BYTES).ok_or_else(mismatch)?;
    let (mut rest, lengths) = packed.split_at(end);
    let mut fields = [None; N];
    for (field, length) in fields.iter_mut().zip(lengths.chunks_exact(LENGTH_BYTES)) {
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes"));
        if length == ABSENT {
            continue;
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= rest.len()).ok_or_else(mismatch)?;
        let (content, after) = rest.split_at(length);
        *field = Some(content);
        rest = after;
    }
    if rest.is_empty() { Ok(fields) } else { Err(mismatch()) }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn fields_round_trip() {
        for fields in [[Some(&b"abc"[..]), None, Some(b"")], [None, None, None], [Some(b""), Some(b"x"), Some(b"yz")]] {
            assert_eq!(split::<3>(&pack(&fields)).unwrap(), fields);
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let packed = pack(&[Some(b"abc"), None]);
        for bad in [&packed[1..], &packed[..packed.len() - 1], b"", &[0; 15], &[1; 16], &[0; 17]] {
            assert_eq!(split::<2>(bad).unwrap_err().kind, Kind::InvalidType, "{bad:?}");
        }
        assert!(split::<2>(&[0; 16]).is_ok());
    }
}

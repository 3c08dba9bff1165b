//! Heap snapshots.

use offloop::snapshot::compare;
use std::io::{Cursor, Read, Result, Seek, SeekFrom};

/// A snapshot after whose only object, the last one possible, no object is new.
const BEFORE: &str = r#"{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count"],
"node_types":[["object"]],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["property"]],
"location_fields":["object_index","line"]},"node_count":1},"nodes":[0,0,4294967295,0,0],"edges":[],"strings":[""]}"#;

/// A file that is read in pieces of a few bytes.
struct Pieces<'a>(Cursor<&'a [u8]>);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let length = into.len().min(7);
        self.0.read(&mut into[..length])
    }
}

impl Seek for Pieces<'_> {
    fn seek(&mut self, position: SeekFrom) -> Result<u64> {
        self.0.seek(position)
    }
}

/// Compares the input with itself and with a snapshot without containers, whole and in pieces.
pub fn compared(input: &[u8]) {
    let same = compare(&mut Cursor::new(input), &mut Cursor::new(input));
    let grown = compare(&mut Cursor::new(BEFORE.as_bytes()), &mut Cursor::new(input));
    match (&same, &grown) {
        (Ok(same), Ok(grown)) => {
            assert!(same.is_empty(), "grew without a change");
            assert!(grown.iter().all(|it| it.entries[1] > it.entries[0] && it.bytes[0] == 0));
        }
        (Err(error), Err(other)) => {
            assert_eq!(error, other);
            assert!(error.offset.is_some_and(|offset| offset <= input.len() as u64), "{error:?}");
        }
        _ => panic!("accepted once"),
    }
    assert_eq!(compare(&mut Pieces(Cursor::new(BEFORE.as_bytes())), &mut Pieces(Cursor::new(input))), grown);
}

//! Sorts typed arrays.

use super::element::{ElementType, Number, Visitor};
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::memory;
use crate::transform::value::Value;
use rayon::prelude::*;

struct Sort {
    element: ElementType,
    descending: bool,
}

/// `numeric.sort(kind, { descending })`
pub fn sort(args: &Args) -> BuildResult {
    let options = args.options(1, &["descending"])?;
    let descending = options.boolean("descending")?.unwrap_or(false);
    Ok(Box::new(Sort { element: ElementType::of(args)?, descending }))
}

impl Transform for Sort {
    fn name(&self) -> &'static str {
        "numeric.sort"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        struct SortVisitor<'a>(bool, &'a Cancel);
        impl Visitor for SortVisitor<'_> {
            type Out = Vec<u8>;
            fn visit<N: Number>(self, bytes: &[u8]) -> Result<Vec<u8>> {
                let SortVisitor(descending, cancel) = self;
                memory::check(bytes.len().saturating_mul(2))?;
                let mut keys: Vec<N::Key> = bytes.par_chunks_exact(N::SIZE).map(|it| N::read(it).key()).collect();
                cancel.check()?;
                keys.par_sort_unstable();
                cancel.check()?;
                let mut out = vec![0; bytes.len()];
                let write = |(slot, key): (&mut [u8], &N::Key)| N::of_key(*key).write(slot);
                if descending {
                    out.par_chunks_exact_mut(N::SIZE).zip(keys.par_iter().rev()).for_each(write);
                } else {
                    out.par_chunks_exact_mut(N::SIZE).zip(keys.par_iter()).for_each(write);
                }
                Ok(out)
            }
        }
        let bytes = input.into_bytes()?;
        Ok(self.element.visit(&bytes, SortVisitor(self.descending, cancel))?.into())
    }
}

//! Counts the numbers of a typed array into bins of equal width.

use super::element::{ElementType, f64_bytes, read_f64};
use crate::args::{Args, ArgumentError, list};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::value::Value;
use rayon::prelude::*;
use std::cmp::Ordering;

/// Most bins of a histogram.
const MAX_BINS: i64 = 1 << 20;

struct Histogram {
    element: ElementType,
    bins: usize,
    range: Option<(f64, f64)>,
}

/// `numeric.histogram(kind, { bins, range })`
pub fn histogram(args: &Args) -> BuildResult {
    let options = args.options(1, &["bins", "range"])?;
    let bins = options.required_integer("bins", 1..=MAX_BINS)?;
    let range = match options.numbers("range")?.as_deref() {
        None => None,
        Some([low, high]) if low < high && low.is_finite() && high.is_finite() => Some((*low, *high)),
        Some(numbers) => {
            let rule = "The \"options.range\" property must be two finite numbers, the lower one first";
            return Err(ArgumentError::range(rule, list(numbers)));
        }
    };
    Ok(Box::new(Histogram {
        element: ElementType::of(args)?,
        bins: usize::try_from(bins).expect("within its bounds"),
        range,
    }))
}

impl Transform for Histogram {
    fn name(&self) -> &'static str {
        "numeric.histogram"
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bins are few"
    )]
    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let bytes = input.into_bytes()?;
        let parts = read_f64(self.element, &bytes, cancel)?;
        drop(bytes);
        let (low, high) = self.range.unwrap_or_else(|| range(&parts));
        let bins = self.bins;
        let width = high - low;
        let edge = |index: usize| match index as f64 / bins as f64 {
            _ if index == bins => high,
            // The width may overflow although both ends are finite.
            fraction if width.is_infinite() => low * (1.0 - fraction) + high * fraction,
            fraction => low + width * fraction,
        };
        let count = |part: Vec<f64>| {
            let mut counts = vec![0_u64; bins];
            for number in part.into_iter().filter(|it| (low..=high).contains(it)) {
                let fraction = (number / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
                let mut bin = ((fraction * bins as f64) as usize).min(bins - 1);
                // Rounding may be off by one bin.
                if number < edge(bin) {
                    bin -= 1;
                } else if bin + 1 < bins && number >= edge(bin + 1) {
                    bin += 1;
                }
                counts[bin] += 1;
            }
            counts
        };
        let add = |mut one: Vec<u64>, other: Vec<u64>| {
            one.iter_mut().zip(other).for_each(|(one, other)| *one += other);
            one
        };
        let counts = parts.into_par_iter().map(count).reduce(|| vec![0; bins], add);
        Ok(f64_bytes((0..=bins).map(edge).chain(counts.into_iter().map(|count| count as f64))))
    }
}

/// Returns the range of the finite numbers: 1 wide around a single value, and 0 to 1 if there are none.
fn range(parts: &[Vec<f64>]) -> (f64, f64) {
    let finite = || parts.par_iter().flatten_iter().copied().filter(|it| it.is_finite());
    let (low, high) = (finite().reduce(|| f64::INFINITY, f64::min), finite().reduce(|| f64::NEG_INFINITY, f64::max));
    match low.total_cmp(&high) {
        Ordering::Less => (low, high),
        // Adding 0.5 to a large number may not change it.
        Ordering::Equal => {
            let (below, above) = ((low - 0.5).min(low.next_down()), (high + 0.5).max(high.next_up()));
            (below.max(f64::MIN), above.min(f64::MAX))
        }
        Ordering::Greater => (0.0, 1.0),
    }
}

//! Describes typed arrays: count, mean, standard deviation, extremes and quantiles.

use super::element::{ElementType, Number, f64_bytes, read_f64};
use super::quantile::quantile;
use super::sum::Sum;
use crate::args::{Args, ArgumentError, number};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::memory;
use crate::transform::value::Value;
use rayon::prelude::*;

struct Stats {
    element: ElementType,
    quantiles: Vec<f64>,
}

/// `numeric.stats(kind, { quantiles })`
pub fn stats(args: &Args) -> BuildResult {
    let options = args.options(1, &["quantiles"])?;
    let quantiles = options.numbers("quantiles")?.unwrap_or_default();
    if let Some(index) = quantiles.iter().position(|it| !(0.0..=1.0).contains(it)) {
        let rule = format_args!("The value of \"options.quantiles[{index}]\" is out of range. It must be >= 0 && <= 1");
        return Err(ArgumentError::range(rule, number(quantiles[index])));
    }
    Ok(Box::new(Stats { element: ElementType::of(args)?, quantiles }))
}

/// Mean and sum of squared deviations, which can be merged (Chan, Golub and LeVeque, 1979).
#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const EMPTY: Moments = Moments { count: 0.0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// Computes the moments of a part in two passes.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53")]
    fn of(numbers: &[f64]) -> Self {
        let count = numbers.len() as f64;
        let mean = numbers.iter().copied().collect::<Sum>().value() / count;
        let squares = numbers.iter().map(|it| (it - mean) * (it - mean)).sum();
        // `f64::min` and `f64::max` ignore NaN, which must propagate.
        let min_or_nan = |one: f64, other: f64| if one.is_nan() || other.is_nan() { f64::NAN } else { one.min(other) };
        let max_or_nan = |one: f64, other: f64| if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) };
        let min = numbers.iter().copied().fold(f64::INFINITY, min_or_nan);
        let max = numbers.iter().copied().fold(f64::NEG_INFINITY, max_or_nan);
        Moments { count, mean, squares, min, max }
    }

    fn merge(self, other: Moments) -> Self {
        let count = self.count + other.count;
        let delta = other.mean - self.mean;
        let has_nan = self.min.is_nan() || other.min.is_nan();
        Moments {
            count,
            mean: self.mean + delta * other.count / count,
            squares: self.squares + other.squares + delta * delta * self.count * other.count / count,
            min: if has_nan { f64::NAN } else { self.min.min(other.min) },
            max: if has_nan { f64::NAN } else { self.max.max(other.max) },
        }
    }
}

impl Transform for Stats {
    fn name(&self) -> &'static str {
        "numeric.stats"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let bytes = input.into_bytes()?;
        let parts = read_f64(self.element, &bytes, cancel)?;
        drop(bytes);
        let moments: Vec<Moments> = parts.par_iter().map(|part| Moments::of(part)).collect();
        // Merged in order, so that the result does not depend on the number of threads.
        let all = moments.into_iter().reduce(Moments::merge).unwrap_or(Moments {
            mean: f64::NAN,
            min: f64::NAN,
            max: f64::NAN,
            ..Moments::EMPTY
        });
        let stddev = (all.squares / all.count).sqrt();
        let mut quantiles = Vec::new();
        if !self.quantiles.is_empty() {
            memory::check(parts.iter().map(Vec::len).sum::<usize>() * size_of::<u64>())?;
            let mut keys: Vec<u64> = parts.into_par_iter().flatten_iter().map(Number::key).collect();
            cancel.check()?;
            keys.par_sort_unstable();
            quantiles = self.quantiles.iter().map(|fraction| quantile(&keys, *fraction)).collect();
        }
        let has_nan = all.min.is_nan();
        let quantiles = quantiles.into_iter().map(|it| if has_nan { f64::NAN } else { it });
        Ok(f64_bytes([all.count, all.mean, stddev, all.min, all.max].into_iter().chain(quantiles)))
    }
}

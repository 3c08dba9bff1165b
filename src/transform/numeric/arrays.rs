//! Typed arrays: sorted, described, counted into bins. Which kind of number the bytes are JavaScript says when it makes the
//! transform; they have the byte order of the machine, as typed arrays do. What comes out is numbers too, which JavaScript names.

use super::element::{Kind, Number, Visit};
use super::sum::Sum;
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::memory;
use crate::transform::value::Value;
use rayon::prelude::*;
use std::cmp::Ordering;

/// Elements that a thread works through before it looks at the token.
const PART: usize = 1 << 16;
/// Bins that a histogram may have.
const MAX_BINS: i64 = 1 << 20;

struct Sort {
    kind: Kind,
    descending: bool,
}

struct Stats {
    kind: Kind,
    quantiles: Vec<f64>,
}

struct Histogram {
    kind: Kind,
    bins: usize,
    range: Option<(f64, f64)>,
}

/// `numeric.sort(kind, { descending })`
pub fn sort(args: &Args) -> BuildResult {
    let options = args.options(1, &["descending"])?;
    let descending = options.boolean("descending")?.unwrap_or(false);
    Ok(Box::new(Sort { kind: Kind::of(args)?, descending }))
}

/// `numeric.stats(kind, { quantiles })`
pub fn stats(args: &Args) -> BuildResult {
    let options = args.options(1, &["quantiles"])?;
    let quantiles = options.numbers("quantiles")?.unwrap_or_default();
    if let Some(bad) = quantiles.iter().find(|it| !(0.0..=1.0).contains(*it)) {
        let message = format!(
            "The value of \"options.quantiles\" is out of range. It must be of numbers from 0 to 1. Received {bad}"
        );
        return Err(ArgumentError::Range(message));
    }
    Ok(Box::new(Stats { kind: Kind::of(args)?, quantiles }))
}

/// `numeric.histogram(kind, { bins, range })`
pub fn histogram(args: &Args) -> BuildResult {
    let options = args.options(1, &["bins", "range"])?;
    let bins = options.integer("bins", 1..=MAX_BINS)?.ok_or_else(|| {
        ArgumentError::Type("The \"options.bins\" property must be of type number. Received undefined".into())
    })?;
    let range = match options.numbers("range")?.as_deref() {
        None => None,
        Some([low, high]) if low < high && low.is_finite() && high.is_finite() => Some((*low, *high)),
        Some(_) => {
            return Err(ArgumentError::Range(
                "The \"options.range\" property must be two finite numbers, the lower one first".into(),
            ));
        }
    };
    Ok(Box::new(Histogram { kind: Kind::of(args)?, bins: usize::try_from(bins).expect("within its bounds"), range }))
}

fn out(numbers: impl IntoIterator<Item = f64>) -> Value {
    numbers.into_iter().flat_map(f64::to_ne_bytes).collect::<Vec<u8>>().into()
}

impl Transform for Sort {
    fn name(&self) -> &'static str {
        "numeric.sort"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        struct Sorting<'a>(bool, &'a Cancel);
        impl Visit for Sorting<'_> {
            type Out = Vec<u8>;
            fn visit<N: Number>(self, bytes: &[u8]) -> Result<Vec<u8>> {
                let Sorting(descending, cancel) = self;
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
        Ok(self.kind.visit(&bytes, Sorting(self.descending, cancel))?.into())
    }
}

/// Mean and sum of squared distances of some numbers, which those of others can be added to (Chan, Golub and LeVeque, 1979).
#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const NONE: Moments = Moments { count: 0.0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// Of a few, in two passes.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53")]
    fn of(numbers: &[f64]) -> Self {
        let count = numbers.len() as f64;
        let mean = numbers.iter().copied().collect::<Sum>().value() / count;
        let squares = numbers.iter().map(|it| (it - mean) * (it - mean)).sum();
        // `min` and `max` skip NaN, which must be seen.
        let least = |one: f64, other: f64| if one.is_nan() || other.is_nan() { f64::NAN } else { one.min(other) };
        let most = |one: f64, other: f64| if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) };
        let min = numbers.iter().copied().fold(f64::INFINITY, least);
        let max = numbers.iter().copied().fold(f64::NEG_INFINITY, most);
        Moments { count, mean, squares, min, max }
    }

    fn add(self, other: Moments) -> Self {
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

/// All numbers as doubles, part by part.
struct Doubles<'a>(&'a Cancel);

impl Visit for Doubles<'_> {
    type Out = Vec<Vec<f64>>;
    fn visit<N: Number>(self, bytes: &[u8]) -> Result<Vec<Vec<f64>>> {
        memory::check(bytes.len() / N::SIZE * size_of::<f64>())?;
        let part = |bytes: &[u8]| {
            self.0.check()?;
            Ok(bytes.chunks_exact(N::SIZE).map(|it| N::read(it).as_f64()).collect())
        };
        bytes.par_chunks(PART * N::SIZE).map(part).collect()
    }
}

impl Transform for Stats {
    fn name(&self) -> &'static str {
        "numeric.stats"
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let bytes = input.into_bytes()?;
        let parts = self.kind.visit(&bytes, Doubles(cancel))?;
        drop(bytes);
        let moments: Vec<Moments> = parts.par_iter().map(|part| Moments::of(part)).collect();
        // One after the other: the same numbers have the same mean, however many threads there are.
        let all = moments.into_iter().reduce(Moments::add).unwrap_or(Moments {
            mean: f64::NAN,
            min: f64::NAN,
            max: f64::NAN,
            ..Moments::NONE
        });
        let stddev = (all.squares / all.count).sqrt();
        let mut quantiles = Vec::new();
        if !self.quantiles.is_empty() {
            memory::check(parts.iter().map(Vec::len).sum::<usize>() * size_of::<u64>())?;
            let mut keys: Vec<u64> = parts.into_par_iter().flatten_iter().map(Number::key).collect();
            cancel.check()?;
            keys.par_sort_unstable();
            quantiles = self.quantiles.iter().map(|at| quantile(&keys, *at)).collect();
        }
        let has_nan = all.min.is_nan();
        let quantiles = quantiles.into_iter().map(|it| if has_nan { f64::NAN } else { it });
        Ok(out([all.count, all.mean, stddev, all.min, all.max].into_iter().chain(quantiles)))
    }
}

/// Between the two nearest, as most do it (type 7 of Hyndman and Fan, 1996).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in memory"
)]
pub fn quantile(keys: &[u64], at: f64) -> f64 {
    let Some(last) = keys.len().checked_sub(1) else { return f64::NAN };
    let place = last as f64 * at;
    let below = place.floor();
    let (low, high) = (f64::of_key(keys[below as usize]), f64::of_key(keys[(below as usize + 1).min(last)]));
    let rest = place - below;
    match high - low {
        _ if rest == 0.0 => low,
        // Between two that are infinite there is nothing else.
        distance if distance.is_nan() => low,
        // The way from one to the other may be longer than a double can say.
        distance if distance.is_infinite() => low * (1.0 - rest) + high * rest,
        distance => low + distance * rest,
    }
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
        let parts = self.kind.visit(&bytes, Doubles(cancel))?;
        drop(bytes);
        let (low, high) = self.range.unwrap_or_else(|| range(&parts));
        let bins = self.bins;
        let width = high - low;
        let edge = |place: usize| match place as f64 / bins as f64 {
            _ if place == bins => high,
            // Twice the largest number is infinite.
            part if width.is_infinite() => low * (1.0 - part) + high * part,
            part => low + width * part,
        };
        let count = |part: Vec<f64>| {
            let mut counts = vec![0_u64; bins];
            for number in part.into_iter().filter(|it| (low..=high).contains(it)) {
                let share = (number / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
                let mut bin = ((share * bins as f64) as usize).min(bins - 1);
                // Rounding may have missed by one.
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
        Ok(out((0..=bins).map(edge).chain(counts.into_iter().map(|count| count as f64))))
    }
}

/// From the least to the most of those that are finite; a width of one around a single number, and 0 to 1 for none.
fn range(parts: &[Vec<f64>]) -> (f64, f64) {
    let finite = || parts.par_iter().flatten_iter().copied().filter(|it| it.is_finite());
    let (low, high) = (finite().reduce(|| f64::INFINITY, f64::min), finite().reduce(|| f64::NEG_INFINITY, f64::max));
    match low.total_cmp(&high) {
        Ordering::Less => (low, high),
        // So much is nothing beside a large number.
        Ordering::Equal => {
            let (below, above) = ((low - 0.5).min(low.next_down()), (high + 0.5).max(high.next_up()));
            (below.max(f64::MIN), above.min(f64::MAX))
        }
        Ordering::Greater => (0.0, 1.0),
    }
}

/// Bytes that are no whole number of elements.
pub fn uneven(len: usize, size: usize) -> Error {
    Error::invalid_data(format!("The input has {len} bytes, which is no whole number of elements of {size} bytes"))
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::{Arg, Args};
    use crate::transform::testing::{arg, args, options, whole};

    fn bytes(numbers: &[f64]) -> Vec<u8> {
        numbers.iter().flat_map(|it| it.to_ne_bytes()).collect()
    }

    fn numbers(bytes: &[u8]) -> Vec<f64> {
        bytes.chunks_exact(8).map(|it| f64::from_ne_bytes(it.try_into().unwrap())).collect()
    }

    fn list(numbers: &[f64]) -> Arg {
        Arg::List(numbers.iter().map(|it| Arg::Number(*it)).collect())
    }

    #[test]
    fn sorts_as_typed_arrays_do() {
        let odd = [3.0, f64::NAN, -0.0, 0.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, 0.0];
        let sorted = numbers(&whole(&*sort(&args([arg("f64")])).unwrap(), &bytes(&odd)).unwrap());
        assert!(sorted[7].is_nan() && sorted[2].is_sign_negative());
        assert_eq!(sorted[..7], [f64::NEG_INFINITY, -1.0, 0.0, 0.0, 0.0, 3.0, f64::INFINITY]);
        let down = args([arg("i16"), options([("descending", Arg::Bool(true))])]);
        let input: Vec<u8> = [3_i16, -5, 7, 0].iter().flat_map(|it| it.to_ne_bytes()).collect();
        let expected: Vec<u8> = [7_i16, 3, 0, -5].iter().flat_map(|it| it.to_ne_bytes()).collect();
        assert_eq!(whole(&*sort(&down).unwrap(), &input).unwrap(), expected);
        assert!(whole(&*sort(&args([arg("f64")])).unwrap(), &[0; 9]).is_err());
    }

    fn described(input: &[f64], quantiles: &[f64]) -> Vec<f64> {
        let transform = stats(&args([arg("f64"), options([("quantiles", list(quantiles))])])).unwrap();
        numbers(&whole(&*transform, &bytes(input)).unwrap())
    }

    #[test]
    fn describes_numbers() {
        assert_eq!(
            described(&[4.0, 1.0, 3.0, 2.0], &[0.0, 0.5, 0.25, 1.0]),
            [4.0, 2.5, 1.25_f64.sqrt(), 1.0, 4.0, 1.0, 2.5, 1.75, 4.0]
        );
        let many: Vec<f64> = (0..300_000).map(f64::from).collect();
        assert_eq!(described(&many, &[0.5])[..2], [300_000.0, 149_999.5]);
        assert!(described(&[], &[0.5])[1..].iter().all(|it| it.is_nan()));
        assert!(described(&[1.0, f64::NAN], &[0.5])[1..].iter().all(|it| it.is_nan()));
        assert_eq!(
            stats(&args([arg("f64"), options([("quantiles", list(&[2.0]))])])).err().unwrap().code(),
            "ERR_OUT_OF_RANGE"
        );
    }

    fn counted(input: &[f64], arguments: &Args) -> Vec<f64> {
        numbers(&whole(&*histogram(arguments).unwrap(), &bytes(input)).unwrap())
    }

    #[test]
    fn counts_into_bins() {
        let four = |range: Arg| args([arg("f64"), options([("bins", Arg::Number(4.0)), ("range", range)])]);
        assert_eq!(
            counted(&[0.0, 1.0, 2.0, 4.0, 4.0], &four(Arg::Undefined)),
            [0.0, 1.0, 2.0, 3.0, 4.0, 1.0, 1.0, 1.0, 2.0]
        );
        let clipped = counted(&[-1.0, 0.5, 9.0, f64::NAN], &four(list(&[0.0, 4.0])));
        assert_eq!(clipped[5..], [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(counted(&[5.0], &four(Arg::Undefined))[..5], [4.5, 4.75, 5.0, 5.25, 5.5]);
        assert_eq!(counted(&[], &four(Arg::Undefined))[..5], [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(histogram(&four(list(&[4.0, 0.0]))).err().unwrap().code(), "ERR_OUT_OF_RANGE");
    }
}

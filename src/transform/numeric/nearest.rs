//! Brute-force vector search: finds the rows of a matrix nearest to a query. Scores all rows, on all threads.

use super::element::{f64_bytes, partial_element};
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::value::Value;
use rayon::prelude::*;
use std::cmp::Ordering;

const SIZE: usize = size_of::<f32>();
/// Partial sums per row, which the compiler keeps in vector registers.
const LANES: usize = 16;
/// Bytes scored between two polls of the cancel flag.
const PART: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Cosine,
    Dot,
    L2,
}

struct Nearest {
    query: Vec<f32>,
    k: usize,
    metric: Metric,
}

/// `numeric.nearest(query, { k, dimensions, metric })`
pub fn nearest(args: &Args) -> BuildResult {
    let query: Vec<f32> = floats(&args.bytes(0, "query")?).collect();
    let options = args.options(1, &["k", "dimensions", "metric"])?;
    let required = |name: &str, max: i64| {
        let number = options.integer(name, 1..=max)?.ok_or_else(|| {
            ArgumentError::Type(format!("The \"options.{name}\" property must be of type number. Received undefined"))
        })?;
        Ok::<_, ArgumentError>(usize::try_from(number).expect("within its bounds"))
    };
    let (k, dimensions) = (required("k", 1 << 20)?, required("dimensions", 1 << 20)?);
    if query.len() != dimensions {
        let message = format!(
            "The \"query\" argument must have {dimensions} numbers (options.dimensions). Received {}",
            query.len()
        );
        return Err(ArgumentError::Range(message));
    }
    let metric = match options.one_of("metric", &["cosine", "dot", "l2"])?.unwrap_or("cosine") {
        "cosine" => Metric::Cosine,
        "dot" => Metric::Dot,
        _ => Metric::L2,
    };
    Ok(Box::new(Nearest { query, k, metric }))
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(SIZE).map(|it| f32::from_ne_bytes(it.try_into().expect("four bytes")))
}

/// Sums `term` over the pairs of elements of a row and the query.
fn sum(row: &[u8], query: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (rows, queries) = (row.chunks_exact(LANES * SIZE), query.chunks_exact(LANES));
    let rest: f32 = floats(rows.remainder()).zip(queries.remainder()).map(|(one, other)| term(one, *other)).sum();
    for (row, query) in rows.zip(queries) {
        for (lane, (bytes, other)) in lanes.iter_mut().zip(row.chunks_exact(SIZE).zip(query)) {
            *lane += term(f32::from_ne_bytes(bytes.try_into().expect("four bytes")), *other);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Index and score of a row.
type Scored = (usize, f32);

impl Nearest {
    fn score(&self, row: &[u8], norm: f32) -> f32 {
        match self.metric {
            Metric::Dot => sum(row, &self.query, |one, other| one * other),
            Metric::L2 => sum(row, &self.query, |one, other| (one - other) * (one - other)).sqrt(),
            Metric::Cosine => {
                let product = sum(row, &self.query, |one, other| one * other);
                let length = sum(row, &self.query, |one, _| one * one).sqrt();
                // A zero vector has no direction.
                if length * norm == 0.0 { 0.0 } else { product / (length * norm) }
            }
        }
    }

    /// Orders the better score first and NaN last; ties by index.
    fn order(&self, one: &Scored, other: &Scored) -> Ordering {
        let by_score = match (one.1.is_nan(), other.1.is_nan()) {
            (false, false) if self.metric == Metric::L2 => one.1.total_cmp(&other.1),
            (false, false) => other.1.total_cmp(&one.1),
            (nan, other_nan) => nan.cmp(&other_nan),
        };
        by_score.then(one.0.cmp(&other.0))
    }

    fn best(&self, mut scored: Vec<Scored>) -> Vec<Scored> {
        if scored.len() > self.k {
            scored.select_nth_unstable_by(self.k - 1, |one, other| self.order(one, other));
            scored.truncate(self.k);
        }
        scored
    }
}

impl Transform for Nearest {
    fn name(&self) -> &'static str {
        "numeric.nearest"
    }

    #[expect(clippy::cast_precision_loss, reason = "rows in memory")]
    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let matrix = input.into_bytes()?;
        let width = self.query.len() * SIZE;
        if !matrix.len().is_multiple_of(width) {
            return Err(partial_element(matrix.len(), width));
        }
        let norm = self.query.iter().map(|it| it * it).sum::<f32>().sqrt();
        let rows = (PART / width).max(1);
        let best_of_part = |(index, part): (usize, &[u8])| {
            cancel.check()?;
            let scored = part.chunks_exact(width).enumerate();
            Ok(self.best(scored.map(|(row, bytes)| (index * rows + row, self.score(bytes, norm))).collect()))
        };
        let found: Result<Vec<Vec<Scored>>> = matrix.par_chunks(rows * width).enumerate().map(best_of_part).collect();
        let mut best = self.best(found?.concat());
        best.sort_unstable_by(|one, other| self.order(one, other));
        Ok(f64_bytes(best.into_iter().flat_map(|(row, score)| [row as f64, f64::from(score)])))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::transform::testing::{arg, args, options, whole};

    fn bytes(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|it| it.to_ne_bytes()).collect()
    }

    fn found(metric: &str, query: &[f32], matrix: &[f32], k: u32) -> Vec<f64> {
        let dimensions = f64::from(u32::try_from(query.len()).unwrap());
        let fields = [("k", Arg::Number(k.into())), ("dimensions", Arg::Number(dimensions)), ("metric", arg(metric))];
        let transform = nearest(&args([Arg::Bytes(bytes(query).into()), options(fields)])).unwrap();
        let out = whole(&*transform, &bytes(matrix)).unwrap();
        out.chunks_exact(8).map(|it| f64::from_ne_bytes(it.try_into().unwrap())).collect()
    }

    #[test]
    fn finds_the_nearest_rows() {
        let matrix = [0.0, 2.0, 3.0, 4.0, -1.0, 0.0, 0.0, 0.0];
        assert_eq!(found("dot", &[1.0, 1.0], &matrix, 2), [1.0, 7.0, 0.0, 2.0]);
        assert_eq!(found("l2", &[0.0, 1.0], &matrix, 9)[..4], [0.0, 1.0, 3.0, 1.0]);
        assert_eq!(found("cosine", &[3.0, 4.0], &matrix, 1), [1.0, 1.0]);
        assert_eq!(found("cosine", &[3.0, 4.0], &[], 1), [] as [f64; 0]);
        let wide: Vec<f32> = (0..40_000_u16).map(|it| (f32::from(it) * 0.37).sin()).collect();
        let query = &wide[37 * 37..38 * 37];
        assert_eq!(found("l2", query, &wide[..37 * 1000], 1), [37.0, 0.0]);
    }
}

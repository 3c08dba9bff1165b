//! Brute-force vector search: finds the rows of a matrix nearest to each query. Scores all rows, on all threads.

use super::element::{Number, f64_bytes};
use crate::args::{Args, ArgumentError};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::transform::contract::{BuildResult, Transform};
use crate::transform::held::Held;
use crate::transform::memory;
use crate::transform::value::Value;
use rayon::prelude::*;

const SIZE: usize = size_of::<f32>();
/// Partial sums per row, which the compiler keeps in vector registers.
const LANES: usize = 16;
/// Bytes of rows that are scored for one query after the other: they stay in the first-level cache.
const BLOCK: usize = 16 << 10;
/// Queries that share a pass over the matrix. They stay in the second-level cache.
const GROUP: usize = 64;
/// Bytes scored, counted for each query, from which another thread is worth waking.
const SHARE: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Cosine,
    Dot,
    L2,
}

struct Nearest {
    rows: Held,
    dimensions: usize,
    k: usize,
    metric: Metric,
}

/// `numeric.nearest(length of the matrix, { k, dimensions, metric })`. The matrix itself arrives later.
pub fn nearest(args: &Args) -> BuildResult {
    let index = |number: i64| usize::try_from(number).expect("within its bounds");
    let length = args.integer(0, "matrix", 0..=1 << 48).map(index)?;
    let options = args.options(1, &["k", "dimensions", "metric"])?;
    let required = |name: &str| options.required_integer(name, 1..=1 << 20).map(index);
    let (k, dimensions) = (required("k")?, required("dimensions")?);
    if !length.is_multiple_of(dimensions) {
        let rule = format_args!(
            "The length of the \"matrix\" argument must be a multiple of {dimensions} (options.dimensions)"
        );
        return Err(ArgumentError::range(rule, length));
    }
    let metric = match options.one_of("metric", &["cosine", "dot", "l2"])?.unwrap_or("cosine") {
        "cosine" => Metric::Cosine,
        "dot" => Metric::Dot,
        _ => Metric::L2,
    };
    Ok(Box::new(Nearest { rows: Held::new(length * SIZE), dimensions, k, metric }))
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(SIZE).map(|it| f32::from_ne_bytes(it.try_into().expect("four bytes")))
}

/// Sums `term` over the pairs of elements of a row and a query.
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

/// Rank of a score and the index of its row. The better row is smaller; of two equal scores, the one with the lower index.
type Ranked = (u32, usize);

/// The best rows for one query.
struct Best {
    k: usize,
    /// The best rows that were added, and up to as many others.
    rows: Vec<Ranked>,
    /// Rows that do not rank before this one are not among the best.
    bound: Ranked,
}

impl Best {
    fn new(k: usize) -> Self {
        Best { k, rows: Vec::new(), bound: (u32::MAX, usize::MAX) }
    }

    fn add(&mut self, row: Ranked) -> Result<()> {
        if row >= self.bound {
            return Ok(());
        }
        memory::reserve(&mut self.rows, 1)?;
        self.rows.push(row);
        if self.rows.len() >= 2 * self.k {
            self.rows.select_nth_unstable(self.k - 1);
            self.rows.truncate(self.k);
            self.bound = self.rows[self.k - 1];
        }
        Ok(())
    }

    /// Returns the best rows in order.
    fn sorted(mut self) -> Vec<Ranked> {
        self.rows.sort_unstable();
        self.rows.truncate(self.k);
        self.rows
    }
}

struct Block<'a> {
    rows: std::slice::ChunksExact<'a, u8>,
    /// Index of the first row in the matrix.
    first: usize,
}

struct Query<'a> {
    numbers: &'a [f32],
    /// Euclidean length.
    norm: f32,
}

impl Nearest {
    /// Scores the rows of a block, which begin at index `first` of the matrix, for each query.
    fn score_block(&self, block: &[u8], first: usize, queries: &[Query], best: &mut [Best]) -> Result<()> {
        let rows = Block { rows: block.chunks_exact(self.dimensions * SIZE), first };
        match self.metric {
            Metric::L2 => self.score_rows(&rows, queries, best, |_, row, query| {
                sum(row, query.numbers, |one, other| (one - other) * (one - other)).sqrt()
            }),
            Metric::Dot => {
                self.score_rows(&rows, queries, best, |_, row, query| sum(row, query.numbers, |one, other| one * other))
            }
            Metric::Cosine => {
                let norm = |row| sum(row, queries[0].numbers, |one, _| one * one).sqrt();
                let norms: Vec<f32> = rows.rows.clone().map(norm).collect();
                self.score_rows(&rows, queries, best, |index, row, query| {
                    let length = norms[index] * query.norm;
                    // A zero vector has no direction.
                    if length == 0.0 { 0.0 } else { sum(row, query.numbers, |one, other| one * other) / length }
                })
            }
        }
    }

    /// Scores the rows of a block; `score` receives the index of the row in the block.
    fn score_rows(
        &self,
        block: &Block,
        queries: &[Query],
        best: &mut [Best],
        score: impl Fn(usize, &[u8], &Query) -> f32,
    ) -> Result<()> {
        for (query, best) in queries.iter().zip(best) {
            for (index, row) in block.rows.clone().enumerate() {
                best.add((self.rank(score(index, row, query)), block.first + index))?;
            }
        }
        Ok(())
    }

    /// Returns the rank of a score: the better score first and NaN last.
    fn rank(&self, score: f32) -> u32 {
        match self.metric {
            Metric::Cosine | Metric::Dot if !score.is_nan() => !score.key(),
            _ => score.key(),
        }
    }

    fn score_of(&self, rank: u32) -> f32 {
        match self.metric {
            Metric::Cosine | Metric::Dot if rank != u32::MAX => f32::of_key(!rank),
            _ => f32::of_key(rank),
        }
    }

    /// Finds the best rows for a group of queries in one pass over the matrix.
    fn search(&self, matrix: &[u8], queries: &[f32], cancel: &Cancel) -> Result<Vec<Vec<Ranked>>> {
        let query = |numbers| Query { numbers, norm: numbers.iter().map(|it| it * it).sum::<f32>().sqrt() };
        let queries: Vec<_> = queries.chunks_exact(self.dimensions).map(query).collect();
        let width = self.dimensions * SIZE;
        let rows = (BLOCK / width).max(1);
        let nothing = || queries.iter().map(|_| Best::new(self.k)).collect::<Vec<_>>();
        let best = matrix
            .par_chunks(rows * width)
            .enumerate()
            .with_min_len((SHARE / (rows * width * queries.len())).max(1))
            .try_fold(nothing, |mut best, (index, block)| {
                cancel.check()?;
                self.score_block(block, index * rows, &queries, &mut best)?;
                Ok::<_, Error>(best)
            })
            .try_reduce(nothing, |mut best, others| {
                for (best, other) in best.iter_mut().zip(others) {
                    other.rows.into_iter().try_for_each(|row| best.add(row))?;
                }
                Ok(best)
            })?;
        Ok(best.into_iter().map(Best::sorted).collect())
    }
}

impl Transform for Nearest {
    fn name(&self) -> &'static str {
        "numeric.nearest"
    }

    fn held(&self) -> Option<&Held> {
        Some(&self.rows)
    }

    /// Returns doubles: the number of queries, then index and score of each row, the same number of rows for each query.
    #[expect(clippy::cast_precision_loss, reason = "numbers of elements in memory")]
    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        let matrix = self.rows.get()?;
        let input = input.into_bytes()?;
        let width = self.dimensions * SIZE;
        if input.is_empty() || !input.len().is_multiple_of(width) {
            let (dimensions, length) = (self.dimensions, input.len() / SIZE);
            return Err(Error::invalid_data(format!(
                "The length of the input must be {dimensions} (options.dimensions), or a multiple of it. Received {length}"
            )));
        }
        let mut queries = Vec::new();
        memory::reserve(&mut queries, input.len() / SIZE)?;
        queries.extend(floats(&input));
        let groups = queries.par_chunks(GROUP * self.dimensions);
        let found: Result<Vec<_>> = groups.map(|group| self.search(matrix, group, cancel)).collect();
        let found = found?.concat();
        let each = |row: &Ranked| [row.1 as f64, f64::from(self.score_of(row.0))];
        memory::check((1 + 2 * found.iter().map(Vec::len).sum::<usize>()) * size_of::<f64>())?;
        Ok(f64_bytes([found.len() as f64].into_iter().chain(found.iter().flatten().flat_map(each))))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, options, whole};

    fn bytes(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|it| it.to_ne_bytes()).collect()
    }

    fn build(metric: &str, dimensions: u32, matrix: &[f32], k: u32) -> Box<dyn Transform> {
        let dimensions = Arg::Number(f64::from(dimensions));
        let fields = [("k", Arg::Number(k.into())), ("dimensions", dimensions), ("metric", arg(metric))];
        let length = Arg::Number(f64::from(u32::try_from(matrix.len()).unwrap()));
        let transform = nearest(&args([length, options(fields)])).unwrap();
        transform.held().unwrap().set(Ok(bytes(matrix).into()));
        transform
    }

    /// Returns the number of queries, and index and score of each row.
    fn found(metric: &str, dimensions: u32, matrix: &[f32], queries: &[f32], k: u32) -> Vec<f64> {
        let out = whole(&*build(metric, dimensions, matrix, k), &bytes(queries)).unwrap();
        out.chunks_exact(8).map(|it| f64::from_ne_bytes(it.try_into().unwrap())).collect()
    }

    #[test]
    fn finds_the_nearest_rows() {
        let matrix = [0.0, 2.0, 3.0, 4.0, -1.0, 0.0, 0.0, 0.0];
        assert_eq!(found("dot", 2, &matrix, &[1.0, 1.0], 2), [1.0, 1.0, 7.0, 0.0, 2.0]);
        assert_eq!(found("l2", 2, &matrix, &[0.0, 1.0], 9)[..5], [1.0, 0.0, 1.0, 3.0, 1.0]);
        assert_eq!(found("l2", 2, &matrix, &[0.0, 1.0], 9).len(), 9);
        assert_eq!(found("cosine", 2, &matrix, &[3.0, 4.0], 1), [1.0, 1.0, 1.0]);
        assert_eq!(found("cosine", 2, &[], &[3.0, 4.0], 1), [1.0]);
        assert_eq!(found("dot", 2, &matrix, &[1.0, 1.0, 0.0, -1.0], 1), [2.0, 1.0, 7.0, 2.0, 0.0]);
    }

    #[test]
    fn a_batch_finds_what_single_queries_find() {
        let matrix: Vec<f32> = (0..60_000_u16).map(|it| (f32::from(it) * 0.37).sin()).collect();
        for metric in ["cosine", "dot", "l2"] {
            let all = found(metric, 30, &matrix, &matrix[..30 * 130], 3);
            for (index, query) in matrix.chunks_exact(30).take(130).enumerate() {
                assert_eq!(all[1 + 6 * index..][..6], found(metric, 30, &matrix, query, 3)[1..], "{metric} {index}");
            }
        }
        assert_eq!(found("l2", 30, &matrix, &matrix[30 * 37..30 * 38], 1), [1.0, 37.0, 0.0]);
    }

    #[test]
    fn nan_comes_last_and_the_lower_index_first() {
        let matrix = [f32::NAN, 1.0, 2.0, f32::INFINITY, 1.0, f32::NEG_INFINITY];
        let order = |metric| {
            let found = found(metric, 1, &matrix, &[1.0], 9);
            found[1..].chunks_exact(2).map(|pair| pair[0]).collect::<Vec<_>>()
        };
        assert_eq!(order("dot"), [3.0, 2.0, 1.0, 4.0, 5.0, 0.0]);
        assert_eq!(order("l2"), [1.0, 4.0, 2.0, 3.0, 5.0, 0.0]);
    }

    #[test]
    fn rejects_queries_of_another_length() {
        let transform = build("dot", 3, &[0.0; 9], 1);
        for length in [0, 2, 4] {
            assert_eq!(whole(&*transform, &bytes(&vec![0.0; length])).unwrap_err().kind, Kind::InvalidData);
        }
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(transform.run(bytes(&[0.0; 3]).into(), &cancel).unwrap_err().kind, Kind::Cancelled);
    }
}

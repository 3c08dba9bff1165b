//! Tests of the transforms of typed arrays.

use super::histogram::histogram;
use super::sort::sort;
use super::stats::stats;
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

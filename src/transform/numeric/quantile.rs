//! Quantiles of sorted numbers.

use super::element::Number;

/// Returns a quantile of the sorted keys of doubles; NaN if there are none. Interpolates between the two nearest elements
/// (type 7 of Hyndman and Fan, 1996).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "indices of elements in memory"
)]
pub fn quantile(keys: &[u64], fraction: f64) -> f64 {
    let Some(last) = keys.len().checked_sub(1) else { return f64::NAN };
    let position = last as f64 * fraction;
    let index = position.floor();
    let (low, high) = (f64::of_key(keys[index as usize]), f64::of_key(keys[(index as usize + 1).min(last)]));
    let weight = position - index;
    match high - low {
        _ if weight == 0.0 => low,
        // Two infinities: interpolation would return NaN.
        distance if distance.is_nan() => low,
        // The distance may overflow although both numbers are finite.
        distance if distance.is_infinite() => low * (1.0 - weight) + high * weight,
        distance => low + distance * weight,
    }
}

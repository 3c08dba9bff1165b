//! Numbers of JavaScript and of Rust.

use crate::clock::Time;
use crate::metrics;
use napi_derive::napi;
use std::time::Duration;

/// The largest integer that a JavaScript number holds exactly.
pub const MAX_SAFE: i64 = (1 << 53) - 1;

#[napi(object, object_from_js = false)]
pub struct LatencySummary {
    pub count: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl From<metrics::Summary> for LatencySummary {
    fn from(summary: metrics::Summary) -> Self {
        let metrics::Summary { count, mean, p50, p90, p99, max } = summary;
        LatencySummary { count: f64_of(count), mean, p50, p90, p99, max }
    }
}

/// Returns a count for statistics, at most `u32::MAX`.
pub fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counters and lengths stay below 2^53")]
pub fn f64_of(number: u64) -> f64 {
    number as f64
}

/// Returns the integer part; a negative number becomes 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a safe integer")]
pub fn u64_of(number: f64) -> u64 {
    number as u64
}

/// Returns a length in bytes, which JavaScript passes as a sum of `byteLength`s.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a safe integer")]
pub fn bytes_of(number: f64) -> usize {
    number as usize
}

/// Returns a duration of fractional milliseconds.
pub fn duration_of(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis / 1e3).unwrap_or_default()
}

pub fn time_of(millis: f64) -> Time {
    Time(u64_of(millis * 1e3))
}

pub fn millis_of(time: Time) -> f64 {
    if time == Time::NEVER { f64::INFINITY } else { f64_of(time.0) / 1e3 }
}

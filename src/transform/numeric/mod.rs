//! Typed arrays of numbers.

pub mod element;
pub mod histogram;
pub mod nearest;
pub mod quantile;
pub mod sort;
pub mod stats;
pub mod sum;
#[cfg(all(test, not(feature = "loom")))]
mod tests;

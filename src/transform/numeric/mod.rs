//! Typed arrays of numbers.

pub mod arrays;
pub mod element;
pub mod nearest;
pub mod sum;

#[cfg(not(feature = "loom"))]
mod core;
#[cfg(not(feature = "loom"))]
mod failing;
#[cfg(feature = "loom")]
mod loom;
#[cfg(not(feature = "loom"))]
mod model;
#[cfg(not(feature = "loom"))]
mod support;

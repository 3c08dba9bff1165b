//! Fallible allocation: memory that grows with an input or an output is allocated here, so that running out of it fails the task
//! instead of aborting the process.

use crate::error::{Error, Result};

/// Smaller allocations are not checked: a process without this much memory cannot go on anyway.
const SMALL: usize = 64 << 10;

/// Reserves capacity for at least `more` elements.
///
/// # Errors
/// If memory runs out.
pub fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    if vec.capacity() - vec.len() >= more {
        return Ok(());
    }
    let bytes = vec.len().saturating_add(more).saturating_mul(size_of::<T>());
    injected(bytes)?;
    vec.try_reserve(more).or_else(|_| vec.try_reserve_exact(more)).map_err(|_| exhausted(bytes))
}

/// Reserves capacity for exactly `more` elements. A large block usually has room for a few more, so it is not moved.
///
/// # Errors
/// If memory runs out.
pub fn reserve_exact<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    let bytes = vec.len().saturating_add(more).saturating_mul(size_of::<T>());
    injected(bytes)?;
    vec.try_reserve_exact(more).map_err(|_| exhausted(bytes))
}

/// Reserves capacity in a text for at least `more` bytes.
///
/// # Errors
/// If memory runs out.
pub fn reserve_text(text: &mut String, more: usize) -> Result<()> {
    if text.capacity() - text.len() >= more {
        return Ok(());
    }
    let bytes = text.len().saturating_add(more);
    injected(bytes)?;
    text.try_reserve(more).or_else(|_| text.try_reserve_exact(more)).map_err(|_| exhausted(bytes))
}

fn exhausted(bytes: usize) -> Error {
    Error::out_of_memory(format_args!("{bytes} bytes"))
}

/// Appends to a text.
///
/// # Errors
/// If memory runs out.
pub fn append_text(out: &mut String, text: &str) -> Result<()> {
    reserve_text(out, text.len())?;
    out.push_str(text);
    Ok(())
}

/// Appends `more` zeros, for the caller to overwrite.
///
/// # Errors
/// If memory runs out.
pub fn zeros(out: &mut Vec<u8>, more: usize) -> Result<()> {
    reserve(out, more)?;
    out.resize(out.len() + more, 0);
    Ok(())
}

/// Appends bytes.
///
/// # Errors
/// If memory runs out.
pub fn append(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    reserve(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}

/// Checks that `bytes` bytes can be allocated, for code that then allocates them infallibly.
///
/// # Errors
/// If memory runs out.
pub fn check(bytes: usize) -> Result<()> {
    if bytes < SMALL {
        return Ok(());
    }
    reserve(&mut Vec::<u8>::new(), bytes)
}

#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "fails in tests")]
fn injected(_: usize) -> Result<()> {
    Ok(())
}

#[cfg(test)]
thread_local! {
    static LIMIT: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
}

#[cfg(test)]
fn injected(bytes: usize) -> Result<()> {
    if bytes > LIMIT.get() { Err(Error::out_of_memory(format_args!("{bytes} bytes"))) } else { Ok(()) }
}

/// Runs `work` while allocations of more than `limit` bytes fail on this thread.
#[cfg(test)]
pub fn with_limit<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    LIMIT.set(limit);
    let result = work();
    LIMIT.set(usize::MAX);
    result
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn out_of_memory_is_an_error() {
        let mut bytes = b"before".to_vec();
        for failed in [reserve(&mut bytes, usize::MAX / 2), zeros(&mut bytes, usize::MAX / 2), check(usize::MAX / 2)] {
            let error = failed.unwrap_err();
            assert_eq!(error.kind, Kind::Resources);
            assert!(error.message.contains("Out of memory"), "{error}");
        }
        assert_eq!(bytes, b"before");
        append(&mut bytes, b" and after").unwrap();
        assert_eq!(bytes, b"before and after");
    }
}

//! Fallible allocation: memory that grows with an input or an output is allocated here, so that running out of it fails the task
//! instead of aborting the process.

use crate::error::{Error, Result};

/// Smaller allocations are not checked: a process without this much memory cannot go on anyway.
const SMALL: usize = 64 << 10;

/// Reserves capacity for `more` elements, and some in addition if there is memory for it.
///
/// # Errors
/// If memory runs out.
pub fn reserve<T>(vec: &mut Vec<T>, more: usize) -> Result<()> {
    if vec.capacity() - vec.len() >= more {
        return Ok(());
    }
    let bytes = vec.len().saturating_add(more).saturating_mul(size_of::<T>());
    injected(bytes)?;
    vec.try_reserve(more).or_else(|_| vec.try_reserve_exact(more)).map_err(|_| lacking(bytes))
}

/// Reserves capacity in a text for `more` bytes, and some in addition if there is memory for it.
///
/// # Errors
/// If memory runs out.
pub fn reserve_text(text: &mut String, more: usize) -> Result<()> {
    if text.capacity() - text.len() >= more {
        return Ok(());
    }
    let bytes = text.len().saturating_add(more);
    injected(bytes)?;
    text.try_reserve(more).or_else(|_| text.try_reserve_exact(more)).map_err(|_| lacking(bytes))
}

fn lacking(bytes: usize) -> Error {
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

/// Appends `more` zeros, to be overwritten.
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

/// Checks that there are `bytes` bytes of memory, for code that is going to allocate them without a check.
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
#[expect(clippy::unnecessary_wraps, reason = "it fails in tests")]
fn injected(_: usize) -> Result<()> {
    Ok(())
}

#[cfg(test)]
thread_local! {
    static MOST: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
}

#[cfg(test)]
fn injected(bytes: usize) -> Result<()> {
    if bytes > MOST.get() { Err(Error::out_of_memory(format_args!("{bytes} bytes"))) } else { Ok(()) }
}

/// Runs `work` as if this thread could allocate no more than `most` bytes in one piece.
#[cfg(test)]
pub fn with_most<T>(most: usize, work: impl FnOnce() -> T) -> T {
    MOST.set(most);
    let done = work();
    MOST.set(usize::MAX);
    done
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::super::registry::{REGISTRY, example};
    use super::super::testing::{arg, prose, whole};
    use super::*;
    use crate::args::Args;
    use crate::cancel::Cancel;
    use crate::error::Kind;

    #[test]
    fn the_lack_of_it_is_an_error() {
        let mut bytes = b"before".to_vec();
        for failed in [reserve(&mut bytes, usize::MAX / 2), zeros(&mut bytes, usize::MAX / 2), check(usize::MAX / 2)] {
            let error = failed.unwrap_err();
            assert_eq!(error.kind, Kind::Unsupported);
            assert!(error.message.contains("no memory"), "{error}");
        }
        assert_eq!(bytes, b"before");
        append(&mut bytes, b" and after").unwrap();
        assert_eq!(bytes, b"before and after");
    }

    /// Returns an input for which a transform has a large output, or needs much memory.
    fn input(name: &str) -> Vec<u8> {
        let text = prose(1 << 20);
        let plain = [&b"\""[..], &text, b"\""].concat();
        let packed = |name: &str| whole(&*example(name), &text).unwrap();
        match name {
            "gunzip" => packed("gzip"),
            "inflate" => packed("deflate"),
            "inflateRaw" => packed("deflateRaw"),
            "brotliDecompress" => packed("brotliCompress"),
            "zstdDecompress" => packed("zstdCompress"),
            "lz4Decompress" => packed("lz4Compress"),
            "open" => packed("seal"),
            "text.base64Decode" => packed("text.base64Encode"),
            "json.stringify" => text,
            name if name.starts_with("json.") => plain,
            "csv.parse" => [b"\"", &text[..], b"\""].concat(),
            _ => text,
        }
    }

    #[test]
    fn paths_and_patterns_that_find_much_fail_alone() {
        let rows = format!("[{}0]", r#"{"a":[1,"é"]},"#.repeat(50_000));
        let text = prose(1 << 20);
        let made = |name: &str, arguments: &[&str]| {
            let build = REGISTRY.iter().find(|it| it.name == name).unwrap().build;
            build(&Args::new(arguments.iter().map(|it| arg(it)).collect())).unwrap()
        };
        for (transform, input) in [
            (made("json.select", &["$[*].a"]), rows.as_bytes()),
            (made("json.select", &["$[*].a[1]"]), rows.as_bytes()),
            (made("json.select", &["$..a"]), rows.as_bytes()),
            (made("json.select", &["$[?@.a].a[0]"]), rows.as_bytes()),
            (made("text.matches", &["(\\w+)(x)?"]), &text),
            (made("text.matches", &["(?<all>(?:.|\n)*)"]), &text),
            (made("text.replace", &["\\w", "$&$&"]), &text),
            (made("text.replace", &["^.", "$`$'"]), &text),
            (made("text.replace", &["^x", ""]), &text),
        ] {
            let whole = whole(&*transform, input).unwrap();
            for most in [70_000, 300_000] {
                let made = with_most(most, || transform.run(input.to_vec().into(), &Cancel::new()));
                let Err(error) = made else { panic!("{} made {} bytes", transform.name(), whole.len()) };
                assert_eq!(error.kind, Kind::Unsupported, "{}: {error}", transform.name());
            }
        }
    }

    #[test]
    fn every_transform_fails_alone() {
        // These allocate as much as their input or output, in one piece and on the thread of the task.
        let greedy = [
            "gunzip",
            "inflate",
            "inflateRaw",
            "brotliDecompress",
            "zstdDecompress",
            "lz4Decompress",
            "text.base64Encode",
            "text.base64Decode",
            "csv.parse",
            "json.minify",
            "json.select",
            "text.matches",
            "text.replace",
            "numeric.sort",
            "numeric.stats",
            "numeric.histogram",
        ];
        // These have a short output, or allocate little.
        let frugal = [
            "digest",
            "hmac",
            "hashPassword",
            "verifyPassword",
            "pbkdf2",
            "csv.aggregate",
            "json.validate",
            "json.validateEach",
        ];
        for entry in REGISTRY.iter().filter(|it| !frugal.contains(&it.name) && !it.name.starts_with("fault.")) {
            let transform = example(entry.name);
            let input = input(entry.name);
            whole(&*transform, &input).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
            for most in [70_000, 300_000] {
                match with_most(most, || transform.run(input.clone().into(), &Cancel::new())) {
                    Err(error) => assert_eq!(error.kind, Kind::Unsupported, "{}: {error}", entry.name),
                    Ok(_) => assert!(!greedy.contains(&entry.name), "{} took {most} bytes", entry.name),
                }
            }
        }
    }
}

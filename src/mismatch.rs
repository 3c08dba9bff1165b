//! Options with which a named pool or cache cannot be shared.

use crate::args::ArgumentError;

/// A requested option that differs from that of the existing object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the option in JavaScript.
    pub option: String,
    /// Value that JavaScript could pass, or `None` if the option is not set.
    pub existing: Option<String>,
    pub requested: String,
}

/// Compares options: their names, the requested values, if any, and those of the existing object, if set.
///
/// # Errors
/// All options that differ.
pub fn check(options: impl IntoIterator<Item = (String, Option<String>, Option<String>)>) -> Result<(), Vec<Mismatch>> {
    let mismatch = |(option, requested, existing): (String, Option<String>, Option<String>)| {
        let requested = requested.filter(|requested| existing.as_ref() != Some(requested))?;
        Some(Mismatch { option, existing, requested })
    };
    let differing: Vec<_> = options.into_iter().filter_map(mismatch).collect();
    if differing.is_empty() { Ok(()) } else { Err(differing) }
}

/// Returns the error for an object of a kind, such as `pool`, that exists under a name with other options.
#[must_use]
pub fn error(kind: &str, name: &str, differing: &[Mismatch]) -> ArgumentError {
    let list = |value: fn(&Mismatch) -> &str| -> String {
        let options: Vec<_> = differing.iter().map(|it| format!("{} = {}", it.option, value(it))).collect();
        options.join(", ")
    };
    let existing = list(|it| it.existing.as_deref().unwrap_or("undefined"));
    let rule = format_args!("A {kind} named '{name}' exists with {existing}");
    let requested = list(|it| &it.requested);
    ArgumentError::value(rule, format_args!("{requested}. Leave these options out to join the existing {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_both_values_of_every_option() {
        let mismatch = |option: &str, existing: Option<&str>, requested: &str| Mismatch {
            option: option.into(),
            existing: existing.map(Into::into),
            requested: requested.into(),
        };
        assert_eq!(
            error("pool", "a", &[mismatch("threads", Some("1"), "2"), mismatch("maxWait", None, "5")]).message(),
            "A pool named 'a' exists with threads = 1, maxWait = undefined. Received threads = 2, maxWait = 5. \
             Leave these options out to join the existing pool"
        );
    }
}

//! Options with which a named pool or cache cannot be shared.

/// A requested option that differs from that of the existing object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Name of the option in JavaScript.
    pub option: String,
    /// Value that JavaScript could pass, or `None` if the option is not set.
    pub existing: Option<String>,
    pub requested: String,
}

/// Returns the message for an object of a kind, such as `pool`, that exists under a name with other options.
#[must_use]
pub fn message(kind: &str, name: &str, differing: &[Mismatch]) -> String {
    let list = |value: fn(&Mismatch) -> &str| -> String {
        let options: Vec<_> = differing.iter().map(|it| format!("{} = {}", it.option, value(it))).collect();
        options.join(", ")
    };
    format!(
        "A {kind} named '{name}' exists with {}. Received {}. Options that are left out join the existing {kind}",
        list(|it| it.existing.as_deref().unwrap_or("undefined")),
        list(|it| &it.requested),
    )
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
            message("pool", "a", &[mismatch("threads", Some("1"), "2"), mismatch("maxWait", None, "5")]),
            "A pool named 'a' exists with threads = 1, maxWait = undefined. Received threads = 2, maxWait = 5. \
             Options that are left out join the existing pool"
        );
    }
}

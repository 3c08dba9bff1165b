//! Panics as errors.

use crate::error::{Error, Kind};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    /// How many `catch_panic` there are around the running code.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `f`; a panic becomes an error that says where it was, and nothing is printed. (A panic in a part of `f` that
/// Rayon runs on another thread is printed by that one.)
///
/// # Errors
/// Of kind `Panic`, with the panic's message.
pub fn catch_panic<T>(f: impl FnOnce() -> T) -> Result<T, Error> {
    install_hook();
    CATCHING.set(CATCHING.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|panic| {
        let place = LOCATION.take().map(|location| format!(" at {location}")).unwrap_or_default();
        let message = format!(
            "The task panicked{place}: {}. This is a bug of offloop; the pool is not affected",
            text(panic.as_ref())
        );
        Error::new(Kind::Panic, message)
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Outside of `catch_panic` everything stays as it was.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo| {
            if CATCHING.get() == 0 {
                return previous(info);
            }
            LOCATION.set(info.location().map(ToString::to_string));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_and_where() {
        let error = catch_panic(|| panic!("on {}", "purpose")).unwrap_err();
        assert_eq!(error.kind, Kind::Panic);
        assert!(error.message.contains("on purpose") && error.message.contains("panic.rs:"), "{error}");
        assert_eq!(catch_panic(|| 7), Ok(7));
    }
}

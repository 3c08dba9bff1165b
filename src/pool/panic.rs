//! Turns panics into errors.

use crate::error::{Error, Kind};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Depth of nested `catch_panic` calls on this thread.
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `f` and turns a panic into an error with its location, without printing it. (A panic in a part of `f` that Rayon
/// runs on another thread is printed there.)
///
/// # Errors
/// Of kind `Panic`, with the panic's message.
pub fn catch_panic<T>(f: impl FnOnce() -> T) -> Result<T, Error> {
    install_hook();
    CATCHING.set(CATCHING.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|panic| {
        let location = LOCATION.take().map(|location| format!(" at {location}")).unwrap_or_default();
        let message = format!(
            "The task panicked{location}: {}. This is a bug in offloop; the pool is not affected",
            text(panic.as_ref())
        );
        Error::new(Kind::Panic, message)
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Installs a hook that leaves panics outside of `catch_panic` to the previous hook.
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
    fn reports_the_message_and_the_location() {
        let error = catch_panic(|| panic!("on {}", "purpose")).unwrap_err();
        assert_eq!(error.kind, Kind::Panic);
        assert!(error.message.contains("on purpose") && error.message.contains("panic.rs:"), "{error}");
        assert_eq!(catch_panic(|| 7), Ok(7));
    }
}

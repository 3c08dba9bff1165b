//! The line that reports a block on the standard error while it lasts.

use crate::watch::Nanos;
use crate::watch::cause::{Capture, Cause};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::SystemTime;

/// A fatal block whose stack has been requested.
pub struct Report {
    pub iteration: u64,
    pub at: Nanos,
    pub age: Nanos,
    /// Stack and frames as JSON text, and how late they are.
    pub answer: Option<(String, Nanos)>,
}

/// Writes a report as one line of JSON. A closed standard error loses it.
pub fn write(report: &Report, capture: Capture, cause: Cause, system_call: Option<&str>, thread: u32) {
    let described = report.answer.as_ref().and_then(|(text, _)| serde_json::from_str::<Map<String, Value>>(text).ok());
    let field = |name: &str, absent: Value| described.as_ref().and_then(|it| it.get(name)).cloned().unwrap_or(absent);
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut line = json!({
        "offloop": "block",
        "pid": std::process::id(),
        "thread": thread,
        "age": report.age / 1_000_000,
        "cause": cause.name(),
        "capture": capture.name(),
        "stack": field("stack", json!("")),
        "frames": field("frames", json!([])),
        "time": u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    });
    if let (Some(name), true) = (system_call, cause == Cause::Blocked) {
        line["systemCall"] = json!(name);
    }
    let _ = std::io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

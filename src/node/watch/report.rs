//! The line that reports a block on the standard error while it lasts.

use crate::watch::Nanos;
use crate::watch::cause::{Capture, Cause};
use crossbeam_channel::{Receiver, Sender};
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// Longest wait for a reader of the standard error that does not read.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most lines that wait for the writer.
const LINES: usize = 64;
const RETRY: Duration = Duration::from_millis(5);

/// A fatal block whose stack has been requested.
pub struct Report {
    pub iteration: u64,
    pub at: Nanos,
    pub age: Nanos,
    /// Whether the process ends after the report.
    pub is_last: bool,
    /// Stack and frames as JSON text, and how late they are.
    pub answer: Option<(String, Nanos)>,
}

/// Returns a report as a line of JSON.
pub fn line(report: &Report, capture: Capture, cause: Cause, system_call: Option<&str>, thread: u32) -> String {
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
    format!("{line}\n")
}

/// Receives an answer when a line is written or lost.
pub type Written = Receiver<()>;

/// Writes a line on a thread, since a full pipe blocks the writer. A line is lost if `LINES` others wait, and if the standard error is
/// closed.
pub fn write(line: String) -> Written {
    static WRITER: OnceLock<Option<Sender<(String, Sender<()>)>>> = OnceLock::new();
    let (done, written) = crossbeam_channel::bounded(1);
    if let Some(writer) = WRITER.get_or_init(start_writer) {
        // A full queue drops the line, and with it `done`.
        let _ = writer.try_send((line, done));
    }
    written
}

/// Waits until a line is written or lost, for at most [`PATIENCE`].
pub fn wait(written: &Written) {
    let _ = written.recv_timeout(PATIENCE);
}

fn start_writer() -> Option<Sender<(String, Sender<()>)>> {
    let (sender, lines) = crossbeam_channel::bounded::<(String, Sender<()>)>(LINES);
    let write = move || {
        for (line, done) in lines {
            write_all(line.as_bytes());
            // The receiver may be gone.
            let _ = done.send(());
        }
    };
    std::thread::Builder::new().name("offloop-report".into()).spawn(write).ok()?;
    Some(sender)
}

fn write_all(mut bytes: &[u8]) {
    let began = Instant::now();
    while !bytes.is_empty() {
        match std::io::stderr().write(bytes) {
            Ok(0) => return,
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Node.js makes pipes non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock && began.elapsed() < PATIENCE => {
                std::thread::sleep(RETRY);
            }
            Err(_) => return,
        }
    }
}

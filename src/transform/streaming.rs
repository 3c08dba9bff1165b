//! A stream transform that successive tasks feed.
//!
//! Input may be added to the inbox at any time. The steps of a session are transforms themselves, so that a pool runs them
//! like any other: one processes input, one flushes as well, and one ends the stream. Run them one at a time, in the order
//! of the calls that they serve. A running step also processes input that arrives meanwhile, which saves a task.

use super::contract::{Emit, Event, StreamTransform, Transform};
use super::value::Value;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes pushed at a time; bounds what a decompressor produces beyond `MAX_OUTPUT`.
const SLICE: usize = 16 << 10;
/// Output after which a step ends, leaving the rest of its input to the next.
const MAX_OUTPUT: usize = 1 << 20;
/// Input after which a step ends, to share the thread with other tasks.
const MAX_INPUT: usize = 4 << 20;

/// Handling of output before the end of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputMode {
    /// Each step returns its output.
    Emit,
    /// The output is collected for the result.
    Collect,
}

#[derive(Default)]
struct State {
    /// `None` after the end or a failure.
    stream: Option<Box<dyn StreamTransform>>,
    collected: Vec<u8>,
    /// The chunk removed from the inbox last; `offset` bytes of it are processed.
    chunk: Vec<u8>,
    offset: usize,
}

pub struct StreamSession {
    name: &'static str,
    can_fail: bool,
    output: OutputMode,
    state: Mutex<State>,
    inbox: Mutex<VecDeque<Vec<u8>>>,
    /// Bytes of input that are not processed yet.
    pending: AtomicUsize,
    /// Pending bytes at which the waiting writer resumes; 0 if it does not wait.
    low_water_mark: AtomicUsize,
    closed: AtomicBool,
}

/// The transforms that run the steps of a session.
pub struct Steps {
    pub push: Arc<dyn Transform>,
    pub flush: Arc<dyn Transform>,
    pub finish: Arc<dyn Transform>,
}

impl StreamSession {
    /// Opens a session; returns `None` if the transform cannot stream.
    pub fn open(transform: &dyn Transform, output: OutputMode) -> Option<Arc<Self>> {
        let state = State { stream: Some(transform.stream()?), ..State::default() };
        Some(Arc::new(StreamSession {
            name: transform.name(),
            can_fail: transform.can_fail(),
            output,
            state: Mutex::new(state),
            inbox: Mutex::new(VecDeque::new()),
            pending: AtomicUsize::new(0),
            low_water_mark: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }))
    }

    /// Returns the steps of the session.
    pub fn steps(self: &Arc<Self>) -> Steps {
        let step = |kind| Arc::new(Step { session: self.clone(), kind });
        Steps { push: step(StepKind::Push), flush: step(StepKind::Flush), finish: step(StepKind::Finish) }
    }

    /// Adds input for the running step, or the next one.
    pub fn add_input(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.pending.fetch_add(bytes.len(), Ordering::SeqCst);
            self.inbox.lock().push_back(bytes);
        }
    }

    /// Returns how many bytes of input are not processed yet.
    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    /// Requests [`Event::Room`] once at most `pending` bytes of input are not processed yet.
    pub fn request_room(&self, pending: usize) {
        self.low_water_mark.store(pending, Ordering::SeqCst);
    }

    /// Releases all memory: immediately, or when the running step ends.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        drop(std::mem::take(&mut *self.inbox.lock()));
        if let Some(mut state) = self.state.try_lock() {
            drop(std::mem::take(&mut *state));
        }
    }

    fn run(&self, kind: StepKind, input: Value, cancel: &Cancel, emit: Emit) -> Result<Value> {
        let result = self.step(kind, input, cancel, emit);
        // `close` cannot lock the state while a step runs.
        if self.closed.load(Ordering::SeqCst) {
            drop(std::mem::take(&mut *self.state.lock()));
        }
        result
    }

    fn step(&self, kind: StepKind, input: Value, cancel: &Cancel, emit: Emit) -> Result<Value> {
        self.add_input(input.into_bytes()?.into_owned()?);
        let state = &mut *self.state.lock();
        // Taken out, so that an error or a panic ends the stream.
        let Some(mut stream) = state.stream.take() else {
            return Err(Error::new(Kind::Cancelled, "The stream has ended"));
        };
        let mut out = std::mem::take(&mut state.collected);
        let mut processed = 0;
        while processed < MAX_INPUT && self.has_room(&out) && self.next_chunk(state) {
            cancel.check()?;
            let slice = &state.chunk[state.offset..state.chunk.len().min(state.offset + SLICE)];
            stream.push(slice, &mut out, cancel)?;
            state.offset += slice.len();
            processed += slice.len();
            self.pending.fetch_sub(slice.len(), Ordering::SeqCst);
            if self.has_requested_room() {
                emit(Event::Room);
            }
        }
        if self.pending() == 0 {
            match kind {
                StepKind::Push => {}
                StepKind::Flush => stream.flush(&mut out, cancel)?,
                StepKind::Finish => return stream.finish(out, cancel),
            }
        }
        state.stream = Some(stream);
        if self.output == OutputMode::Collect {
            state.collected = std::mem::take(&mut out);
        }
        Ok(out.into())
    }

    /// Returns whether the writer waits for the present room; if so, ends the request.
    fn has_requested_room(&self) -> bool {
        let mark = self.low_water_mark.load(Ordering::SeqCst);
        mark > 0 && self.pending() <= mark && self.low_water_mark.swap(0, Ordering::SeqCst) > 0
    }

    /// Whether the step may produce more output.
    fn has_room(&self, out: &[u8]) -> bool {
        self.output == OutputMode::Collect || out.len() < MAX_OUTPUT
    }

    /// Moves to the next chunk of the inbox if the current one is processed. Returns false if there is no input.
    fn next_chunk(&self, state: &mut State) -> bool {
        if state.offset < state.chunk.len() {
            return true;
        }
        state.offset = 0;
        state.chunk = self.inbox.lock().pop_front().unwrap_or_default();
        !state.chunk.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StepKind {
    Push,
    Flush,
    Finish,
}

/// A step of a session. If it returns with [`StreamSession::pending`] input, it has neither flushed nor ended the stream:
/// run it again with an empty input.
struct Step {
    session: Arc<StreamSession>,
    kind: StepKind,
}

impl Transform for Step {
    fn name(&self) -> &'static str {
        self.session.name
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        self.session.run(self.kind, input, cancel, &mut |_| {})
    }

    fn run_in_parts(&self, input: Value, cancel: &Cancel, emit: Emit) -> Result<Value> {
        self.session.run(self.kind, input, cancel, emit)
    }

    fn can_fail(&self) -> bool {
        self.session.can_fail
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::transform::chain::Chain;
    use crate::transform::registry::{REGISTRY, example};
    use crate::transform::testing::{bytes, noise, prose, whole};

    fn make(name: &str) -> Arc<dyn Transform> {
        Arc::from(example(name))
    }

    /// Runs a step until it has processed all its input.
    fn step(session: &StreamSession, step: &dyn Transform, input: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut input = input.to_vec();
        loop {
            let output = bytes(step.run(std::mem::take(&mut input).into(), &Cancel::new())?);
            out.extend_from_slice(&output);
            if session.pending() == 0 {
                return Ok(());
            }
        }
    }

    /// Pushes the input in chunks, with a flush after every other one; returns the output.
    fn streamed(transform: &dyn Transform, input: &[u8], len: usize, output: OutputMode) -> Result<Vec<u8>> {
        let session = StreamSession::open(transform, output).expect("it streams");
        let Steps { push, flush, finish } = session.steps();
        let mut out = Vec::new();
        for (index, chunk) in input.chunks(len).enumerate() {
            step(&session, &*push, chunk, &mut out)?;
            if index % 2 == 1 {
                step(&session, &*flush, &[], &mut out)?;
            }
        }
        step(&session, &*finish, &[], &mut out)?;
        Ok(out)
    }

    const OPPOSITES: [(&str, &str); 7] = [
        ("gzip", "gunzip"),
        ("deflate", "inflate"),
        ("deflateRaw", "inflateRaw"),
        ("brotliCompress", "brotliDecompress"),
        ("zstdCompress", "zstdDecompress"),
        ("lz4Compress", "lz4Decompress"),
        ("text.base64Encode", "text.base64Decode"),
    ];

    #[test]
    fn streaming_and_whole_results_agree() {
        for entry in REGISTRY {
            let transform = make(entry.name);
            if transform.stream().is_none() {
                continue;
            }
            let encoder =
                OPPOSITES.iter().find(|(_, decoder)| *decoder == entry.name).map(|(encoder, _)| make(encoder));
            let decoder =
                OPPOSITES.iter().find(|(encoder, _)| *encoder == entry.name).map(|(_, decoder)| make(decoder));
            for plain in [Vec::new(), prose(70_000), noise(100_000)] {
                // JSON and CSV transforms need valid input.
                let plain = match entry.name.split_once('.') {
                    Some(("json", _)) => serde_json::to_vec(&plain).unwrap(),
                    Some(("csv", _)) => plain.chunks(2).flat_map(|two| format!("{two:?}\n").into_bytes()).collect(),
                    _ => plain,
                };
                let input = encoder.as_ref().map_or_else(|| plain.clone(), |it| whole(&**it, &plain).unwrap());
                for (len, output) in
                    [(1 << 20, OutputMode::Emit), (30_011, OutputMode::Emit), (9001, OutputMode::Collect)]
                {
                    let out = streamed(&*transform, &input, len, output).unwrap();
                    let (out, expected) = match &decoder {
                        Some(decoder) => (whole(&**decoder, &out).unwrap(), plain.clone()),
                        None => (out, whole(&*transform, &input).unwrap()),
                    };
                    assert!(out == expected, "{} in chunks of {len}", entry.name);
                }
            }
        }
    }

    #[test]
    fn a_flush_emits_all_input() {
        let plain = prose(50_000);
        // Base64 cannot encode part of a group of three bytes.
        for (encoder, decoder) in OPPOSITES.into_iter().filter(|(encoder, _)| !encoder.starts_with("text.")) {
            let (encoder, decoder) = (make(encoder), make(decoder));
            let chained: Arc<dyn Transform> = Arc::new(Chain::new(&[make("identity"), encoder.clone()]).unwrap());
            for encoder in [encoder, chained] {
                let packing = StreamSession::open(&*encoder, OutputMode::Emit).unwrap();
                let unpacking = StreamSession::open(&*decoder, OutputMode::Emit).unwrap();
                let (mut packed, mut out) = (Vec::new(), Vec::new());
                for _ in 0..3 {
                    step(&packing, &*packing.steps().push, &plain, &mut packed).unwrap();
                    step(&packing, &*packing.steps().flush, &[], &mut packed).unwrap();
                    step(&unpacking, &*unpacking.steps().push, &std::mem::take(&mut packed), &mut out).unwrap();
                    assert!(std::mem::take(&mut out) == plain, "{}", encoder.name());
                }
            }
        }
    }

    #[test]
    fn the_output_of_a_step_is_bounded() {
        let plain = vec![0; 100 << 20];
        let packed = whole(&*make("gzip"), &plain).unwrap();
        let session = StreamSession::open(&*make("gunzip"), OutputMode::Emit).unwrap();
        let Steps { push, finish, .. } = session.steps();
        let (mut input, mut total) = (packed, 0);
        loop {
            let out = push.run(std::mem::take(&mut input).into(), &Cancel::new()).unwrap().into_bytes().unwrap();
            assert!(out.len() <= MAX_OUTPUT + SLICE * 1040, "{}", out.len());
            total += out.len();
            if session.pending() == 0 {
                break;
            }
        }
        total += finish.run(Vec::new().into(), &Cancel::new()).unwrap().into_bytes().unwrap().len();
        assert_eq!(total, plain.len());
    }

    #[test]
    fn a_running_step_reports_room_once_per_request() {
        let session = StreamSession::open(&*make("digest"), OutputMode::Collect).unwrap();
        let Steps { push, .. } = session.steps();
        let room = |input: usize| {
            let mut pending = Vec::new();
            let mut emit = |event| {
                assert!(matches!(event, Event::Room));
                pending.push(session.pending());
            };
            push.run_in_parts(vec![0; input].into(), &Cancel::new(), &mut emit).unwrap();
            pending
        };
        assert!(room(1 << 20).is_empty());
        session.request_room(1 << 19);
        assert_eq!(room(1 << 20), [1 << 19]);
        assert!(room(1 << 20).is_empty());
        session.request_room(100_000);
        assert_eq!(room(1 << 20), [98_304], "after a whole slice");
    }

    #[test]
    fn a_closed_session_releases_its_state() {
        let session = StreamSession::open(&*make("gzip"), OutputMode::Emit).unwrap();
        let Steps { push, .. } = session.steps();
        push.run(prose(1000).into(), &Cancel::new()).unwrap();
        session.close();
        assert!(session.state.lock().stream.is_none());
        assert_eq!(push.run(prose(10).into(), &Cancel::new()).unwrap_err().kind, Kind::Cancelled);
    }

    #[test]
    fn a_failed_or_cancelled_session_rejects_further_steps() {
        let session = StreamSession::open(&*make("gunzip"), OutputMode::Emit).unwrap();
        let Steps { push, finish, .. } = session.steps();
        assert_eq!(push.run(b"no gzip data".to_vec().into(), &Cancel::new()).unwrap_err().kind, Kind::InvalidData);
        assert_eq!(finish.run(Vec::new().into(), &Cancel::new()).unwrap_err().kind, Kind::Cancelled);
        let cancel = Cancel::new();
        cancel.cancel();
        let session = StreamSession::open(&*make("gzip"), OutputMode::Emit).unwrap();
        assert_eq!(session.steps().push.run(prose(10).into(), &cancel).unwrap_err().kind, Kind::Cancelled);
        assert!(session.steps().push.run(prose(10).into(), &Cancel::new()).is_err());
    }
}

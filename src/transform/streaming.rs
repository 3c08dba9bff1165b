//! A fold that is fed by one task after the other: what a stream is made of.
//!
//! Input is put into its inbox at any time. Its steps, which work through it, are transforms themselves, so that whatever runs
//! transforms runs streams too: one takes input, one brings out what is held back then, and one ends it. They are to be run
//! one at a time, in the order in which they are asked for. What comes into the inbox while a step runs is the step's as well:
//! a thread need not wait for the next one.

use super::contract::{StreamTransform, Transform};
use super::value::Value;
use crate::cancel::Cancel;
use crate::error::{Error, Kind, Result};
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Input goes in by slices of this size, so that what a decompressor makes of one is seldom large.
const SLICE: usize = 16 << 10;
/// With this much output a step ends, and leaves the rest of its input for the next.
const ENOUGH: usize = 1 << 20;

/// With so much input worked through as well: others want the thread too.
const TURN: usize = 4 << 20;

/// What becomes of output before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Each step returns what it has made.
    Flows,
    /// It is kept for the result.
    Gathers,
}

#[derive(Default)]
struct State {
    /// `None`: it has ended, or failed.
    fold: Option<Box<dyn StreamTransform>>,
    gathered: Vec<u8>,
    /// What was taken out of the inbox last, and how far it is worked through.
    piece: Vec<u8>,
    at: usize,
}

pub struct Session {
    name: &'static str,
    can_fail: bool,
    output: Output,
    state: Mutex<State>,
    inbox: Mutex<VecDeque<Vec<u8>>>,
    /// Bytes that are not worked through.
    left: AtomicUsize,
    closed: AtomicBool,
}

/// The transforms that are the steps of a session.
pub struct Steps {
    pub push: Arc<dyn Transform>,
    pub flush: Arc<dyn Transform>,
    pub finish: Arc<dyn Transform>,
}

impl Session {
    /// `None`: the transform does not work chunk by chunk.
    pub fn open(transform: &dyn Transform, output: Output) -> Option<Arc<Self>> {
        let state = State { fold: Some(transform.stream()?), ..State::default() };
        Some(Arc::new(Session {
            name: transform.name(),
            can_fail: transform.can_fail(),
            output,
            state: Mutex::new(state),
            inbox: Mutex::new(VecDeque::new()),
            left: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        }))
    }

    pub fn steps(self: &Arc<Self>) -> Steps {
        let step = |kind| Arc::new(Step { session: self.clone(), kind });
        Steps { push: step(StepKind::Push), flush: step(StepKind::Flush), finish: step(StepKind::Finish) }
    }

    /// More input, for the step that runs or the next one.
    pub fn put(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.left.fetch_add(bytes.len(), Ordering::SeqCst);
            self.inbox.lock().push_back(bytes);
        }
    }

    /// How many bytes of input wait for another step.
    pub fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    /// Gives its memory back: at once, or when the step that is under way has ended.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        drop(std::mem::take(&mut *self.inbox.lock()));
        if let Some(mut state) = self.state.try_lock() {
            drop(std::mem::take(&mut *state));
        }
    }

    fn run(&self, kind: StepKind, input: Value, cancel: &Cancel) -> Result<Value> {
        let made = self.step(kind, input, cancel);
        // Whoever closed it meanwhile could not get at the state.
        if self.closed.load(Ordering::SeqCst) {
            drop(std::mem::take(&mut *self.state.lock()));
        }
        made
    }

    fn step(&self, kind: StepKind, input: Value, cancel: &Cancel) -> Result<Value> {
        self.put(input.into_bytes()?.into_owned()?);
        let state = &mut *self.state.lock();
        // It is of no use after an error, and neither after a panic.
        let Some(mut fold) = state.fold.take() else {
            return Err(Error::new(Kind::Cancelled, "The stream has ended"));
        };
        let mut out = std::mem::take(&mut state.gathered);
        let mut worked = 0;
        while worked < TURN && self.is_wanted(&out) && self.fill(state) {
            cancel.check()?;
            let slice = &state.piece[state.at..state.piece.len().min(state.at + SLICE)];
            fold.push(slice, &mut out, cancel)?;
            state.at += slice.len();
            worked += slice.len();
            self.left.fetch_sub(slice.len(), Ordering::SeqCst);
        }
        if self.left() == 0 {
            match kind {
                StepKind::Push => {}
                StepKind::Flush => fold.flush(&mut out, cancel)?,
                StepKind::Finish => return fold.finish(out, cancel),
            }
        }
        state.fold = Some(fold);
        if self.output == Output::Gathers {
            state.gathered = std::mem::take(&mut out);
        }
        Ok(out.into())
    }

    /// Whether there is room for more output.
    fn is_wanted(&self, out: &[u8]) -> bool {
        self.output == Output::Gathers || out.len() < ENOUGH
    }

    /// Sees to it that there is a piece to work on, if there is any input.
    fn fill(&self, state: &mut State) -> bool {
        if state.at < state.piece.len() {
            return true;
        }
        state.at = 0;
        state.piece = self.inbox.lock().pop_front().unwrap_or_default();
        !state.piece.is_empty()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StepKind {
    Push,
    Flush,
    Finish,
}

/// A step that has left input, as [`Session::left`] says, has done nothing else: it is to be run again without any.
struct Step {
    session: Arc<Session>,
    kind: StepKind,
}

impl Transform for Step {
    fn name(&self) -> &'static str {
        self.session.name
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        self.session.run(self.kind, input, cancel)
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

    /// Runs a step until it has taken all its input.
    fn step(session: &Session, step: &dyn Transform, input: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut input = input.to_vec();
        loop {
            let made = bytes(step.run(std::mem::take(&mut input).into(), &Cancel::new())?);
            out.extend_from_slice(&made);
            if session.left() == 0 {
                return Ok(());
            }
        }
    }

    /// What comes out when the input is pushed in pieces, with a flush after every other one.
    fn streamed(transform: &dyn Transform, input: &[u8], piece: usize, output: Output) -> Result<Vec<u8>> {
        let session = Session::open(transform, output).expect("it streams");
        let Steps { push, flush, finish } = session.steps();
        let mut out = Vec::new();
        for (index, piece) in input.chunks(piece).enumerate() {
            step(&session, &*push, piece, &mut out)?;
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
    fn every_transform_that_streams_gives_what_it_gives_in_one_go() {
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
                // Numbers, for those that take nothing but JSON or CSV.
                let plain = match entry.name.split_once('.') {
                    Some(("json", _)) => serde_json::to_vec(&plain).unwrap(),
                    Some(("csv", _)) => plain.chunks(2).flat_map(|two| format!("{two:?}\n").into_bytes()).collect(),
                    _ => plain,
                };
                let input = encoder.as_ref().map_or_else(|| plain.clone(), |it| whole(&**it, &plain).unwrap());
                for (piece, output) in [(1 << 20, Output::Flows), (30_011, Output::Flows), (9001, Output::Gathers)] {
                    let out = streamed(&*transform, &input, piece, output).unwrap();
                    let (out, expected) = match &decoder {
                        Some(decoder) => (whole(&**decoder, &out).unwrap(), plain.clone()),
                        None => (out, whole(&*transform, &input).unwrap()),
                    };
                    assert!(out == expected, "{} in pieces of {piece}", entry.name);
                }
            }
        }
    }

    #[test]
    fn a_flush_brings_out_what_was_pushed() {
        let plain = prose(50_000);
        // Base64 cannot bring out a part of three bytes.
        for (encoder, decoder) in OPPOSITES.into_iter().filter(|(encoder, _)| !encoder.starts_with("text.")) {
            let (encoder, decoder) = (make(encoder), make(decoder));
            let chained: Arc<dyn Transform> = Arc::new(Chain::new(&[make("identity"), encoder.clone()]).unwrap());
            for encoder in [encoder, chained] {
                let packing = Session::open(&*encoder, Output::Flows).unwrap();
                let unpacking = Session::open(&*decoder, Output::Flows).unwrap();
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
    fn a_step_makes_no_more_than_it_must() {
        let plain = vec![0; 100 << 20];
        let packed = whole(&*make("gzip"), &plain).unwrap();
        let session = Session::open(&*make("gunzip"), Output::Flows).unwrap();
        let Steps { push, finish, .. } = session.steps();
        let (mut input, mut made) = (packed, 0);
        loop {
            let out = push.run(std::mem::take(&mut input).into(), &Cancel::new()).unwrap().into_bytes().unwrap();
            assert!(out.len() <= ENOUGH + SLICE * 1040, "{}", out.len());
            made += out.len();
            if session.left() == 0 {
                break;
            }
        }
        made += finish.run(Vec::new().into(), &Cancel::new()).unwrap().into_bytes().unwrap().len();
        assert_eq!(made, plain.len());
    }

    #[test]
    fn a_session_that_is_closed_holds_nothing() {
        let session = Session::open(&*make("gzip"), Output::Flows).unwrap();
        let Steps { push, .. } = session.steps();
        push.run(prose(1000).into(), &Cancel::new()).unwrap();
        session.close();
        assert!(session.state.lock().fold.is_none());
        assert_eq!(push.run(prose(10).into(), &Cancel::new()).unwrap_err().kind, Kind::Cancelled);
    }

    #[test]
    fn a_session_that_failed_or_was_cancelled_is_of_no_use() {
        let session = Session::open(&*make("gunzip"), Output::Flows).unwrap();
        let Steps { push, finish, .. } = session.steps();
        assert_eq!(push.run(b"no gzip data".to_vec().into(), &Cancel::new()).unwrap_err().kind, Kind::InvalidData);
        assert_eq!(finish.run(Vec::new().into(), &Cancel::new()).unwrap_err().kind, Kind::Cancelled);
        let cancel = Cancel::new();
        cancel.cancel();
        let session = Session::open(&*make("gzip"), Output::Flows).unwrap();
        assert_eq!(session.steps().push.run(prose(10).into(), &cancel).unwrap_err().kind, Kind::Cancelled);
        assert!(session.steps().push.run(prose(10).into(), &Cancel::new()).is_err());
    }
}

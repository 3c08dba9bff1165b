//! The drain: passes pending outcomes to JavaScript, many in one call.
//!
//! JavaScript passes three arrays. `records` receives numbers: the words used, whether more outcomes are pending, then a record
//! for each outcome ([`RecordKind`]). Short results are packed into `bytes`; everything else becomes an element of `values`, in
//! order. `values` has no prototype: a setter of a prototype would receive new elements.

use super::batch_results::{BatchResult, BatchResults, MAX_PACKED};
use super::completion::{Completion, DrainBuffers, Mail, Outcome};
use super::convert::f64_of;
use super::environment;
use super::environment::Environment;
use super::json_list::JsonList;
use super::napi_raw::{self, misuse};
use super::protocol::{MAX_BATCH, MailKind, RecordKind};
use crate::error::{self, Error, Kind};
use crate::pool::Waited;
use crate::transform::{Bytes, Document, Value};
use napi::bindgen_prelude::{BufferSlice, JsObjectValue, JsValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

/// Results of at least this length become external memory; shorter ones are copied.
const EXTERNAL: usize = 64 << 10;
/// A drain ends once it has copied this many bytes to Buffers, which takes a fraction of a millisecond.
const COPIED: usize = 1 << 20;
/// Words before the first record.
const FIRST: usize = 2;

/// Takes outcomes until none is left, `records` is full or 1 MiB has been copied to Buffers. With `rearm`, later outcomes wake
/// the environment; without it, the caller must call again.
#[napi(catch_unwind, ts_args_type = "records: Uint32Array, bytes: Uint8Array, values: unknown[], rearm: boolean")]
pub fn drain(env: &Env, records: Unknown, bytes: Unknown, values: Object, rearm: bool) -> Result<()> {
    let environment = environment::of(env)?;
    let port = &environment.port;
    if rearm {
        port.rearm();
    }
    let lengths =
        napi_raw::with_u32s(env, &records, |records| records.len())
            .zip(napi_raw::with_u8s(env, &bytes, |bytes| bytes.len()));
    let (max_words, max_bytes) = lengths.ok_or_else(|| misuse("arrays of the wrong type"))?;
    let buffers = environment.drain_buffers.take();
    let mut drain = Drain { env, environment, max_words, max_bytes, buffers, copied: 0, values, value_count: 0 };
    drain.buffers.bytes.clear();
    drain.buffers.records.clear();
    drain.buffers.records.resize(FIRST, 0);
    while drain.has_capacity() {
        let Some(Completion { task, outcome }) = port.take() else { break };
        drain.put(task, outcome)?;
    }
    let Drain { mut buffers, .. } = drain;
    buffers.records[0] = word(buffers.records.len())?;
    buffers.records[1] = u32::from(!port.is_empty());
    napi_raw::with_u32s(env, &records, |records| records[..buffers.records.len()].copy_from_slice(&buffers.records));
    napi_raw::with_u8s(env, &bytes, |bytes| bytes[..buffers.bytes.len()].copy_from_slice(&buffers.bytes));
    environment.drain_buffers.set(buffers);
    Ok(())
}

/// A drain in progress. Creating values may run JavaScript (a setter on a prototype), so neither JavaScript's memory nor the
/// handles are borrowed meanwhile: records and short results are collected in `buffers`.
struct Drain<'env, 'a> {
    env: &'env Env,
    environment: &'a Environment,
    /// Length of JavaScript's array of records.
    max_words: usize,
    /// Length of JavaScript's array of bytes.
    max_bytes: usize,
    buffers: DrainBuffers,
    copied: usize,
    values: Object<'env>,
    value_count: u32,
}

impl<'env> Drain<'env, '_> {
    fn has_capacity(&self) -> bool {
        self.buffers.records.len() + 4 + 2 * MAX_BATCH as usize <= self.max_words && self.copied < COPIED
    }

    fn put(&mut self, task: u32, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Waited(waited) => return self.waited(task, waited),
            Outcome::Begun(permit) => {
                let permit = self.environment.handles.borrow_mut().insert_permit(permit)?;
                self.record(task, RecordKind::Begun, permit);
                return Ok(());
            }
            Outcome::Watched => {
                self.record(task, RecordKind::Watched, 0);
                return Ok(());
            }
            Outcome::Mail { flight, mail } => return self.mail(task, flight, mail),
            Outcome::Released(pinned) => {
                napi_raw::free_pinned(self.env, pinned);
                return Ok(());
            }
            Outcome::One(result) => {
                let (kind, length) = self.result(result)?;
                self.record(task, kind, length);
            }
            Outcome::Part(part) => {
                let slice = self.document(part)?;
                self.record(task, RecordKind::Part, slice);
                return Ok(());
            }
            Outcome::Room => {
                self.record(task, RecordKind::Room, 0);
                return Ok(());
            }
            Outcome::Many { results, took } => {
                let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
                self.record(task, RecordKind::Many, results.count);
                self.buffers.records.push(micros);
                self.items(results)?;
            }
        }
        let ended = self.environment.handles.borrow_mut().remove_task(task);
        if let Some(pinned) = ended.and_then(|task| task.pinned) {
            napi_raw::unpin(self.env, pinned);
        }
        Ok(())
    }

    fn waited(&mut self, task: u32, waited: Waited) -> Result<()> {
        let handles = &self.environment.handles;
        handles.borrow_mut().waiting.remove(&task);
        let (kind, word) = match waited {
            Waited::Granted(reservation) => {
                (RecordKind::Granted, handles.borrow_mut().reservations.insert(reservation)?)
            }
            Waited::Notified => (RecordKind::Notified, 0),
            Waited::TimedOut(error) => self.failed(&error)?,
        };
        self.record(task, kind, word);
        Ok(())
    }

    fn mail(&mut self, subscriber: u32, flight: u64, mail: Mail) -> Result<()> {
        let (kind, stored) = match mail {
            Mail::Value(stored) => (MailKind::Value, Some(stored)),
            Mail::Error(stored) => (MailKind::Error, Some(stored)),
            Mail::Lead => (MailKind::Lead, None),
            Mail::Stop => (MailKind::Stop, None),
            Mail::Absent => (MailKind::Absent, None),
        };
        self.record(subscriber, RecordKind::Mail, kind as u32);
        let flight = self.env.create_double(f64_of(flight))?.to_unknown();
        self.value(flight)?;
        if let Some(stored) = stored {
            let bytes = napi_raw::buffer(self.env, stored.len(), |write| stored.read(write))?;
            self.value(bytes)?;
        }
        Ok(())
    }

    fn record(&mut self, task: u32, kind: RecordKind, word: u32) {
        self.buffers.records.extend_from_slice(&[task, kind as u32, word]);
    }

    /// Adds the results of a batch.
    fn items(&mut self, results: BatchResults) -> Result<()> {
        let mut bytes = &results.bytes[..];
        for result in results.items {
            match result {
                BatchResult::Short(length) => {
                    let (short, rest) = bytes.split_at(length);
                    bytes = rest;
                    let (kind, length) = self.short(short)?;
                    self.item(kind, length);
                }
                BatchResult::List(list) => self.list(&list)?,
                BatchResult::Other(result) => {
                    let (kind, length) = self.result(result)?;
                    self.item(kind, length);
                }
            }
        }
        Ok(())
    }

    /// Adds the items of a list.
    fn list(&mut self, JsonList { text, count }: &JsonList) -> Result<()> {
        let string = self.env.create_string(text)?.to_unknown();
        self.value(string)?;
        self.item(RecordKind::JsonList, *count);
        (1..*count).for_each(|_| self.item(RecordKind::JsonList, 0));
        Ok(())
    }

    fn item(&mut self, kind: RecordKind, length: u32) {
        self.buffers.records.extend_from_slice(&[kind as u32, length]);
    }

    /// Adds a result. Returns the kind and the last word of its record.
    fn result(&mut self, result: error::Result<Value>) -> Result<(RecordKind, u32)> {
        match result {
            Ok(Value::Bytes(bytes)) if bytes.len() <= MAX_PACKED => self.short(&bytes),
            Ok(Value::Bytes(bytes)) => {
                let length = bytes.len();
                if length < EXTERNAL {
                    self.copied += length;
                }
                let buffer = self.buffer(bytes);
                self.created(buffer, RecordKind::Value, length)
            }
            Ok(Value::Text(text)) => {
                let string = self.env.create_string(&text).map(|string| string.to_unknown());
                self.created(string, RecordKind::Value, text.len())
            }
            Ok(Value::Json(text)) => {
                let string = self.env.create_string(&text).map(|string| string.to_unknown());
                self.created(string, RecordKind::Json, text.len())
            }
            Ok(Value::Document(document)) => self.document(*document).map(|slice| (RecordKind::Document, slice)),
            Ok(Value::Table(bytes)) => {
                let length = bytes.len();
                let buffer = self.buffer(bytes.into());
                self.created(buffer, RecordKind::Table, length)
            }
            Ok(Value::Fields(_)) => self.failed(&Error::new(Kind::InvalidType, "Packed fields cannot be a result")),
            Err(error) => self.failed(&error),
        }
    }

    /// Adds a short byte result, as a Buffer if `bytes` is full. Returns the kind and the last word of its record.
    fn short(&mut self, bytes: &[u8]) -> Result<(RecordKind, u32)> {
        if bytes.len() <= self.max_bytes - self.buffers.bytes.len() {
            self.buffers.bytes.extend_from_slice(bytes);
            return Ok((RecordKind::Bytes, word(bytes.len())?));
        }
        self.copied += bytes.len();
        let buffer = BufferSlice::copy_from(self.env, bytes).map(|buffer| buffer.to_unknown());
        self.created(buffer, RecordKind::Value, bytes.len())
    }

    /// Adds the text and the plan of a document. Returns the time slice for building it, in milliseconds.
    fn document(&mut self, Document { text, plan, slice }: Document) -> Result<u32> {
        for bytes in [text, plan] {
            let buffer = self.buffer(bytes.into())?;
            self.value(buffer)?;
        }
        Ok(slice)
    }

    /// Adds a created value. A value that V8 refuses to create fails its task, not the drain.
    fn created(&mut self, value: Result<Unknown<'env>>, kind: RecordKind, length: usize) -> Result<(RecordKind, u32)> {
        if let Ok(value) = value {
            self.value(value)?;
            return Ok((kind, 0));
        }
        napi_raw::clear_exception(self.env);
        let message = format!("The result of {length} bytes is larger than a JavaScript value can be");
        self.failed(&error::Error::new(error::Kind::OutputLimit, message))
    }

    fn failed(&mut self, error: &error::Error) -> Result<(RecordKind, u32)> {
        let failure = self.failure(error)?;
        self.value(failure.to_unknown())?;
        Ok((RecordKind::Error, 0))
    }

    fn buffer(&self, bytes: Bytes) -> Result<Unknown<'env>> {
        let mut bytes = bytes.into_vec();
        if bytes.len() < EXTERNAL {
            return Ok(BufferSlice::copy_from(self.env, bytes)?.to_unknown());
        }
        bytes.shrink_to_fit();
        // V8 itself counts the length of the ArrayBuffer as external memory.
        Ok(BufferSlice::from_data(self.env, bytes)?.to_unknown())
    }

    fn failure(&self, error: &error::Error) -> Result<Object<'env>> {
        let mut failure = Object::new(self.env)?;
        failure.set("code", error.kind.code())?;
        failure.set("message", error.located_message().as_ref())?;
        failure.set("offset", error.offset.map(f64_of))?;
        failure.set("transform", error.transform)?;
        Ok(failure)
    }

    fn value(&mut self, value: Unknown<'env>) -> Result<()> {
        self.values.set_element(self.value_count, value)?;
        self.value_count += 1;
        Ok(())
    }
}

/// Returns a length as a word of a record.
fn word(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| misuse("more than 2^32 words"))
}

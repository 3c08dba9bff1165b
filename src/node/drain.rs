//! How outcomes go out: many in one call.
//!
//! JavaScript passes two arrays of its own. `heads` gets numbers: how many were used, whether more waits, then a
//! record for each outcome. Short results are put one behind the other into `bytes`; everything else becomes a value
//! of the returned array, in order.

use super::completion::{Completion, Mail, Outcome};
use super::environment;
use super::environment::Environment;
use super::napi_raw::{self, misuse};
use crate::error;
use crate::transform::{Bytes, Document, Value};
use napi::bindgen_prelude::{Array, BufferSlice, JsValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

/// Kinds of record, as `lib/native/completion-port.js` knows them. A batch is `[task, MANY, count, microseconds]`, followed by
/// `[kind, length]` for each item; everything else is `[task, kind, length or room]`.
const BYTES: u32 = 0;
const VALUE: u32 = 1;
const ERROR: u32 = 2;
const GRANTED: u32 = 3;
const MANY: u32 = 4;
/// `[mailbox, MAIL, kind of mail]`; the token is a value, and so are the bytes that come with a value or an error.
const MAIL: u32 = 5;
/// `[mailbox, BEGUN, permit]`
const BEGUN: u32 = 6;
/// The value is JSON text.
const JSON: u32 = 7;
/// The value is the text of the last part of a document, the next one its plan; in place of the length, how long (ms) a
/// slice may take.
const DOCUMENT: u32 = 8;
/// The same of a part that is not the last one.
const PART: u32 = 9;
/// The value is a Buffer with the columns of a table.
const TABLE: u32 = 10;

/// Results up to this length travel in `bytes`: a Buffer for each would cost more than copying.
const SHORT: usize = 4096;
/// Results from this length on are handed over as they are, shorter ones are copied.
const EXTERNAL: usize = 64 << 10;
/// After copying so many bytes a drain ends: JavaScript may want to let the loop turn. That takes a fraction of a
/// millisecond.
const COPIED: usize = 1 << 20;
/// `heads` begins with the words used and whether more waits.
const FIRST: usize = 2;

/// Takes outcomes until there are none or one of the arrays is full. With `rearm` the bell rings for whatever comes
/// from now on; without, JavaScript will look again by itself.
#[napi(
    catch_unwind,
    ts_args_type = "heads: Uint32Array, bytes: Uint8Array, rearm: boolean",
    ts_return_type = "unknown[] | undefined"
)]
pub fn drain<'env>(env: &'env Env, heads: Unknown, bytes: Unknown, rearm: bool) -> Result<Option<Array<'env>>> {
    let environment = environment::of(env)?;
    let port = &environment.port;
    if rearm {
        port.rearm();
    }
    let room =
        napi_raw::with_u32s(env, &heads, |heads| heads.len()).zip(napi_raw::with_u8s(env, &bytes, |bytes| bytes.len()));
    let (words, capacity) = room.ok_or_else(|| misuse("arrays of the wrong type"))?;
    let mut drain =
        Drain { env, environment, words, capacity, out: environment.scratch.take(), copied: 0, values: None, count: 0 };
    drain.out.clear();
    while drain.has_room() {
        let Some(Completion { task, outcome }) = port.take() else { break };
        drain.put(task, outcome)?;
    }
    let Drain { mut out, values, .. } = drain;
    out.heads[0] = u32::try_from(out.heads.len()).unwrap_or(u32::MAX);
    out.heads[1] = u32::from(!port.is_empty());
    napi_raw::with_u32s(env, &heads, |heads| heads[..out.heads.len()].copy_from_slice(&out.heads));
    napi_raw::with_u8s(env, &bytes, |bytes| bytes[..out.bytes.len()].copy_from_slice(&out.bytes));
    environment.scratch.set(out);
    Ok(values)
}

/// What goes to the arrays of JavaScript at the end of a drain: making values may run code of JavaScript's (a setter on
/// a prototype), and nothing of its memory or of the tables is borrowed meanwhile.
#[derive(Default)]
pub struct Scratch {
    heads: Vec<u32>,
    bytes: Vec<u8>,
}

impl Scratch {
    fn clear(&mut self) {
        self.heads.clear();
        self.heads.resize(FIRST, 0);
        self.bytes.clear();
    }
}

/// Words that JavaScript must provide for the largest batch.
#[napi]
pub const MAX_BATCH: u32 = 256;

struct Drain<'env, 'a> {
    env: &'env Env,
    environment: &'a Environment,
    /// Of the arrays of JavaScript.
    words: usize,
    capacity: usize,
    out: Scratch,
    copied: usize,
    values: Option<Array<'env>>,
    count: u32,
}

impl<'env> Drain<'env, '_> {
    fn has_room(&self) -> bool {
        self.out.heads.len() + 4 + 2 * MAX_BATCH as usize <= self.words && self.copied < COPIED
    }

    fn put(&mut self, task: u32, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Granted(room) => {
                let tables = &mut *self.environment.tables.borrow_mut();
                tables.waiting.remove(&task);
                let room = u32::try_from(tables.rooms.insert(room)).unwrap_or(u32::MAX);
                self.words(&[task, GRANTED, room]);
                return Ok(());
            }
            Outcome::Begun(permit) => {
                let permit = self.environment.tables.borrow_mut().keep(permit);
                self.words(&[task, BEGUN, permit]);
                return Ok(());
            }
            Outcome::Mail { token, mail } => return self.mail(task, token, mail),
            Outcome::One(result) => {
                let (kind, length) = self.result(result)?;
                self.words(&[task, kind, length]);
            }
            Outcome::Part(part) => {
                let slice = self.document(part)?;
                self.words(&[task, PART, slice]);
                return Ok(());
            }
            Outcome::Many { results, took } => {
                let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
                self.words(&[task, MANY, u32::try_from(results.len()).unwrap_or(u32::MAX), micros]);
                for result in results {
                    let (kind, length) = self.result(result)?;
                    self.words(&[kind, length]);
                }
            }
        }
        let live = self.environment.tables.borrow_mut().remove_task(task);
        if let Some(pinned) = live.and_then(|live| live.pinned) {
            napi_raw::unpin(self.env, pinned);
        }
        Ok(())
    }

    fn mail(&mut self, mailbox: u32, token: u64, mail: Mail) -> Result<()> {
        let (kind, bytes) = match mail {
            Mail::Value(stored) => (0, Some(napi_raw::buffer(self.env, stored.len(), |write| stored.read(write))?)),
            Mail::Error(stored) => (1, Some(napi_raw::buffer(self.env, stored.len(), |write| stored.read(write))?)),
            Mail::Lead => (2, None),
            Mail::Stop => (3, None),
            Mail::Absent => (4, None),
        };
        self.words(&[mailbox, MAIL, kind]);
        #[expect(clippy::cast_precision_loss, reason = "tokens count up from one")]
        let token = self.env.create_double(token as f64)?.to_unknown();
        self.value(token)?;
        if let Some(bytes) = bytes {
            self.value(bytes)?;
        }
        Ok(())
    }

    fn words(&mut self, words: &[u32]) {
        self.out.heads.extend_from_slice(words);
    }

    fn result(&mut self, result: error::Result<Value>) -> Result<(u32, u32)> {
        match result {
            Ok(Value::Bytes(bytes)) if bytes.len() <= SHORT.min(self.capacity - self.out.bytes.len()) => {
                self.out.bytes.extend_from_slice(&bytes);
                Ok((BYTES, u32::try_from(bytes.len()).unwrap_or(u32::MAX)))
            }
            Ok(Value::Bytes(bytes)) => {
                let length = bytes.len();
                if length < EXTERNAL {
                    self.copied += length;
                }
                let buffer = self.buffer(bytes);
                self.made(buffer, length)
            }
            Ok(Value::Text(text)) => {
                let string = self.env.create_string(&text).map(|string| string.to_unknown());
                self.made(string, text.len())
            }
            Ok(Value::Json(text)) => {
                let string = self.env.create_string(&text).map(|string| string.to_unknown());
                let (kind, length) = self.made(string, text.len())?;
                Ok((if kind == VALUE { JSON } else { kind }, length))
            }
            Ok(Value::Document(document)) => self.document(*document).map(|slice| (DOCUMENT, slice)),
            Ok(Value::Table(bytes)) => {
                let length = bytes.len();
                let buffer = self.buffer(bytes.into());
                let (kind, length) = self.made(buffer, length)?;
                Ok((if kind == VALUE { TABLE } else { kind }, length))
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Returns how long a slice of it may take.
    fn document(&mut self, Document { text, plan, slice }: Document) -> Result<u32> {
        for bytes in [text, plan] {
            let buffer = self.buffer(bytes.into())?;
            self.value(buffer)?;
        }
        Ok(slice)
    }

    /// A value that V8 refuses to make is the failure of its task, not of the drain.
    fn made(&mut self, value: Result<Unknown<'env>>, length: usize) -> Result<(u32, u32)> {
        if let Ok(value) = value {
            self.value(value)?;
            return Ok((VALUE, 0));
        }
        napi_raw::clear_exception(self.env);
        let message = format!("The result of {length} bytes is larger than a JavaScript value can be");
        self.failed(&error::Error::new(error::Kind::OutputLimit, message))
    }

    fn failed(&mut self, error: &error::Error) -> Result<(u32, u32)> {
        let record = self.error(error)?;
        self.value(record.to_unknown())?;
        Ok((ERROR, 0))
    }

    fn buffer(&self, bytes: Bytes) -> Result<Unknown<'env>> {
        let mut bytes = bytes.into_vec();
        if bytes.len() < EXTERNAL {
            return Ok(BufferSlice::copy_from(self.env, bytes)?.to_unknown());
        }
        bytes.shrink_to_fit();
        // V8 counts the length of the ArrayBuffer behind it as external memory by itself.
        Ok(BufferSlice::from_data(self.env, bytes)?.to_unknown())
    }

    fn error(&self, error: &error::Error) -> Result<Object<'env>> {
        let mut record = Object::new(self.env)?;
        record.set("code", error.kind.code())?;
        record.set("message", error.message.as_ref())?;
        #[expect(clippy::cast_precision_loss, reason = "no input is 2^53 bytes long")]
        record.set("offset", error.offset.map(|offset| offset as f64))?;
        record.set("transform", error.transform)?;
        Ok(record)
    }

    fn value(&mut self, value: Unknown<'env>) -> Result<()> {
        if self.values.is_none() {
            self.values = Some(self.env.create_array(0)?);
        }
        let Some(values) = &mut self.values else { unreachable!("made just now") };
        values.set(self.count, value)?;
        self.count += 1;
        Ok(())
    }
}

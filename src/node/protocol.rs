//! Numbers that native code and `lib/` exchange. JavaScript reads them from the addon, so there is one definition.

use super::convert::u32_of;
use crate::cache::{Reason, VERSIONS};
use crate::transform::build_plan;
use napi_derive::napi;

/// Kind of a completion record, which is its second word. The record of a batch is `[task, Many, count, microseconds]` and
/// `[kind, length]` for each item; every other record has three words.
#[napi]
pub enum RecordKind {
    /// `[task, Bytes, length]`; the bytes are in the shared array.
    Bytes,
    /// The result is the next value.
    Value,
    /// The failure is the next value.
    Error,
    /// `[task, Granted, reservation]`
    Granted,
    /// The task waited for a notification.
    Notified,
    Many,
    /// `[subscriber, Mail, mail kind]`; the next values are the flight and, for a value or an error, its bytes.
    Mail,
    /// `[subscriber, Begun, permit]`
    Begun,
    /// The next value is JSON text.
    Json,
    /// `[task, Document, milliseconds of a slice]`; the next values are the text and the plan of the last part.
    Document,
    /// As `Document`, for a part that is not the last.
    Part,
    /// The stream that the task serves has room for input.
    Room,
    /// The next value is a Buffer with the columns of a table.
    Table,
    /// An item of a batch whose result is in a JSON list. For the first item of a list, the length is the number of results, and the
    /// next value is the text of the list. For the other items, the length is 0.
    JsonList,
    /// The event loop was blocked, or a major garbage collection has ended.
    Watched,
}

/// Kind of a message about a shared load.
#[napi]
pub enum MailKind {
    Value,
    Error,
    /// The loader's environment is gone: take the load over.
    Lead,
    /// No caller waits for the load any more.
    Stop,
    Absent,
}

/// Kind of a task that JavaScript runs, as the statistics name it.
#[napi]
pub enum ExternalKind {
    Worker,
    WorkerScript,
}

/// First word of a cache's answer.
#[napi]
pub enum AnswerKind {
    Nothing,
    Hit,
    Lead,
    Follow,
    Failing,
}

/// Index of a word in a cache's answer.
#[napi]
pub enum AnswerWord {
    Kind,
    Slot,
    Version,
    Flight,
    /// Time from which a hit should be refreshed, in milliseconds.
    RefreshAt,
    /// Time until which the entry is fresh, in milliseconds.
    FreshUntil,
    /// Number of evictions to fetch with `cacheEvicted`.
    Evictions,
}

/// Length of a cache's answer, in words.
#[napi]
pub const ANSWER_WORDS: u32 = 7;

/// Number of version words. Slots share them, so a change of one entry also invalidates copies of some others.
#[napi]
pub const VERSION_WORDS: u32 = VERSIONS;

/// Why an entry left a cache.
#[napi]
pub enum EvictionReason {
    Size,
    Ttl,
    Replaced,
    Deleted,
}

impl From<Reason> for EvictionReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Size => EvictionReason::Size,
            Reason::Ttl => EvictionReason::Ttl,
            Reason::Replaced => EvictionReason::Replaced,
            Reason::Deleted => EvictionReason::Deleted,
        }
    }
}

/// Flag in the length of an input that was a string.
#[napi]
pub const OF_STRING: u32 = 1 << 31;

/// Flag in the length of an input of packed fields.
#[napi]
pub const OF_FIELDS: u32 = 1 << 30;

/// Maximum number of items in a batch.
#[napi]
pub const MAX_BATCH: u32 = 256;

/// Kind of a wait for capacity.
#[napi]
pub enum WaitKind {
    Reservation,
    /// A reservation for a task that `maxWait` limits from the beginning of the wait.
    TimedReservation,
    /// A notification that a task would be admitted.
    Notification,
}

/// In place of a reservation: admits the task only if no caller waits for the capacity.
#[napi]
pub const IN_TURN: i32 = -2;

/// Result of `submitExternal` for a task that waits for a permit.
#[napi]
pub const QUEUED: i32 = -1;

/// Constants of plans for `lib/json/builder.js`: the length of a step, kinds of steps, flags, and the mask that removes the flags.
#[napi(object, object_from_js = false)]
pub struct PlanFormat {
    pub step_words: u32,
    pub array: u32,
    pub object: u32,
    pub key: u32,
    pub end: u32,
    pub string: u32,
    pub value: u32,
    pub doubles: u32,
    pub integers: u32,
    pub kind_mask: u32,
    pub utf16: u32,
    pub marked: u32,
}

#[napi(catch_unwind)]
pub fn plan_format() -> PlanFormat {
    PlanFormat {
        step_words: u32_of(build_plan::STEP_WORDS),
        array: build_plan::ARRAY,
        object: build_plan::OBJECT,
        key: build_plan::KEY,
        end: build_plan::END,
        string: build_plan::STRING,
        value: build_plan::VALUE,
        doubles: build_plan::DOUBLES,
        integers: build_plan::INTEGERS,
        kind_mask: build_plan::KIND_MASK,
        utf16: build_plan::UTF16,
        marked: build_plan::MARKED,
    }
}

'use strict'

// The memory that a worker thread shares with the thread that started it.

/**
 * Words of the memory.
 * - `batch`: number of tasks in the batch (upper half) and of those that have begun (lower half)
 * - `state`: one of STATE
 * - `messages`: number of messages sent to the worker
 * - `batches`: number of batches finished
 * - `answers`: number of answers of the current batch that are ready
 * - `notified`: 1 while the parent has not read the answers of which the worker notified it
 */
const SHARED = { batch: 0, state: 1, messages: 2, batches: 3, answers: 4, notified: 5 }
const STATE = { importing: 1, running: 2 }
/** Maximum number of tasks in a batch. */
const MAX_BATCH = 256
/**
 * Doubles behind the words: used heap in bytes after the last batch if `maxHeap` is set, the time of each task of the batch in µs,
 * and the answers that are numbers.
 */
const DOUBLES = { heap: 0, micros: 1, numbers: 1 + MAX_BATCH, length: 1 + 2 * MAX_BATCH }
/**
 * Kinds of answers: bytes behind the doubles, one for each task of the batch. Small values need no message; numbers are among the
 * doubles; other values and errors are messages.
 */
const ANSWER = { undefined: 0, null: 1, false: 2, true: 3, number: 4, message: 5, error: 6 }

const WORDS = Object.keys(SHARED).length
const KINDS_OFFSET = 4 * WORDS + 8 * DOUBLES.length

function allocate() {
  return new SharedArrayBuffer(KINDS_OFFSET + MAX_BATCH)
}

/** @param {SharedArrayBuffer} memory */
function viewsOf(memory) {
  return {
    words: new Int32Array(memory, 0, WORDS),
    doubles: new Float64Array(memory, 4 * WORDS, DOUBLES.length),
    kinds: new Uint8Array(memory, KINDS_OFFSET)
  }
}

/** @param {Int32Array} words */
function readBatch(words) {
  const word = Atomics.load(words, SHARED.batch)
  return { begun: word & 0xffff, length: word >>> 16, word }
}

/**
 * Starts the next task of the batch.
 * @param {Int32Array} words
 * @returns {number} its index, or -1 if every task has begun or was reclaimed
 */
function claimTask(words) {
  for (;;) {
    const { begun, length, word } = readBatch(words)
    if (begun >= length) return -1
    if (Atomics.compareExchange(words, SHARED.batch, word, word + 1) === word) return begun
  }
}

/**
 * Removes the tasks that have not begun, from an index on, from the batch.
 * @param {Int32Array} words
 * @param {number} from
 * @returns {number} the new length of the batch
 */
function shortenBatch(words, from) {
  for (;;) {
    const { begun, length, word } = readBatch(words)
    const kept = Math.max(from, begun)
    if (kept >= length) return length
    if (Atomics.compareExchange(words, SHARED.batch, word, (kept << 16) | begun) === word) return kept
  }
}

module.exports = { ANSWER, DOUBLES, MAX_BATCH, SHARED, STATE, allocate, claimTask, readBatch, shortenBatch, viewsOf }

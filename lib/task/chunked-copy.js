'use strict'

const { isSharedArrayBuffer } = require('node:util').types
const { bufferOf, lengthOf, offsetOf } = require('../internal/typed-array')
const { now, setImmediate } = require('../internal/clock')
const native = require('../native')
const { withCode } = require('../internal/errors')
const { runInSlices } = require('../internal/loop-scheduler')
const { textPieces } = require('../json/utf-encoder')
const { checkMemory } = require('../internal/validate')

/**
 * @typedef {import('./contract').NativeTask} Task
 * @typedef {import('../json/utf-encoder').Piece} Piece
 * @typedef {Generator<Piece, void, number>} Pieces that receives the number of bytes copied so far after each piece
 */

/** Bytes that are copied at a time. */
const PIECE_BYTES = 1 << 20
/** Code units of a string that say how many bytes one needs. */
const SAMPLE_LENGTH = 1 << 14
/** All copies together take this much (ms) of a turn of the loop. */
const ITERATION_BUDGET = 1

/** An input that is copied piece by piece, over turns of the loop. */
class ChunkedCopy {
  /** How long (ms) it may hold the loop at most, if it has turns of its own. */
  slice = 0
  /** @type {import('../json/input').JsonInput | undefined} what makes the pieces, if it holds memory for that */
  jsonInput
  #handle
  #task
  #transform
  #pieces
  /** Bytes. */
  #copiedBytes = 0
  #isDone = false

  /**
   * @param {number} handle
   * @param {Task} task
   * @param {number} transform
   * @param {Pieces} pieces
   */
  constructor(handle, task, transform, pieces) {
    this.#handle = handle
    this.#task = task
    this.#transform = transform
    this.#pieces = pieces
  }

  /** Bytes, about, that are held beside those copied. */
  get heldBytes() {
    return this.#isDone ? 0 : (this.jsonInput?.heldBytes ?? 0)
  }

  /** Copies one piece. Returns whether that was the last. */
  step() {
    if (this.#isDone) return true
    let next
    try {
      next = this.#pieces.next(this.#copiedBytes)
    } catch (error) {
      // Who makes the pieces may have aborted the task before it threw.
      if (this.cancel()) this.#task.fail(error)
    }
    if (next === undefined || this.#isDone) return true
    try {
      return this.#accept(next)
    } catch (error) {
      this.cancel()
      this.#task.fail(error)
      return true
    }
  }

  /** Returns whether nothing more comes. @param {IteratorResult<Piece, void>} next */
  #accept({ value, done }) {
    const task = this.#task
    if (!done) {
      const copied = native.appendToInputBuffer(this.#handle, value)
      if (typeof copied === 'number') {
        this.#copiedBytes = copied
        return false
      }
      this.cancel()
      task.fail(task.pool.rejectFull(copied, this.#copiedBytes))
      return true
    }
    this.#isDone = true
    const bound = native.submitInputBuffer(this.#handle, this.#transform, task.id, task.priority)
    if (bound) task.fail(task.pool.rejectFull(bound, this.#copiedBytes))
    return true
  }

  /** Gives up the copy and its reservation. Returns whether the task had not been submitted. */
  cancel() {
    if (this.#isDone) return false
    this.#isDone = true
    native.dropInputBuffer(this.#handle)
    return true
  }
}

/**
 * Copies under way, first come, first served. There is at most one for each task that pools admitted.
 * @type {Set<ChunkedCopy>}
 */
const copies = new Set()

function copyPieces() {
  const start = now()
  // Whatever is thrown in between (by a hook of the promise that a failure rejects), the others go on.
  try {
    for (const copy of copies) {
      while (!copy.step()) {
        if (now() - start >= ITERATION_BUDGET) return
      }
      copies.delete(copy)
    }
  } finally {
    if (copies.size > 0) setImmediate(copyPieces)
  }
}

/**
 * @param {number} bytes
 * @param {boolean} isText whether the bytes are those of a string
 * @param {Task} task
 * @param {number} transform
 * @param {import('../native/reservation').Reservation} reservation
 * @param {Pieces} pieces
 */
function startCopy(bytes, isText, task, transform, reservation, pieces) {
  const handle = native.openInputBuffer(task.pool.handle, bytes, isText, reservation.take())
  if (typeof handle === 'string') return handle
  const copy = new ChunkedCopy(handle, task, transform, pieces)
  if (copies.size === 0) setImmediate(copyPieces)
  copies.add(copy)
  return copy
}

/**
 * An input that is being made, in slices.
 * @param {import('../json/input').JsonInput} input
 * @param {Task} task
 * @param {number} transform
 * @param {import('../native/reservation').Reservation} reservation
 */
function copyJson(input, task, transform, reservation) {
  const handle = native.openInputBuffer(task.pool.handle, 0, false, reservation.take())
  if (typeof handle === 'string') return handle
  const copy = new ChunkedCopy(handle, task, transform, input.pieces())
  copy.slice = input.slice
  copy.jsonInput = input
  runInSlices(copy)
  return copy
}

/**
 * @param {Uint8Array} bytes
 * @param {Task} task
 * @param {number} transform
 * @param {import('../native/reservation').Reservation} reservation
 */
function copyBytes(bytes, task, transform, reservation) {
  return startCopy(lengthOf(bytes), false, task, transform, reservation, bytePieces(bytes, lengthOf(bytes)))
}

/**
 * Room is reserved for as many bytes as the string needs if all of it is like its beginning, and made to fit when it is
 * known how many it needs.
 * @param {string} text
 * @param {((text: string) => string) | undefined} encodeText
 * @param {Task} task
 * @param {number} transform
 * @param {import('../native/reservation').Reservation} reservation
 */
function copyText(text, encodeText, task, transform, reservation) {
  const sample = text.slice(0, SAMPLE_LENGTH)
  const estimate = Math.ceil((text.length / sample.length) * Buffer.byteLength(sample))
  return startCopy(estimate, true, task, transform, reservation, textPieces(text, encodeText))
}

/**
 * @param {Uint8Array} bytes
 * @param {number} length that they had when the task was submitted
 */
function* bytePieces(bytes, length) {
  const shared = isSharedArrayBuffer(bufferOf(bytes))
  for (let at = 0; at < length; at += PIECE_BYTES) {
    if (lengthOf(bytes) !== length) {
      checkMemory('The "input" argument', bytes)
      const message = `The input changed its length from ${length} to ${lengthOf(bytes)} bytes while it was being copied`
      throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
    }
    // Not `subarray`, which asks the class of the input.
    const piece = new Uint8Array(bufferOf(bytes), offsetOf(bytes) + at, Math.min(PIECE_BYTES, length - at))
    yield shared ? new Uint8Array(piece) : piece
  }
}

module.exports = { ChunkedCopy, copyBytes, copyText, copyJson }

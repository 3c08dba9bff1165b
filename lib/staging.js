'use strict'

const { isSharedArrayBuffer } = require('node:util').types
const { bufferOf, lengthOf, offsetOf } = require('./bytes')
const { now, setImmediate } = require('./loop')
const native = require('./native')
const { withCode } = require('./errors')

/**
 * @typedef {import('./task').Task} Task
 * @typedef {import('./binding').Bound} Bound
 */

/** Bytes, or code units of a string, that are copied at a time. */
const PIECE = 1 << 20
const TEXT_PIECE = 1 << 18
/** Code units of a string that say how many bytes one needs. */
const SAMPLE = 1 << 14
/** All copies together take this much (ms) of a turn of the loop. */
const TURN_BUDGET = 1

/** An input that is copied piece by piece, over turns of the loop. */
class Staging {
  #handle
  #task
  #transform
  #pieces
  /** Bytes. */
  #copied = 0
  #done = false

  /**
   * @param {number} handle
   * @param {Task} task
   * @param {number} transform
   * @param {Generator<Uint8Array, void>} pieces
   */
  constructor(handle, task, transform, pieces) {
    this.#handle = handle
    this.#task = task
    this.#transform = transform
    this.#pieces = pieces
  }

  /** Copies one piece. Returns whether that was the last. */
  step() {
    if (this.#done) return true
    const task = this.#task
    try {
      const { value, done } = this.#pieces.next()
      if (!done) {
        native.stagePiece(this.#handle, value)
        this.#copied += value.length
        return false
      }
      this.#done = true
      const bound = native.submitStaged(this.#handle, this.#transform, task.id, task.priority)
      if (bound) task.fail(task.pool.full(bound, this.#copied))
    } catch (error) {
      this.cancel()
      task.fail(error)
    }
    return true
  }

  /** Gives the copy and its room up. Returns whether the task had not been submitted. */
  cancel() {
    if (this.#done) return false
    this.#done = true
    native.unstage(this.#handle)
    return true
  }
}

/**
 * Copies under way, first come, first served. There is at most one for each task that pools admitted.
 * @type {Set<Staging>}
 */
const copies = new Set()

function copySome() {
  const start = now()
  // Whatever is thrown in between (by a hook of the promise that a failure rejects), the others go on.
  try {
    for (const copy of copies) {
      while (!copy.step()) {
        if (now() - start >= TURN_BUDGET) return
      }
      copies.delete(copy)
    }
  } finally {
    if (copies.size > 0) setImmediate(copySome)
  }
}

/**
 * @param {number} bytes
 * @param {Task} task
 * @param {number} transform
 * @param {number} room
 * @param {Generator<Uint8Array, void>} pieces
 */
function stage(bytes, task, transform, room, pieces) {
  const handle = native.stage(task.pool.number, bytes, room)
  if (typeof handle === 'string') return handle
  const staging = new Staging(handle, task, transform, pieces)
  if (copies.size === 0) setImmediate(copySome)
  copies.add(staging)
  return staging
}

/**
 * @param {Uint8Array} bytes
 * @param {Task} task
 * @param {number} transform
 * @param {number} room
 */
function stageBytes(bytes, task, transform, room) {
  return stage(lengthOf(bytes), task, transform, room, pieces(bytes, lengthOf(bytes)))
}

/**
 * Room is reserved for as many bytes as the string needs if all of it is like its beginning, and made to fit when it is
 * known how many it needs.
 * @param {string} text
 * @param {Task} task
 * @param {number} transform
 * @param {number} room
 */
function stageText(text, task, transform, room) {
  const sample = text.slice(0, SAMPLE)
  const bytes = Math.ceil((text.length / sample.length) * Buffer.byteLength(sample))
  return stage(bytes, task, transform, room, textPieces(text))
}

/**
 * @param {Uint8Array} bytes
 * @param {number} length that they had when the task was submitted
 */
function* pieces(bytes, length) {
  const shared = isSharedArrayBuffer(bufferOf(bytes))
  for (let at = 0; at < length; at += PIECE) {
    if (lengthOf(bytes) !== length) {
      const message = `The input changed its length from ${length} to ${lengthOf(bytes)} bytes while it was being copied`
      throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
    }
    // Not `subarray`, which asks the class of the input.
    const piece = new Uint8Array(bufferOf(bytes), offsetOf(bytes) + at, Math.min(PIECE, length - at))
    yield shared ? new Uint8Array(piece) : piece
  }
}

/** @param {string} text */
function* textPieces(text) {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + TEXT_PIECE, text.length)
    // A pair of surrogates is one character: it must not be cut.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--
    yield Buffer.from(text.slice(at, end))
    at = end
  }
}

/** @param {number} unit */
function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff
}

module.exports = { Staging, stageBytes, stageText }

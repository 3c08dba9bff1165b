'use strict'

const { isSharedArrayBuffer } = require('node:util').types
const { bufferOf, lengthOf, offsetOf } = require('./bytes')
const { now, setImmediate } = require('./loop')
const native = require('./native')
const { withCode } = require('./errors')
const { slice } = require('./slices')
const { checkMemory } = require('./validate')

/**
 * @typedef {import('./task').Task} Task
 * @typedef {Uint8Array | Uint16Array} Piece bytes, or whole characters as UTF-16
 * @typedef {Generator<Piece, void, number>} Pieces that receives the number of bytes copied so far after each piece
 */

/** Bytes, or code units of a string, that are copied at a time. */
const PIECE = 1 << 20
const TEXT_PIECE = 1 << 18
const BACKSLASH = 0x5c
/** UTF-8 needs at most this many bytes for a UTF-16 code unit. */
const MAX_UTF8 = 3
/** Code units of a string that say how many bytes one needs. */
const SAMPLE = 1 << 14
/** All copies together take this much (ms) of a turn of the loop. */
const TURN_BUDGET = 1

/** An input that is copied piece by piece, over turns of the loop. */
class Staging {
  /** How long (ms) it may hold the loop at most, if it has turns of its own. */
  slice = 0
  /** @type {import('./writing').Writing | undefined} what makes the pieces, if it holds memory for that */
  writing
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
   * @param {Pieces} pieces
   */
  constructor(handle, task, transform, pieces) {
    this.#handle = handle
    this.#task = task
    this.#transform = transform
    this.#pieces = pieces
  }

  /** Bytes, about, that are held beside those copied. */
  get held() {
    return this.#done ? 0 : (this.writing?.held ?? 0)
  }

  /** Copies one piece. Returns whether that was the last. */
  step() {
    if (this.#done) return true
    let next
    try {
      next = this.#pieces.next(this.#copied)
    } catch (error) {
      // Who makes the pieces may have aborted the task before it threw.
      if (this.cancel()) this.#task.fail(error)
    }
    if (next === undefined || this.#done) return true
    try {
      return this.#take(next)
    } catch (error) {
      this.cancel()
      this.#task.fail(error)
      return true
    }
  }

  /** Returns whether nothing more comes. @param {IteratorResult<Piece, void>} next */
  #take({ value, done }) {
    const task = this.#task
    if (!done) {
      const copied = native.stagePiece(this.#handle, value)
      if (typeof copied === 'number') {
        this.#copied = copied
        return false
      }
      this.cancel()
      task.fail(task.pool.full(copied, this.#copied))
      return true
    }
    this.#done = true
    const bound = native.submitStaged(this.#handle, this.#transform, task.id, task.priority)
    if (bound) task.fail(task.pool.full(bound, this.#copied))
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
 * @param {boolean} ofString whether the bytes are those of a string
 * @param {Task} task
 * @param {number} transform
 * @param {import('./room').Room} room
 * @param {Pieces} pieces
 */
function stage(bytes, ofString, task, transform, room, pieces) {
  const handle = native.stage(task.pool.number, bytes, ofString, room.take())
  if (typeof handle === 'string') return handle
  const staging = new Staging(handle, task, transform, pieces)
  if (copies.size === 0) setImmediate(copySome)
  copies.add(staging)
  return staging
}

/**
 * An input that is being made, in slices.
 * @param {import('./writing').Writing} writing
 * @param {Task} task
 * @param {number} transform
 * @param {import('./room').Room} room
 */
function stageWork(writing, task, transform, room) {
  const handle = native.stage(task.pool.number, 0, false, room.take())
  if (typeof handle === 'string') return handle
  const staging = new Staging(handle, task, transform, writing.pieces())
  staging.slice = writing.slice
  staging.writing = writing
  slice(staging)
  return staging
}

/** Text on its way: as UTF-8, which is fast for ASCII, or as UTF-16 from the first piece on that is not. */
class Encoder {
  #isWide = false

  /** The piece is there until the next one is asked for. @param {string} text @returns {Piece} */
  encode(text) {
    if (text.length > TEXT_PIECE) return Buffer.from(text)
    scratch ??= Buffer.allocUnsafeSlow(TEXT_PIECE * MAX_UTF8)
    if (this.#isWide) return new Uint16Array(scratch.buffer, 0, scratch.write(text, 'utf16le') / 2)
    const length = scratch.write(text)
    this.#isWide = length > text.length
    return scratch.subarray(0, length)
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {Task} task
 * @param {number} transform
 * @param {import('./room').Room} room
 */
function stageBytes(bytes, task, transform, room) {
  return stage(lengthOf(bytes), false, task, transform, room, pieces(bytes, lengthOf(bytes)))
}

/**
 * Room is reserved for as many bytes as the string needs if all of it is like its beginning, and made to fit when it is
 * known how many it needs.
 * @param {string} text
 * @param {((text: string) => string) | undefined} spell
 * @param {Task} task
 * @param {number} transform
 * @param {import('./room').Room} room
 */
function stageText(text, spell, task, transform, room) {
  const sample = text.slice(0, SAMPLE)
  const bytes = Math.ceil((text.length / sample.length) * Buffer.byteLength(sample))
  return stage(bytes, true, task, transform, room, textPieces(text, spell))
}

/**
 * @param {Uint8Array} bytes
 * @param {number} length that they had when the task was submitted
 */
function* pieces(bytes, length) {
  const shared = isSharedArrayBuffer(bufferOf(bytes))
  for (let at = 0; at < length; at += PIECE) {
    if (lengthOf(bytes) !== length) {
      checkMemory('The "input" argument', bytes)
      const message = `The input changed its length from ${length} to ${lengthOf(bytes)} bytes while it was being copied`
      throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
    }
    // Not `subarray`, which asks the class of the input.
    const piece = new Uint8Array(bufferOf(bytes), offsetOf(bytes) + at, Math.min(PIECE, length - at))
    yield shared ? new Uint8Array(piece) : piece
  }
}

/** All pieces of text become bytes here: each is copied before the next one. @type {Buffer | undefined} */
let scratch

/**
 * @param {string} text
 * @param {((text: string) => string) | undefined} spell
 */
function* textPieces(text, spell) {
  const encoder = new Encoder()
  for (let at = 0; at < text.length; ) {
    const end = endOf(text, at)
    const piece = text.slice(at, end)
    yield encoder.encode(spell?.(piece) ?? piece)
    at = end
  }
}

/**
 * Where a piece ends that begins at a place: a pair of surrogates is one character, and an escape is not cut either.
 * @param {string} text
 * @param {number} at
 */
function endOf(text, at) {
  const end = at + TEXT_PIECE
  if (end >= text.length) return text.length
  if (isHigh(text.charCodeAt(end - 1)) && isLow(text.charCodeAt(end))) return end - 1
  let backslashes = 0
  while (backslashes < TEXT_PIECE && text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
  return end - (backslashes % 2)
}

/** @param {number} unit */
function isHigh(unit) {
  return (unit & 0xfc00) === 0xd800
}

/** @param {number} unit */
function isLow(unit) {
  return (unit & 0xfc00) === 0xdc00
}

module.exports = { Encoder, Staging, stageBytes, stageText, stageWork }

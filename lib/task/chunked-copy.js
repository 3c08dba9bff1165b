'use strict'

const { isSharedArrayBuffer } = require('node:util').types
const { bufferOf, lengthOf, offsetOf } = require('../internal/typed-array')
const native = require('../native')
const { withCode } = require('../internal/errors')
const { Priority, Step } = require('../internal/loop-scheduler')
const { loopScheduler } = require('../native/shared')
const { textPieces } = require('../json/utf-encoder')
const { checkMemory } = require('../internal/validate')

/**
 * @typedef {import('./contract').NativeTask} Task
 * @typedef {import('../json/utf-encoder').Piece} Piece
 * @typedef {Generator<Piece, void, number>} Pieces resumed with the number of bytes copied
 * @typedef {import('../native/reservation').Reservation} Reservation
 */

/** Bytes copied in a step. */
const PIECE_BYTES = 1 << 20
/** Code units of a string from which the size of its UTF-8 is estimated. */
const SAMPLE_LENGTH = 1 << 14

/** An input that is copied piece by piece, over event-loop iterations, and then submitted. */
class ChunkedCopy {
  #handle
  #task
  #transform
  #pieces
  /** @type {import('../json/input').JsonInput | undefined} source of the pieces, if they are written as JSON */
  #jsonInput
  #copiedBytes = 0
  #isDone = false

  /**
   * @param {number} handle
   * @param {Task} task
   * @param {number} transform
   * @param {Pieces} pieces
   * @param {import('../json/input').JsonInput} [jsonInput]
   */
  constructor(handle, task, transform, pieces, jsonInput) {
    this.#handle = handle
    this.#task = task
    this.#transform = transform
    this.#pieces = pieces
    this.#jsonInput = jsonInput
    this.slice = jsonInput?.slice
  }

  /** Estimated bytes that the source of the pieces holds. */
  get heldBytes() {
    return this.#isDone ? 0 : (this.#jsonInput?.heldBytes ?? 0)
  }

  step() {
    if (!this.#isDone) {
      try {
        this.#accept(this.#pieces.next(this.#copiedBytes))
      } catch (error) {
        // Code of the user that writes a piece may have aborted the task before it threw.
        if (!this.#isDone) this.#fail(error)
      }
    }
    return this.#isDone ? Step.Done : Step.More
  }

  /** @param {IteratorResult<Piece, void>} next */
  #accept({ value, done }) {
    if (this.#isDone) return
    if (done) return this.#submit()
    const copied = native.appendToInputBuffer(this.#handle, value)
    if (typeof copied === 'string') this.#fail(this.#task.pool.rejectFull(copied))
    else this.#copiedBytes = copied
  }

  #submit() {
    this.#isDone = true
    const task = this.#task
    try {
      const bound = native.submitInputBuffer(this.#handle, this.#transform, task.id, task.priority)
      if (bound) throw task.pool.rejectFull(bound)
    } catch (error) {
      task.fail(error)
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    this.cancel()
    this.#task.fail(error)
  }

  /** Drops the copy and its reservation. Returns whether the task had not been submitted. */
  cancel() {
    if (this.#isDone) return false
    this.#isDone = true
    native.dropInputBuffer(this.#handle)
    return true
  }
}

/** Copies in progress, first come, first served: a pool receives inputs in the order of the calls. @type {Set<{ step(): number }>} */
const copies = new Set()

const copyInOrder = {
  step() {
    for (const copy of copies) {
      if (copy.step() === Step.More) return Step.More
      copies.delete(copy)
    }
    return Step.Done
  }
}

/** Copies piece by piece after the copies before. @param {{ step(): number }} copy returns `Step.More` or `Step.Done` and never throws */
function queueCopy(copy) {
  copies.add(copy)
  loopScheduler.schedule(copyInOrder, Priority.Copy)
}

/**
 * @param {number} bytes
 * @param {boolean} isText whether the bytes are those of a string
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 * @param {Pieces} pieces
 * @param {import('../json/input').JsonInput} [jsonInput]
 */
function startCopy(bytes, isText, task, transform, reservation, pieces, jsonInput) {
  const handle = native.openInputBuffer(task.pool.handle, bytes, isText, reservation.take())
  if (typeof handle === 'string') return handle
  const copy = new ChunkedCopy(handle, task, transform, pieces, jsonInput)
  if (jsonInput !== undefined) loopScheduler.schedule(copy, Priority.Json)
  else queueCopy(copy)
  return copy
}

/**
 * Copies a value while it is written as JSON.
 * @param {import('../json/input').JsonInput} input
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function copyJson(input, task, transform, reservation) {
  return startCopy(0, false, task, transform, reservation, input.pieces(), input)
}

/**
 * @param {Uint8Array} bytes
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function copyBytes(bytes, task, transform, reservation) {
  return startCopy(lengthOf(bytes), false, task, transform, reservation, bytePieces(bytes, lengthOf(bytes)))
}

/**
 * Reserves the bytes estimated from the beginning of the string; the reservation is adjusted when the size is known.
 * @param {string} text
 * @param {((text: string) => string) | undefined} encodeText
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function copyText(text, encodeText, task, transform, reservation) {
  const sample = text.slice(0, SAMPLE_LENGTH)
  const estimate = Math.ceil((text.length / sample.length) * Buffer.byteLength(sample))
  return startCopy(estimate, true, task, transform, reservation, textPieces(text, encodeText))
}

/**
 * @param {Uint8Array} bytes
 * @param {number} length their length when the call was made
 * @param {string} [name] of the argument, in messages
 * @returns {Generator<Uint8Array, undefined>}
 */
function* bytePieces(bytes, length, name = 'input') {
  const isShared = isSharedArrayBuffer(bufferOf(bytes))
  for (let offset = 0; offset < length; offset += PIECE_BYTES) {
    if (lengthOf(bytes) !== length) {
      checkMemory(`The "${name}" argument`, bytes)
      const message = `The ${name} changed its length from ${length} to ${lengthOf(bytes)} bytes while it was being copied`
      throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
    }
    // `subarray` would call the constructor of the input's class.
    const piece = new Uint8Array(bufferOf(bytes), offsetOf(bytes) + offset, Math.min(PIECE_BYTES, length - offset))
    yield isShared ? new Uint8Array(piece) : piece
  }
}

module.exports = { ChunkedCopy, bytePieces, copyBytes, copyText, copyJson, queueCopy }

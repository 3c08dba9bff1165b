'use strict'

const { keepHiddenClass } = require('../internal/hidden-class')
const { lengthOf } = require('../internal/typed-array')
const native = require('../native')
const { Priority, Step } = require('../internal/loop-scheduler')
const { loopScheduler } = require('../native/shared')
const { estimateUtf8, textPieces } = require('../json/utf-encoder')
const { bytePieces } = require('./byte-pieces')

/**
 * @typedef {import('./contract').NativeTask} Task
 * @typedef {import('./byte-pieces').Pieces} Pieces
 * @typedef {import('../native/reservation').Reservation} Reservation
 */

/** Form of plain bytes: no flag. */
const BYTES = 0

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

  /** @param {IteratorResult<Uint8Array, void>} next */
  #accept({ value, done }) {
    if (this.#isDone) return
    if (done) return this.#submit()
    const copied = native.appendToInputBuffer(this.#handle, value)
    if (typeof copied === 'string') this.#fail(this.#rejectFull(copied))
    else this.#copiedBytes = copied
  }

  /** @param {import('../native/binding').Bound} bound */
  #rejectFull(bound) {
    return this.#task.pool.rejectFull(bound, this.#task.transformName, this.#copiedBytes)
  }

  #submit() {
    this.#isDone = true
    const task = this.#task
    try {
      const bound = native.submitInputBuffer(this.#handle, this.#transform, task.id, task.priority)
      if (bound) throw this.#rejectFull(bound)
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

/**
 * Queues a copy, which begins when earlier ones have ended.
 * @param {{ step(): number }} copy returns `Step.More` or `Step.Done` and never throws
 */
function queueCopy(copy) {
  copies.add(copy)
  loopScheduler.schedule(copyInOrder, Priority.Copy)
}

/**
 * @param {number} bytes
 * @param {number} form flag of the length, as in native code
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 * @param {Pieces} pieces
 * @param {import('../json/input').JsonInput} [jsonInput]
 */
function startCopy(bytes, form, task, transform, reservation, pieces, jsonInput) {
  const handle = native.openInputBuffer(task.pool.handle, bytes, form, reservation.take())
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
  return startCopy(0, BYTES, task, transform, reservation, input.pieces(), input)
}

/**
 * @param {Uint8Array} bytes
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function copyBytes(bytes, task, transform, reservation) {
  return startCopy(lengthOf(bytes), BYTES, task, transform, reservation, bytePieces(bytes, lengthOf(bytes)))
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
  const pieces = textPieces(text, encodeText)
  return startCopy(estimateUtf8(text), native.OF_STRING, task, transform, reservation, pieces)
}

/**
 * Reserves the estimated bytes of the fields; the reservation is adjusted when their sizes are known.
 * @param {import('./fields').FieldsInput} input
 * @param {Task} task
 * @param {number} transform
 * @param {Reservation} reservation
 */
function copyFields(input, task, transform, reservation) {
  return startCopy(input.estimatedBytes, native.OF_FIELDS, task, transform, reservation, input.pieces())
}

const NOTHING = /** @type {any} */ ({})
keepHiddenClass(new ChunkedCopy(0, NOTHING, 0, NOTHING))

module.exports = { ChunkedCopy, copyBytes, copyFields, copyText, copyJson, queueCopy }

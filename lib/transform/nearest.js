'use strict'

const { isFloat32Array } = require('node:util').types
const { JsTransform, defineTransform } = require('../task/implementation')
const { bytePieces } = require('../task/byte-pieces')
const { queueCopy } = require('../task/chunked-copy')
const { afterCopies, checkInput, inputName, maxInputBytes, takeMemory, unwrap } = require('../task/input')
const { disposedError } = require('../internal/errors')
const { Step } = require('../internal/loop-scheduler')
const { bytesOf, lengthOf } = require('../internal/typed-array')
const { checkMemory, invalidType } = require('../internal/validate')
const native = require('../native')
const { Task } = require('../task/task')
const { nativeArgument } = require('../native/argument')
const { Transform } = require('../native/transform')

const NAME = 'numeric.nearest'

/**
 * Returns a `Float32Array`, which may be moved. Throws a TypeError for any other value.
 * @param {unknown} input
 * @param {string} name in messages
 */
function floatsOf(input, name) {
  const value = unwrap(input)
  if (isFloat32Array(value)) return value
  throw invalidType(name, 'an instance of Float32Array', value)
}

/** The rows that native code holds for a transform until it is disposed of, and the tasks that use them. */
class Rows {
  #length
  /** Tasks that have not settled. */
  #tasks = 0
  #isDisposed = false
  #copiedBytes = 0
  /** @type {Generator<Uint8Array, undefined> | undefined} pieces that have not been copied */
  #pieces

  /**
   * @param {Transform} transform
   * @param {number} length in bytes
   */
  constructor(transform, length) {
    this.transform = transform
    this.#length = length
  }

  get bytes() {
    return this.#isDisposed ? 0 : this.#length
  }

  /** Whether the rows are being copied. */
  get isCopying() {
    return this.#pieces !== undefined
  }

  /** Takes the memory of a moved matrix; copies any other one, a large one in pieces. @param {unknown} matrix */
  fill(matrix) {
    const memory = takeMemory(checkInput(matrix))
    if (memory !== undefined) return native.holdMemory(this.#handle, memory)
    this.#pieces = bytePieces(bytesOf(floatsOf(matrix, 'matrix')), this.#length, 'matrix')
    if (this.#copyPiece() === Step.More) queueCopy(this)
  }

  /** Copies a piece, as a job of the scheduler. */
  step() {
    try {
      return this.#copyPiece()
    } catch (error) {
      this.#pieces = undefined
      this.#length = 0
      native.failHeld(this.#handle, /** @type {Error} */ (error).message)
      return Step.Done
    }
  }

  #copyPiece() {
    const piece = this.#pieces?.next().value
    if (piece !== undefined) {
      native.appendToHeld(this.#handle, piece)
      this.#copiedBytes += lengthOf(piece)
      if (this.#copiedBytes < this.#length) return Step.More
    }
    this.#pieces = undefined
    return Step.Done
  }

  get #handle() {
    return Transform.handle(this.transform)
  }

  checkOpen() {
    if (this.#isDisposed) throw disposedError(NAME)
  }

  taskStarted() {
    this.#tasks++
  }

  taskEnded() {
    this.#tasks--
    this.#freeIfUnused()
  }

  dispose() {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#freeIfUnused()
  }

  /** Frees the rows of a disposed transform after its last task. Native code frees them when no thread reads them any more. */
  #freeIfUnused() {
    if (!this.#isDisposed || this.#tasks > 0) return
    this.#pieces = undefined
    Transform.drop(this.transform)
  }
}

/** One input: a query or several. */
class NearestTask extends Task {
  #rows

  /**
   * @param {import('../task/contract').TaskContext} context
   * @param {Rows} rows
   */
  constructor(context, rows) {
    const { resolve, reject } = context
    super(
      {
        ...context,
        resolve(/** @type {Buffer} */ bytes) {
          rows.taskEnded()
          resolve(decode(bytes))
        },
        reject(reason) {
          rows.taskEnded()
          reject(reason)
        }
      },
      rows.transform
    )
    this.#rows = rows
  }

  /**
   * @override
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   */
  submit(input, reservation) {
    const rows = this.#rows
    rows.checkOpen()
    floatsOf(input, inputName())
    const checked = /** @type {Uint8Array} */ (checkInput(input))
    const bound = this.submitChecked(rows.isCopying ? afterCopies(checked) : checked, reservation)
    if (bound === null) rows.taskStarted()
    return bound
  }
}

/**
 * Reads the number of queries, then index and score of each row. All queries have the same number of rows.
 * @param {Buffer} bytes
 */
function decode(bytes) {
  const numbers = new Float64Array(bytes.byteLength / 8)
  new Uint8Array(numbers.buffer).set(bytes)
  const queries = numbers[0]
  const rows = (numbers.length - 1) / 2 / queries
  let offset = 1
  const row = () => ({ index: numbers[offset++], score: numbers[offset++] })
  return Array.from({ length: queries }, () => Array.from({ length: rows }, row))
}

/** The transform, as users see it. */
class NearestTransform extends JsTransform {
  #rows

  /** @param {Rows} rows */
  constructor(rows) {
    super(NAME)
    this.#rows = rows
  }

  get bytes() {
    return this.#rows.bytes
  }

  [Symbol.dispose]() {
    this.#rows.dispose()
  }
}

/**
 * @param {unknown} matrix
 * @param {unknown} options
 */
function nearest(matrix, options) {
  const name = 'The "matrix" argument'
  const numbers = floatsOf(matrix, name)
  checkMemory(name, numbers)
  const length = lengthOf(numbers)
  const transform = new Transform(
    native.createTransform(NAME, [length / Float32Array.BYTES_PER_ELEMENT, nativeArgument(options)])
  )
  // Getters of the options may have detached the matrix.
  checkMemory(name, numbers)
  const rows = new Rows(transform, length)
  rows.fill(matrix)
  const implementation = {
    createTask: (/** @type {import('../task/contract').TaskContext} */ context) => new NearestTask(context, rows),
    inputSize(/** @type {unknown} */ input, /** @type {number | undefined} */ index) {
      floatsOf(input, inputName(index))
      return maxInputBytes(input, index)
    },
    acceptsBytes: false
  }
  return defineTransform(NAME, implementation, new NearestTransform(rows))
}

module.exports = { nearest }

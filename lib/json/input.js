'use strict'

const { AsyncResource } = require('node:async_hooks')
const { JsonWriter } = require('./writer')
const { OffloopError } = require('../internal/errors')
const { keepHiddenClass } = require('../internal/hidden-class')
const { encodeElements, encodeMembers, encodeUtf8 } = require('./utf-encoder')

const EMPTY = Buffer.alloc(0)
/** UTF-8 needs at most this many bytes for a UTF-16 code unit. */
const MAX_UTF8 = 3

/** An input of a native task that is written as JSON. */
class JsonInput {
  #writer
  #maxOutput
  /** @type {string | undefined} */
  #text

  /**
   * @param {unknown} value
   * @param {number} slice
   * @param {number} maxDepth
   * @param {number} maxOutput bytes of text
   * @param {number} maxHeld bytes, see `OpenLevels`
   */
  constructor(value, slice, maxDepth, maxOutput, maxHeld) {
    this.#writer = new JsonWriter(value, maxDepth, maxHeld)
    this.#maxOutput = maxOutput
    this.slice = slice
  }

  /** The text, if it was short enough to be written immediately. */
  get text() {
    if (this.#text !== undefined || !this.#writer.isWritten) return this.#text
    const text = /** @type {string} */ (this.#writer.next())
    if (text.length * MAX_UTF8 > this.#maxOutput && Buffer.byteLength(text) > this.#maxOutput)
      throw this.#outputLimitError()
    this.#text = text
    return text
  }

  /** Estimated bytes that the open levels hold. */
  get heldBytes() {
    return this.#writer.heldBytes
  }

  /** Returns the pieces of text. User code in the value, such as a getter, runs in the async context of this call. */
  pieces() {
    return this.#pieces(new AsyncResource('OffloopTask'))
  }

  /**
   * @param {AsyncResource} context
   * @returns {Generator<Uint8Array, void, number>}
   */
  *#pieces(context) {
    const next = () => this.#writer.next()
    for (;;) {
      const piece = context.runInAsyncScope(next)
      if (piece === undefined) return
      const length = yield encode(piece)
      // Includes the text that must follow: a proxy of an array may report any length.
      if (length + this.#writer.minLength > this.#maxOutput) throw this.#outputLimitError()
    }
  }

  /** Returns the error for too much text, which a getter or a proxy may produce without end. */
  #outputLimitError() {
    const limits = 'maxOutput of the transform or pool, by default maxQueueBytes of the pool'
    const message = `The JSON exceeds the limit of ${this.#maxOutput} bytes at ${this.#writer.path}: ${limits}`
    return new OffloopError('ERR_OFFLOOP_OUTPUT_LIMIT', message, { transform: 'json.stringify' })
  }
}

/** @param {import('./writer').Piece} piece */
function encode(piece) {
  if (typeof piece !== 'string') {
    const { list, isFirst, hasNames } = piece
    return hasNames ? encodeMembers(list, isFirst) : encodeElements(list, isFirst)
  }
  return piece === '' ? EMPTY : encodeUtf8(piece)
}

// The writer of this input holds an instance of each class that it uses, except the frames.
keepHiddenClass(new JsonInput(0, 1, 1, 1, 1))

module.exports = { JsonInput }

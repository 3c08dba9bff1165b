'use strict'

const { AsyncResource } = require('node:async_hooks')
const { JsonWriter } = require('./json-writer')
const { Encoder } = require('./staging')

const EMPTY = Buffer.alloc(0)

/** A value on its way to be written: an input of a native task. */
class Writing {
  #writer

  /** @param {unknown} value @param {number} slice */
  constructor(value, slice) {
    this.#writer = new JsonWriter(value)
    this.slice = slice
  }

  /** All of the text, if it is short. */
  get text() {
    return this.#writer.isEnding ? /** @type {string} */ (this.#writer.next()) : undefined
  }

  /** What it calls of the value's own code runs as if whoever calls this had called it. */
  pieces() {
    return this.#pieces(new AsyncResource('OffloopTask'))
  }

  /** @param {AsyncResource} context @returns {Generator<Uint8Array | Uint16Array, void>} */
  *#pieces(context) {
    const next = () => this.#writer.next()
    const encoder = new Encoder()
    for (;;) {
      const text = context.runInAsyncScope(next)
      if (text === undefined) return
      yield text === '' ? EMPTY : encoder.encode(text)
    }
  }
}

module.exports = { Writing }

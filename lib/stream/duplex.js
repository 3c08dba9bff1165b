'use strict'

const { Duplex, finished } = require('node:stream')
const { asUint8Array } = require('../task/input')
const { errorOf, writable } = require('./chunk')
const { Fold } = require('./streaming-engine')
const { giveBack } = require('./errors')
const { nextTick } = require('../internal/clock')
const { watchSignal } = require('./signal')
const { checkStreaming, readStreamOptions } = require('./options')
const { tellStall } = require('../internal/diagnostics')
const { Transform } = require('../native/transform')
const { invalidThis, priorityNumber } = require('../internal/validate')

/** @typedef {(error?: Error | null) => void} Callback */

/** Writes that are none: they stand for a flush, in its place among the others. */
const flushes = new WeakSet()

/** What goes in comes out transformed. */
class TransformDuplex extends Duplex {
  #fold
  /** @type {Callback | undefined} */
  #finished

  /** @param {unknown} value @returns {value is TransformDuplex} */
  static #is(value) {
    return typeof value === 'object' && value !== null && #fold in value
  }

  /**
   * @param {import('../pool/pool-state').PoolState} pool
   * @param {import('../transform').Transform} transform
   * @param {any} options
   * @param {{ stack?: string }} caller
   */
  constructor(pool, transform, options, caller) {
    const { highWaterMark, priority, signal } = readStreamOptions(options)
    checkStreaming(transform, '')
    pool.checkOpen()
    super({ highWaterMark, readableObjectMode: Transform.givesValue(transform) })
    this.#fold = new Fold(pool, transform, priorityNumber(priority), highWaterMark, false, caller, {
      output: bytes => this.push(bytes),
      ended: rest => this.#end(rest),
      failed: error => this.destroy(/** @type {Error} */ (error)),
      stalled: () => tellStall(this, pool, transform)
    })
    if (signal !== undefined) watchSignal(signal, this)
  }

  /**
   * Brings out all that was written before. Streams of zlib take a kind of flush first: there is one here.
   * @param {number | Callback} [kind]
   * @param {Callback} [callback]
   */
  flush(kind, callback = typeof kind === 'function' ? kind : () => {}) {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    if (this.writableFinished) return nextTick(callback)
    if (this.writableEnded && !this.destroyed) {
      // The end brings out all there is.
      finished(this, { readable: false }, callback)
      return
    }
    const mark = Buffer.alloc(0)
    flushes.add(mark)
    this.write(mark, callback)
  }

  /** @param {any} chunk @param {any} [encoding] @param {any} [callback] */
  write(chunk, encoding, callback) {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    return super.write(writable(this, chunk), encoding, callback)
  }

  /** @param {any} [chunk] @param {any} [encoding] @param {any} [callback] */
  end(chunk, encoding, callback) {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    return super.end(writable(this, chunk), encoding, callback)
  }

  /**
   * @param {any} chunk
   * @param {BufferEncoding} _encoding
   * @param {Callback} callback
   */
  _write(chunk, _encoding, callback) {
    const error = errorOf(chunk)
    if (error !== undefined) return callback(error)
    if (flushes.has(chunk)) return this.#fold.flush(callback)
    let bytes
    try {
      bytes = asUint8Array(chunk)
    } catch (error) {
      return callback(/** @type {Error} */ (error))
    }
    this.#fold.write(bytes, callback)
  }

  /** @param {Callback} callback */
  _final(callback) {
    this.#finished = callback
    this.#fold.finish()
  }

  _read() {
    this.#fold.resume()
  }

  /**
   * @param {Error | null} error
   * @param {Callback} callback
   */
  _destroy(error, callback) {
    const unwritten = this.#fold.destroy(error)
    this.#finished = undefined
    callback(error)
    giveBack(unwritten, error)
  }

  /** @param {any} rest bytes, text or, in object mode, a value */
  #end(rest) {
    const finished = this.#finished
    this.#finished = undefined
    if (this.readableObjectMode || rest.length > 0) this.push(rest)
    this.push(null)
    finished?.()
  }
}

module.exports = { TransformDuplex }

'use strict'

const { Duplex, finished } = require('node:stream')
const { chunkError, asWritable } = require('./chunk')
const { StreamingEngine } = require('./streaming-engine')
const { failUnwritten } = require('./errors')
const { nextTick } = require('../internal/clock')
const { watchSignal } = require('./signal')
const { checkStreaming, readStreamOptions } = require('./options')
const { statsOf } = require('./stats')
const { markCopy } = require('../internal/package-copy')
const { publishStall } = require('../internal/diagnostics')
const { Transform } = require('../native/transform')
const { invalidThis, priorityNumber } = require('../internal/validate')

/** @typedef {(error?: Error | null) => void} Callback */

/** Empty chunks that stand for a flush, in order with the other writes. */
const flushMarkers = new WeakSet()

class TransformDuplex extends Duplex {
  #engine
  /** @type {Callback | undefined} */
  #finalCallback

  /**
   * @param {unknown} value
   * @returns {value is TransformDuplex}
   */
  static #is(value) {
    return typeof value === 'object' && value !== null && #engine in value
  }

  /**
   * @param {import('../pool/pool-state').PoolState} pool
   * @param {import('../native/transform').Transform} transform
   * @param {any} options
   * @param {{ stack?: string }} caller
   */
  constructor(pool, transform, options, caller) {
    const { highWaterMark, priority, signal } = readStreamOptions(options)
    checkStreaming(transform, '')
    pool.checkOpen()
    super({ highWaterMark, readableObjectMode: Transform.givesValue(transform) })
    this.#engine = new StreamingEngine(pool, transform, priorityNumber(priority), highWaterMark, false, caller, {
      output: bytes => this.push(bytes),
      ended: rest => this.#end(rest),
      failed: error => this.destroy(/** @type {Error} */ (error)),
      stalled: () => publishStall(this, pool, transform)
    })
    if (signal !== undefined) watchSignal(signal, this)
  }

  stats() {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    return statsOf(this, this.#engine)
  }

  /**
   * Outputs everything written before. As in zlib, the kind of flush may come first; it is ignored.
   * @param {number | Callback} [kind]
   * @param {Callback} [callback]
   */
  flush(kind, callback = typeof kind === 'function' ? kind : () => {}) {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    if (this.writableFinished) return nextTick(callback)
    if (this.writableEnded && !this.destroyed) {
      // The end of the stream flushes too.
      finished(this, { readable: false }, callback)
      return
    }
    const marker = Buffer.alloc(0)
    flushMarkers.add(marker)
    this.write(marker, callback)
  }

  /**
   * @param {any} chunk
   * @param {any} [encoding]
   * @param {any} [callback]
   */
  write(chunk, encoding, callback) {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    return super.write(asWritable(this, chunk), encoding, callback)
  }

  /**
   * @param {any} [chunk]
   * @param {any} [encoding]
   * @param {any} [callback]
   */
  end(chunk, encoding, callback) {
    if (!TransformDuplex.#is(this)) throw invalidThis('Duplex', this)
    return super.end(asWritable(this, chunk), encoding, callback)
  }

  /** @type {Duplex['_write']} */
  _write(chunk, _encoding, callback) {
    const error = chunkError(chunk)
    if (error !== undefined) return callback(error)
    if (flushMarkers.has(chunk)) return this.#engine.flush(callback)
    this.#engine.write(chunk, callback)
  }

  /** @param {Callback} callback */
  _final(callback) {
    this.#finalCallback = callback
    this.#engine.finish()
  }

  _read() {
    this.#engine.resume()
  }

  /** @type {Duplex['_destroy']} */
  _destroy(error, callback) {
    const unwritten = this.#engine.destroy(error)
    this.#finalCallback = undefined
    callback(error)
    failUnwritten(unwritten, error)
  }

  /** @param {any} rest bytes, text or, in object mode, a value */
  #end(rest) {
    const finished = this.#finalCallback
    this.#finalCallback = undefined
    if (this.readableObjectMode || rest.length > 0) this.push(rest)
    this.push(null)
    finished?.()
  }
}

markCopy(TransformDuplex)

module.exports = { TransformDuplex }

'use strict'

const { Writable } = require('node:stream')
const { AsyncResource } = require('node:async_hooks')
const { withCode } = require('../internal/errors')
const { chunkError, asWritable } = require('./chunk')
const { failUnwritten, prematureCloseError } = require('./errors')
const { PerChunkEngine } = require('./per-chunk-engine')
const { StreamingEngine } = require('./streaming-engine')
const { HIGH_WATER_MARK, checkStreaming, checkAcceptsBytes, readSinkOptions } = require('./options')
const { publishStall } = require('../internal/diagnostics')
const { PoolState } = require('../pool/pool-state')
const { asError, watchSignal } = require('./signal')
const { invalidThis, priorityNumber } = require('../internal/validate')

/** @typedef {(error?: Error | null) => void} Callback */

class Sink extends Writable {
  #engine
  /** @type {(value: any) => void} */
  #resolve = () => {}
  /** @type {(reason: unknown) => void} */
  #reject = () => {}
  /** @type {Callback | undefined} */
  #finalCallback

  /**
   * @param {unknown} value
   * @returns {value is Sink}
   */
  static #is(value) {
    return typeof value === 'object' && value !== null && #engine in value
  }

  /**
   * @param {PoolState} pool
   * @param {import('../native/transform').Transform} transform
   * @param {any} options
   * @param {{ stack?: string }} caller
   */
  constructor(pool, transform, options, caller) {
    if (!(pool instanceof PoolState)) {
      const message = 'Illegal constructor: sinks are made by pool.sink(transform, options)'
      throw withCode(new TypeError(message), 'ERR_ILLEGAL_CONSTRUCTOR')
    }
    const read = readSinkOptions(options, pool.info.threads)
    const { each, objectMode, highWaterMark, concurrency, priority, signal } = read
    if (each && !objectMode) checkAcceptsBytes(transform)
    if (!each) checkStreaming(transform, ': use { each: true } to make each chunk an input')
    pool.checkOpen()
    super({ objectMode, highWaterMark })
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Without a reader of `result`, errors are reported as those of any stream.
    this.result.catch(() => {})
    const limit = objectMode ? HIGH_WATER_MARK : highWaterMark
    const failed = (/** @type {unknown} */ error) => this.destroy(asError(error))
    const stalled = () => publishStall(this, pool, transform)
    if (each) {
      const context = new AsyncResource('OffloopSink')
      const { onResult } = read
      const result =
        onResult &&
        ((/** @type {any} */ value, /** @type {number} */ index) =>
          context.runInAsyncScope(onResult, undefined, value, index))
      const handler = { result, ended: () => this.#end(this.#engine.completed), failed, stalled }
      this.#engine = new PerChunkEngine(pool, transform, { concurrency, priority }, limit, caller, handler)
    } else {
      const handler = { output: () => true, ended: (/** @type {any} */ value) => this.#end(value), failed, stalled }
      this.#engine = new StreamingEngine(pool, transform, priorityNumber(priority), limit, true, caller, handler)
    }
    if (signal !== undefined) watchSignal(signal, this)
  }

  stats() {
    if (!Sink.#is(this)) throw invalidThis('Sink', this)
    const { written, completed, bytes, stalls } = this.#engine
    const inFlight = this.destroyed ? 0 : written - completed
    return { written, completed, inFlight, inFlightBytes: bytes, stalls }
  }

  /**
   * @param {any} chunk
   * @param {any} [encoding]
   * @param {any} [callback]
   */
  write(chunk, encoding, callback) {
    if (!Sink.#is(this)) throw invalidThis('Sink', this)
    return super.write(asWritable(this, chunk), encoding, callback)
  }

  /**
   * @param {any} [chunk]
   * @param {any} [encoding]
   * @param {any} [callback]
   */
  end(chunk, encoding, callback) {
    if (!Sink.#is(this)) throw invalidThis('Sink', this)
    return super.end(asWritable(this, chunk), encoding, callback)
  }

  /** @type {Writable['_write']} */
  _write(chunk, _encoding, callback) {
    const error = chunkError(chunk)
    if (error !== undefined) return callback(error)
    this.#engine.write(chunk, callback)
  }

  /** @param {Callback} callback */
  _final(callback) {
    this.#finalCallback = callback
    this.#engine.finish()
  }

  /** @type {Writable['_destroy']} */
  _destroy(error, callback) {
    const unwritten = this.#engine.destroy(error)
    this.#reject(error ?? prematureCloseError())
    this.#finalCallback = undefined
    callback(error)
    failUnwritten(unwritten, error)
  }

  /** @param {any} value */
  #end(value) {
    const finished = this.#finalCallback
    if (finished === undefined) return
    this.#finalCallback = undefined
    this.#resolve(value)
    finished()
  }
}

module.exports = { Sink }

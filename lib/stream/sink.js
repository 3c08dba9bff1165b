'use strict'

const { Writable } = require('node:stream')
const { AsyncResource } = require('node:async_hooks')
const { setIndex, withCode } = require('../internal/errors')
const { chunkError, asWritable } = require('./chunk')
const { failUnwritten, prematureCloseError } = require('./errors')
const { PerChunkEngine } = require('./per-chunk-engine')
const { StreamingEngine } = require('./streaming-engine')
const {
  HIGH_WATER_MARK,
  checkAcceptsBytes,
  checkOnResult,
  checkStreaming,
  readEachOptions,
  readStreamOptions
} = require('./options')
const { markCopy } = require('../internal/package-copy')
const { publishStall } = require('../internal/diagnostics')
const { PoolState } = require('../pool/pool-state')
const { asError, watchSignal } = require('./signal')
const { statsOf } = require('./stats')
const { invalidThis, priorityNumber } = require('../internal/validate')

/**
 * @typedef {(error?: Error | null) => void} Callback
 *
 * Events of an engine.
 * @typedef {object} SinkHandler
 * @property {(result: any) => void} ended
 * @property {(error: unknown) => void} failed
 * @property {() => void} stalled
 */

const ignore = () => {}

class Sink extends Writable {
  #engine
  /** @type {Promise<any>} */
  #result
  #isResultRead = false
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
   * @param {{ objectMode?: boolean, highWaterMark: number, signal: AbortSignal | undefined }} options
   * @param {(handler: SinkHandler) => PerChunkEngine | StreamingEngine} createEngine
   */
  constructor(pool, transform, options, createEngine) {
    if (!(pool instanceof PoolState)) {
      const message = 'Illegal constructor: sinks are made by pool.collect and pool.each'
      throw withCode(new TypeError(message), 'ERR_ILLEGAL_CONSTRUCTOR')
    }
    pool.checkOpen()
    const { objectMode, highWaterMark, signal } = options
    super({ objectMode, highWaterMark })
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // A result that nothing awaits must not become an unhandled rejection.
    this.#result.catch(ignore)
    this.#engine = createEngine({
      ended: value => this.#end(value),
      failed: error => this.destroy(asError(error)),
      stalled: () => publishStall(this, pool, transform)
    })
    if (signal !== undefined) watchSignal(signal, this)
  }

  get result() {
    if (!Sink.#is(this)) throw invalidThis('Sink', this)
    if (!this.#isResultRead) {
      // The reader handles the error: without this listener, 'error' would throw it too.
      this.#isResultRead = true
      this.on('error', ignore)
    }
    return this.#result
  }

  stats() {
    if (!Sink.#is(this)) throw invalidThis('Sink', this)
    return statsOf(this, this.#engine)
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
    if (error !== undefined) {
      if (this.#engine instanceof PerChunkEngine) setIndex(error, this.#engine.written)
      return callback(error)
    }
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

/**
 * Makes a sink whose result is the output of a transform for everything written.
 * @param {PoolState} pool
 * @param {import('../native/transform').Transform} transform
 * @param {unknown} options
 * @param {{ stack?: string }} caller
 */
function collect(pool, transform, options, caller) {
  const read = readStreamOptions(options)
  const { highWaterMark, priority } = read
  checkStreaming(transform, ': pool.each makes each chunk an input')
  return new Sink(pool, transform, read, handler => {
    const all = { ...handler, output: () => true }
    return new StreamingEngine(pool, transform, priorityNumber(priority), highWaterMark, true, caller, all)
  })
}

/**
 * Makes a sink that runs a transform on each chunk.
 * @param {PoolState} pool
 * @param {import('../native/transform').Transform} transform
 * @param {((result: any, index: number) => unknown) | undefined} onResult
 * @param {unknown} options
 * @param {{ stack?: string }} caller
 */
function each(pool, transform, onResult, options, caller) {
  checkOnResult(onResult)
  const read = readEachOptions(options, pool.info.threads)
  const { concurrency, highWaterMark, objectMode, priority } = read
  if (!objectMode) checkAcceptsBytes(transform)
  const limit = objectMode ? HIGH_WATER_MARK : highWaterMark
  const context = new AsyncResource('OffloopSink')
  /** @type {((value: any, index: number) => unknown) | undefined} */
  const result = onResult && ((value, index) => context.runInAsyncScope(onResult, undefined, value, index))
  return new Sink(pool, transform, read, handler => {
    return new PerChunkEngine(pool, transform, { concurrency, priority }, limit, caller, { ...handler, result })
  })
}

markCopy(Sink)

module.exports = { Sink, collect, each }

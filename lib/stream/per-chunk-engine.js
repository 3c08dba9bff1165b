'use strict'

const { implementationOf } = require('../task/implementation')
const { ResultIterator } = require('../pool/bulk/iterator')
const { queueMicrotask } = require('../internal/clock')
const { setIndex } = require('../internal/errors')

/**
 * Receives results and events.
 * @typedef {object} EngineHandler
 * @property {((value: any, index: number) => unknown) | undefined} result
 * @property {(count: number) => void} ended receives the number of results, all delivered
 * @property {(error: unknown) => void} failed no event follows
 * @property {() => void} stalled the writer has to wait
 *
 * @typedef {(error?: Error | null) => void} Callback
 * @typedef {{ chunk: unknown, size: number, callback: Callback }} Write
 */

/** Chunks above this many bytes are copied in pieces, over several event-loop iterations. */
const LARGE_BYTES = 1 << 20

/**
 * Runs each chunk as a separate task and delivers results in the order of the chunks. A chunk is accepted when it fits into the
 * limit together with the chunks whose results were not delivered.
 */
class PerChunkEngine {
  #results
  #implementation
  #handler
  #limit
  #concurrency
  /** @type {Write | undefined} the current write; there is one at a time */
  #write
  /** @type {((result: IteratorResult<unknown>) => void) | undefined} of the bulk call, which waits for the next chunk */
  #resolvePull
  /** @type {Callback | undefined} of the chunk accepted last */
  #acceptedCallback
  /** Whether the chunk accepted last may still be copied until its task ends. */
  #isLarge = false
  /** @type {number[]} bytes of the chunks whose results were not delivered */
  #sizes = []
  #isFinishing = false
  #isDestroyed = false

  bytes = 0
  written = 0
  completed = 0
  stalls = 0

  /**
   * @param {import('../pool/pool-state').PoolState} pool
   * @param {import('../native/transform').Transform} transform
   * @param {import('../../index').MapOptions} options
   * @param {number} limit of bytes whose results were not delivered
   * @param {{ stack?: string }} caller
   * @param {EngineHandler} handler
   */
  constructor(pool, transform, options, limit, caller, handler) {
    const chunks = { [Symbol.asyncIterator]: () => chunks, next: () => this.#next() }
    this.#results = new ResultIterator({ pool, transform, inputs: /** @type {any} */ (chunks), options, caller })
    this.#implementation = implementationOf(transform)
    this.#limit = limit
    this.#concurrency = options.concurrency ?? Infinity
    this.#handler = handler
    this.#deliver().then(
      () => handler.ended(this.completed),
      error => {
        if (!this.#isDestroyed) handler.failed(error)
      }
    )
  }

  /**
   * @param {unknown} chunk
   * @param {Callback} callback
   */
  write(chunk, callback) {
    let read
    let size
    try {
      read = this.#implementation.read(chunk, this.written)
      size = this.#implementation.inputSize(read, this.written)
    } catch (error) {
      setIndex(error, this.written)
      return callback(/** @type {Error} */ (error))
    }
    this.#write = { chunk: read, size, callback }
    this.#offer()
    if (!this.#mustWait(size)) return
    this.stalls++
    this.#handler.stalled()
  }

  /** Whether the writer has to wait for earlier chunks. @param {number} size */
  #mustWait(size) {
    if (this.#write !== undefined) return this.bytes > 0 && this.bytes + size > this.#limit
    return this.written - this.completed >= this.#concurrency
  }

  finish() {
    this.#isFinishing = true
    this.#offer()
  }

  /**
   * Cancels all tasks. Returns the callback of a write that was not accepted, or not copied.
   * @returns {Callback | undefined}
   */
  destroy() {
    if (this.#isDestroyed) return undefined
    this.#isDestroyed = true
    this.bytes = 0
    this.#results.return()
    this.#resolvePull?.({ value: undefined, done: true })
    const callback = this.#acceptedCallback ?? this.#write?.callback
    this.#acceptedCallback = undefined
    this.#write = undefined
    return callback
  }

  /** Requests the next chunk; the one before has been copied unless it is large. @returns {Promise<IteratorResult<unknown>>} */
  #next() {
    return new Promise(resolve => {
      this.#resolvePull = resolve
      if (!this.#isLarge) this.#releaseWriter()
      this.#offer()
    })
  }

  /** Hands over the current write if it was requested and fits. */
  #offer() {
    if (this.#resolvePull === undefined || this.#isDestroyed) return
    const write = this.#write
    if (write === undefined) {
      if (this.#isFinishing) this.#answerPull({ value: undefined, done: true })
    } else if (this.#fits(write.size)) {
      this.#write = undefined
      this.#acceptedCallback = write.callback
      this.#isLarge = write.size > LARGE_BYTES
      this.#sizes.push(write.size)
      this.bytes += write.size
      this.written++
      this.#answerPull({ value: write.chunk, done: false })
    }
  }

  /** @param {number} size */
  #fits(size) {
    if (this.#sizes.length >= this.#concurrency) return false
    return this.bytes === 0 || this.bytes + size <= this.#limit
  }

  /** @param {IteratorResult<unknown>} result */
  #answerPull(result) {
    const resolve = this.#resolvePull
    this.#resolvePull = undefined
    resolve?.(result)
  }

  /** Lets the writer of the chunk accepted last continue. */
  #releaseWriter() {
    const callback = this.#acceptedCallback
    this.#acceptedCallback = undefined
    // An exception of the callback is not an error of the sink.
    if (callback !== undefined) queueMicrotask(callback)
  }

  async #deliver() {
    for (let index = 0; ; index++) {
      const { value, done } = await this.#results.next()
      if (done) return
      const delivered = this.#handler.result?.(value, index)
      if (typeof (/** @type {any} */ (delivered)?.then) === 'function') await delivered
      if (this.#isDestroyed) return
      this.completed++
      this.bytes -= /** @type {number} */ (this.#sizes.shift())
      if (this.#isLarge && this.#sizes.length === 0) {
        this.#isLarge = false
        this.#releaseWriter()
      }
      this.#offer()
    }
  }
}

module.exports = { PerChunkEngine }

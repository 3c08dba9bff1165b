'use strict'

const { implementationOf } = require('../task/implementation')
const { ResultIterator } = require('../pool/bulk/iterator')
const { queueMicrotask } = require('../internal/clock')

/**
 * Receives results and events.
 * @typedef {object} EngineHandler
 * @property {((value: any, index: number) => unknown) | undefined} result
 * @property {() => void} ended all results were delivered
 * @property {(error: unknown) => void} failed nothing more will come
 * @property {() => void} stalled whoever writes has to wait
 *
 * @typedef {{ chunk: unknown, size: number, callback: (error?: Error | null) => void }} Write
 */

/** Chunks above this many bytes are copied in pieces, after they were taken. */
const LARGE_BYTES = 1 << 20

/**
 * Each chunk is a task of its own; results come in the order of the chunks. A chunk is taken when the bytes of those whose
 * results were not delivered leave room for it, and whoever writes hears when the next one could be.
 */
class PerChunkEngine {
  #results
  #implementation
  #handler
  #limit
  #concurrency
  /** @type {Write | undefined} what is being written; there is one at a time */
  #write
  /** @type {((result: IteratorResult<unknown>) => void) | undefined} of the iteration, which wants the next chunk */
  #resolvePull
  /** @type {((error?: Error | null) => void) | undefined} of the chunk that was taken last */
  #takenCallback
  /** The chunk that was taken last is copied when it is done. */
  #isLarge = false
  /** @type {number[]} of chunks whose results were not delivered */
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
   * @param {number} limit bytes whose results were not delivered
   * @param {{ stack?: string }} caller
   * @param {EngineHandler} handler
   */
  constructor(pool, transform, options, limit, caller, handler) {
    const chunks = { [Symbol.asyncIterator]: () => chunks, next: () => this.#next() }
    this.#results = new ResultIterator(pool, transform, /** @type {any} */ (chunks), options, caller)
    this.#implementation = implementationOf(transform)
    this.#limit = limit
    this.#concurrency = options.concurrency ?? Infinity
    this.#handler = handler
    this.#deliver().then(
      () => handler.ended(),
      error => {
        if (!this.#isDestroyed) handler.failed(error)
      }
    )
  }

  /**
   * @param {unknown} chunk
   * @param {(error?: Error | null) => void} callback
   */
  write(chunk, callback) {
    let size
    try {
      size = this.#implementation.inputSize(chunk)
    } catch (error) {
      return callback(/** @type {Error} */ (error))
    }
    this.#write = { chunk, size, callback }
    this.#offer()
    if (!this.#mustWait(size)) return
    this.stalls++
    this.#handler.stalled()
  }

  /** Whether whoever wrote has to wait for earlier chunks: for their bytes, or for one of them to end. @param {number} size */
  #mustWait(size) {
    if (this.#write !== undefined) return this.bytes > 0 && this.bytes + size > this.#limit
    return this.written - this.completed >= this.#concurrency
  }

  finish() {
    this.#isFinishing = true
    this.#offer()
  }

  /**
   * Cancels what is under way. Returns the callback of a write that was not taken, or not copied.
   * @returns {((error?: Error | null) => void) | undefined}
   */
  destroy() {
    if (this.#isDestroyed) return undefined
    this.#isDestroyed = true
    this.bytes = 0
    this.#results.return()
    this.#resolvePull?.({ value: undefined, done: true })
    const callback = this.#takenCallback ?? this.#write?.callback
    this.#takenCallback = undefined
    this.#write = undefined
    return callback
  }

  /** The iteration wants the next chunk: it has copied the one before. @returns {Promise<IteratorResult<unknown>>} */
  #next() {
    return new Promise(resolve => {
      this.#resolvePull = resolve
      if (!this.#isLarge) this.#releaseWriter()
      this.#offer()
    })
  }

  /** Hands over what is being written if it is wanted and there is room for it. */
  #offer() {
    if (this.#resolvePull === undefined || this.#isDestroyed) return
    const write = this.#write
    if (write === undefined) {
      if (this.#isFinishing) this.#answerPull({ value: undefined, done: true })
    } else if (this.#fits(write.size)) {
      this.#write = undefined
      this.#takenCallback = write.callback
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

  /** Whoever wrote the chunk that was taken last may write the next. */
  #releaseWriter() {
    const callback = this.#takenCallback
    this.#takenCallback = undefined
    // What it throws is not the sink's.
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

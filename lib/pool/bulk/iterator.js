'use strict'

const { BulkScheduler } = require('./scheduler')
const { invalidThis } = require('../../internal/validate')

/**
 * @typedef {{ value: unknown } | { error: unknown }} Outcome
 * @typedef {{ resolve: (result: IteratorResult<unknown>) => void, reject: (reason: unknown) => void }} Reader
 */

/** Inputs taken and not yet read as results, for each thread, unless the options say otherwise. */
const WINDOW = 32
/** The name of an iteration in messages; its class is not public. */
const NAME = 'AsyncIterator'

/**
 * Results in the order of their inputs, as they come. Nothing is taken before the first `next()`, and never more than
 * `concurrency` inputs ahead of the reader.
 * @implements {AsyncIterableIterator<unknown>}
 */
class ResultIterator {
  #scheduler
  /** @type {Map<number, Outcome>} at most `concurrency` of them */
  #outcomes = new Map()
  #position = 0
  /** @type {Reader[]} one for each `next()` that waits */
  #readers = []
  #isDone = false

  /**
   * @param {import('../pool-state').PoolState} pool
   * @param {import('../../native/transform').Transform} transform
   * @param {Iterable<unknown> | AsyncIterable<unknown>} inputs
   * @param {import('../../..').MapOptions} options
   * @param {{ stack?: string }} caller
   */
  constructor(pool, transform, inputs, options, caller) {
    const outcomes = this.#outcomes
    this.#scheduler = new BulkScheduler(pool, transform, inputs, options, WINDOW * pool.info.threads, caller, {
      get unread() {
        return outcomes.size
      },
      result: (index, value) => {
        outcomes.set(index, { value: this.#scheduler.settlesAll ? { status: 'fulfilled', value } : value })
      },
      failure: (index, reason) => {
        outcomes.set(index, this.#scheduler.settlesAll ? { value: { status: 'rejected', reason } } : { error: reason })
      },
      inputsFailed: (index, error) => outcomes.set(index, { error }),
      stopped: reason => this.#onStopped(reason),
      progress: () => this.#deliver()
    })
  }

  /** @param {unknown} value @returns {value is ResultIterator} */
  static #is(value) {
    return typeof value === 'object' && value !== null && #scheduler in value
  }

  [Symbol.asyncIterator]() {
    return this
  }

  /** @returns {Promise<IteratorResult<unknown>>} */
  next() {
    if (!ResultIterator.#is(this)) return Promise.reject(invalidThis(NAME, this))
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject })
      if (!this.#isDone) this.#scheduler.checkSignal()
      this.#deliver()
      if (!this.#isDone) this.#scheduler.takeInContext()
    })
  }

  /**
   * @param {unknown} [value]
   * @returns {Promise<IteratorResult<unknown>>}
   */
  async return(value) {
    if (!ResultIterator.#is(this)) throw invalidThis(NAME, this)
    this.#end()
    await this.#scheduler.closed
    return { value, done: true }
  }

  /**
   * @param {unknown} error
   * @returns {Promise<IteratorResult<unknown>>}
   */
  async throw(error) {
    if (!ResultIterator.#is(this)) throw invalidThis(NAME, this)
    this.#end()
    await this.#scheduler.closed
    throw error
  }

  async [Symbol.asyncDispose]() {
    if (!ResultIterator.#is(this)) throw invalidThis(NAME, this)
    this.#end()
    await this.#scheduler.closed
  }

  #deliver() {
    while (this.#readers.length > 0) {
      if (this.#isDone || (this.#scheduler.isDone && this.#outcomes.size === 0)) return this.#end()
      const outcome = this.#outcomes.get(this.#position)
      if (outcome === undefined) return
      this.#outcomes.delete(this.#position++)
      const reader = /** @type {Reader} */ (this.#readers.shift())
      if ('error' in outcome) {
        reader.reject(outcome.error)
        return this.#end()
      }
      reader.resolve({ value: outcome.value, done: false })
    }
  }

  /** The call was stopped from elsewhere: the next read rejects with the reason. @param {unknown} reason */
  #onStopped(reason) {
    if (this.#isDone) return
    this.#outcomes.clear()
    this.#outcomes.set(this.#position, { error: reason })
    this.#deliver()
  }

  #end() {
    this.#isDone = true
    this.#outcomes.clear()
    this.#scheduler.stop(undefined)
    for (const { resolve } of this.#readers.splice(0)) resolve({ value: undefined, done: true })
  }
}

module.exports = { ResultIterator }

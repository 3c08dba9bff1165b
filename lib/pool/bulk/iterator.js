'use strict'

const { BulkScheduler } = require('./scheduler')
const { invalidThis } = require('../../internal/validate')

/**
 * @typedef {{ value: unknown } | { error: unknown }} Outcome
 * @typedef {{ resolve: (result: IteratorResult<unknown>) => void, reject: (reason: unknown) => void }} Reader
 */

/** Default concurrency for each thread. */
const CONCURRENCY = 32
/** Name in messages; the class is not public. */
const NAME = 'AsyncIterator'

/**
 * Results in the order of their inputs. No input is read before the first `next()`, and at most `concurrency` inputs ahead of the
 * reader.
 * @implements {AsyncIterableIterator<unknown>}
 */
class ResultIterator {
  #scheduler
  /** @type {Map<number, Outcome>} at most `concurrency` of them */
  #outcomes = new Map()
  #position = 0
  /** @type {Reader[]} one for each pending `next()` */
  #readers = []
  #isDone = false

  /** @param {import('./inputs').BulkCall} call */
  constructor(call) {
    const outcomes = this.#outcomes
    this.#scheduler = BulkScheduler.open(call, CONCURRENCY, {
      get unread() {
        return outcomes.size
      },
      result: (index, value) => outcomes.set(index, { value }),
      failure: (index, error) => outcomes.set(index, { error }),
      inputsFailed: (index, error) => outcomes.set(index, { error }),
      stopped: reason => this.#onStopped(reason),
      progress: () => this.#deliver()
    })
  }

  /**
   * @param {unknown} value
   * @returns {value is ResultIterator}
   */
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
    await ResultIterator.#close(this)
    return { value, done: true }
  }

  /**
   * @param {unknown} error
   * @returns {Promise<IteratorResult<unknown>>}
   */
  async throw(error) {
    await ResultIterator.#close(this)
    throw error
  }

  async [Symbol.asyncDispose]() {
    await ResultIterator.#close(this)
  }

  /** @param {unknown} iterator */
  static #close(iterator) {
    if (!ResultIterator.#is(iterator)) throw invalidThis(NAME, iterator)
    iterator.#end()
    return iterator.#scheduler.closed
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

  /** Makes the next read reject with the reason for which the call was stopped. @param {unknown} reason */
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

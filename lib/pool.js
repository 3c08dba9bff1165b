'use strict'

const { Sink, TransformDuplex } = require('./stream')
const { callerOf } = require('./errors')
const { sizeOf, taskOf, wantsCaller } = require('./kinds')
const { Iteration } = require('./iterate')
const { nextTick, queueMicrotask } = require('./loop')
const { map } = require('./map')
const { PoolHandle } = require('./pool-handle')
const { tasks } = require('./tracing')
const { checkBoolean, checkNoOptions, checkObject, checkOptions, checkSignal, priorityNumber } = require('./validate')
const { Waiter } = require('./waiter')

/**
 * @typedef {import('../index').RunOptions} RunOptions
 * @typedef {import('../index').MapOptions} MapOptions
 * @typedef {import('./transforms').Transform} AnyTransform
 * @typedef {Iterable<unknown> | AsyncIterable<unknown>} Inputs
 */

const NORMAL = priorityNumber(undefined)
const RUN_OPTIONS = ['signal', 'priority']

/** The functions of the promise that was made last: a closure for each promise would be one more thing to collect. */
const kept = { resolve: (/** @type {unknown} */ _) => {}, reject: (/** @type {unknown} */ _) => {} }
/**
 * @param {(value: any) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function keepFunctions(resolve, reject) {
  kept.resolve = resolve
  kept.reject = reject
}

/** What the rest of the package knows of a pool. @type {(pool: Pool) => PoolHandle} */
let handleOf

class Pool {
  #handle

  static {
    handleOf = pool => pool.#handle
  }

  /** @param {import('../index').PoolOptions} [options] */
  constructor(options = {}) {
    checkObject(options)
    this.#handle = new PoolHandle(options)
  }

  get name() {
    return this.#handle.info.name
  }

  get threads() {
    return this.#handle.info.threads
  }

  get maxQueue() {
    return this.#handle.info.maxQueue
  }

  get maxQueueBytes() {
    return this.#handle.info.maxQueueBytes
  }

  /**
   * @param {AnyTransform} transform
   * @param {unknown} input
   * @param {RunOptions} [options]
   * @returns {Promise<any>}
   */
  run(transform, input, options) {
    if (!tasks.hasSubscribers) return this.#run(transform, input, options)
    return tasks.tracePromise(() => this.#run(transform, input, options), this.#traceOf('run', transform))
  }

  /**
   * @param {AnyTransform} transform
   * @param {unknown} input
   * @param {RunOptions} [options]
   * @returns {Promise<any>}
   */
  #run(transform, input, options) {
    const promise = new Promise(keepFunctions)
    const resolve = kept.resolve
    const reject = kept.reject
    try {
      let priority = NORMAL
      let signal
      if (options !== undefined) {
        checkOptions(options, RUN_OPTIONS)
        priority = priorityNumber(options.priority)
        signal = options.signal
        if (signal !== undefined) checkSignal(signal)
      }
      const pool = this.#handle
      pool.checkOpen()
      if (signal?.aborted) throw signal.reason
      const caller = wantsCaller(transform, pool) ? callerOf(this.run) : undefined
      const task = taskOf(transform, pool, priority, resolve, reject, caller)
      const bound = task.submit(transform, input, pool.takeRoom())
      if (bound) throw pool.full(bound, sizeOf(transform, input))
      if (signal !== undefined) task.watch(signal)
    } catch (error) {
      reject(error)
    }
    return promise
  }

  /**
   * @param {AnyTransform} transform
   * @param {Inputs} inputs
   * @param {MapOptions} [options]
   * @returns {Promise<any[]>}
   */
  map(transform, inputs, options = {}) {
    const caller = callerOf(this.map)
    const start = () => {
      return new Promise((resolve, reject) => map(this.#handle, transform, inputs, options, caller, resolve, reject))
    }
    return tasks.hasSubscribers ? tasks.tracePromise(start, this.#traceOf('map', transform)) : start()
  }

  /** @param {'run' | 'map'} verb @param {AnyTransform} transform which may not be one */
  #traceOf(verb, transform) {
    return { pool: this.name, verb, transform: transform?.name }
  }

  /**
   * @param {AnyTransform} transform
   * @param {Inputs} inputs
   * @param {MapOptions} [options]
   * @returns {AsyncIterableIterator<any>}
   */
  iterate(transform, inputs, options = {}) {
    return new Iteration(this.#handle, transform, inputs, options, callerOf(this.iterate))
  }

  /**
   * @param {AnyTransform} transform
   * @param {import('../index').StreamOptions} [options]
   */
  stream(transform, options = {}) {
    return new TransformDuplex(this.#handle, transform, options, callerOf(this.stream))
  }

  /**
   * @param {AnyTransform} transform
   * @param {import('../index').SinkOptions<any>} [options]
   * @returns {any}
   */
  sink(transform, options = {}) {
    return new Sink(this.#handle, transform, options, callerOf(this.sink))
  }

  /**
   * @param {unknown} [options] none yet
   * @returns {Promise<void>}
   */
  ready(options) {
    return new Promise((resolve, reject) => {
      checkNoOptions(options)
      const pool = this.#handle
      pool.checkOpen()
      // Outcomes that came along settle first: whoever they call must not find the room that is kept for this one.
      const granted = (/** @type {number} */ room) => {
        queueMicrotask(() =>
          nextTick(() => {
            pool.keepRoom(room)
            resolve()
          })
        )
      }
      new Waiter(pool, pool.takeMissing(), granted, reject)
    })
  }

  /** @param {{ reset?: boolean }} [options] */
  stats(options = {}) {
    checkOptions(options, ['reset'])
    const { reset = false } = options
    checkBoolean('The "options.reset" property', reset)
    return this.#handle.stats(reset)
  }

  /**
   * @param {{ force?: boolean }} [options]
   * @returns {Promise<void>}
   */
  async close(options = {}) {
    checkOptions(options, ['force'])
    const { force = false } = options
    checkBoolean('The "options.force" property', force)
    await this.#handle.close(force)
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }
}

/** The process-wide pool. It has no threads before its first task. */
const pool = new Pool({ name: 'default' })

module.exports = { Pool, pool, handleOf }

'use strict'

const { TransformDuplex, collect, each } = require('../stream')
const { unwatch, watch } = require('../internal/abort')
const { captureCaller } = require('../internal/errors')
const { ResultIterator } = require('./bulk/iterator')
const { map } = require('./bulk/map')
const { PoolState } = require('./pool-state')
const { estimateUtf8 } = require('../json/utf-encoder')
const { captureResolvers, deferred } = require('../internal/deferred')
const { tasks } = require('../internal/diagnostics')
const { markCopy } = require('../internal/package-copy')
const { implementationOf } = require('../task/implementation')
const {
  checkBoolean,
  checkNoOptions,
  checkObject,
  checkOptions,
  checkSignal,
  invalidThis,
  priorityNumber
} = require('../internal/validate')
const { Waiter } = require('../task/waiter')
const { WaitingTask } = require('../task/waiting-task')
const { NO_RESERVATION, freeInTurn } = require('../native/reservation')

/**
 * @typedef {import('../..').RunOptions} RunOptions
 * @typedef {import('../..').MapOptions} MapOptions
 * @typedef {import('../native/transform').Transform} AnyTransform
 * @typedef {Iterable<unknown> | AsyncIterable<unknown>} Inputs
 * @typedef {import('../internal/abort').Abortable} Abortable
 */

const NORMAL = priorityNumber(undefined)
const RUN_OPTIONS = ['signal', 'priority', 'wait']

/** Returns the state of a pool, for the rest of the package. @type {(pool: Pool) => PoolState} */
let stateOf

class Pool {
  #state

  static {
    stateOf = pool => {
      if (!Pool.#is(pool)) throw invalidThis('Pool', pool)
      return pool.#state
    }
  }

  /**
   * @param {unknown} value
   * @returns {value is Pool}
   */
  static #is(value) {
    return typeof value === 'object' && value !== null && #state in value
  }

  /** @param {import('../..').PoolOptions} [options] */
  constructor(options = {}) {
    checkObject(options)
    this.#state = new PoolState(options)
  }

  get name() {
    return stateOf(this).info.name
  }

  get threads() {
    const { info, isClosed } = stateOf(this)
    return isClosed ? 0 : info.threads
  }

  get maxQueue() {
    const { info, isClosed } = stateOf(this)
    return isClosed ? 0 : info.maxQueue
  }

  get maxQueueBytes() {
    const { info, isClosed } = stateOf(this)
    return isClosed ? 0 : info.maxQueueBytes
  }

  /**
   * @param {AnyTransform} transform
   * @param {unknown} input
   * @param {RunOptions} [options]
   * @returns {Promise<any>}
   */
  run(transform, input, options) {
    if (!Pool.#is(this)) return Promise.reject(invalidThis('Pool', this))
    if (!tasks.hasSubscribers) return this.#run(transform, input, options)
    return tasks.tracePromise(() => this.#run(transform, input, options), this.#traceContext('run', transform))
  }

  /** @type {Pool['run']} */
  #run(transform, input, options) {
    const promise = new Promise(captureResolvers)
    let { resolve, reject } = deferred
    try {
      let priority = NORMAL
      let signal
      let wait = false
      if (options !== undefined) {
        checkOptions(options, RUN_OPTIONS)
        priority = priorityNumber(options.priority)
        signal = options.signal
        if (signal !== undefined) checkSignal(signal)
        if (options.wait !== undefined) wait = options.wait
        checkBoolean('options.wait', wait)
      }
      const pool = this.#state
      pool.checkOpen()
      if (signal?.aborted) throw signal.reason
      const implementation = implementationOf(transform)
      const read = implementation.read(input)
      // A getter of the input may have closed the pool.
      if (read !== input) pool.checkOpen()
      const isTraced = pool.tasksInFlight < implementation.callerLimit
      const caller = isTraced ? captureCaller(Pool.prototype.run) : undefined
      const watched = signal === undefined ? undefined : watchTask(signal, resolve, reject)
      if (watched !== undefined) ({ resolve, reject } = watched)
      const context = { pool, priority, resolve, reject, caller }
      const task = implementation.createTask(context)
      if (wait) {
        const waiting = new WaitingTask(context, task, read, transform.name)
        waiting.submit(freeInTurn())
        watched?.watch(waiting)
      } else {
        const bound = task.submit(read, NO_RESERVATION)
        if (bound) throw pool.rejectFull(bound, transform.name, refusedSize(task, read))
        if (watched !== undefined) watched.watch(task)
        else if (caller === undefined && implementation.canBeBare) task.makeBare?.(resolve)
      }
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
    if (!Pool.#is(this)) return Promise.reject(invalidThis('Pool', this))
    const caller = captureCaller(Pool.prototype.map)
    const call = { pool: this.#state, transform, inputs, options, caller }
    const start = () => new Promise((resolve, reject) => map(call, resolve, reject))
    return tasks.hasSubscribers ? tasks.tracePromise(start, this.#traceContext('map', transform)) : start()
  }

  /**
   * @param {'run' | 'map'} verb
   * @param {unknown} transform not checked yet
   */
  #traceContext(verb, transform) {
    return { pool: this.#state.info.name, verb, transform: transformName(transform) }
  }

  /**
   * @param {AnyTransform} transform
   * @param {Inputs} inputs
   * @param {MapOptions} [options]
   * @returns {AsyncIterableIterator<any>}
   */
  iterate(transform, inputs, options = {}) {
    const pool = stateOf(this)
    return new ResultIterator({ pool, transform, inputs, options, caller: captureCaller(Pool.prototype.iterate) })
  }

  /**
   * @param {AnyTransform} transform
   * @param {import('../..').PoolStreamOptions} [options]
   */
  stream(transform, options = {}) {
    return new TransformDuplex(stateOf(this), transform, options, captureCaller(Pool.prototype.stream))
  }

  /**
   * @param {AnyTransform} transform
   * @param {import('../..').PoolStreamOptions} [options]
   */
  collect(transform, options = {}) {
    return collect(stateOf(this), transform, options, captureCaller(Pool.prototype.collect))
  }

  /**
   * @param {AnyTransform} transform
   * @param {(result: any, index: number) => unknown} [onResult]
   * @param {import('../..').EachOptions} [options]
   */
  each(transform, onResult, options = {}) {
    return each(stateOf(this), transform, onResult, options, captureCaller(Pool.prototype.each))
  }

  /**
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>}
   */
  ready(options = {}) {
    return new Promise((resolve, reject) => {
      const pool = stateOf(this)
      checkOptions(options, ['signal'])
      const { signal } = options
      if (signal !== undefined) checkSignal(signal)
      pool.checkOpen()
      if (signal?.aborted) throw signal.reason
      const watched = signal === undefined ? undefined : watchTask(signal, resolve, reject)
      const settle = watched ?? { resolve, reject }
      const onGranted = () => settle.resolve(undefined)
      const waiter = new Waiter({ pool, bytes: 1, onGranted, onRejected: settle.reject, isNotification: true })
      watched?.watch(waiter)
    })
  }

  /** @type {(depth: number, options: object, inspect: Function) => unknown} */
  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    if (!Pool.#is(this)) return this
    const { info, isClosed } = this.#state
    const name = info.name === undefined ? {} : { name: info.name }
    if (isClosed) return `Pool ${inspect({ ...name, closed: true }, options)}`
    const { running, queued } = this.#state.stats()
    return `Pool ${inspect({ ...name, threads: info.threads, running, queued }, options)}`
  }

  /** @param {unknown} [options] none */
  stats(options) {
    const pool = stateOf(this)
    checkNoOptions(options)
    return pool.stats()
  }

  /**
   * @param {{ force?: boolean }} [options]
   * @returns {Promise<void>}
   */
  async close(options = {}) {
    const pool = stateOf(this)
    checkOptions(options, ['force'])
    const { force = false } = options
    checkBoolean('options.force', force)
    await pool.close(force)
  }

  async [Symbol.asyncDispose]() {
    stateOf(this)
    await this.close()
  }
}

/**
 * Watches a signal for a task from its submission until it settles through the returned functions. If the signal cannot be watched,
 * the task is aborted.
 * @param {AbortSignal} signal
 * @param {(value: any) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function watchTask(signal, resolve, reject) {
  /** @type {Abortable | undefined} */
  let task
  let isSettled = false
  const settle = (/** @type {(value: any) => void} */ callback, /** @type {unknown} */ value) => {
    isSettled = true
    if (task !== undefined) unwatch(signal, task)
    callback(value)
  }
  return {
    resolve: (/** @type {any} */ value) => settle(resolve, value),
    reject: (/** @type {unknown} */ reason) => settle(reject, reason),
    watch(/** @type {Abortable} */ submitted) {
      if (isSettled) return
      task = submitted
      try {
        watch(signal, task)
      } catch (error) {
        task.abort(error)
      }
    }
  }
}

/**
 * Returns the size of a refused input for a message: that of a long text is an estimate.
 * @param {import('../task/contract').Runnable} task
 * @param {unknown} input
 */
function refusedSize(task, input) {
  const bytes = task.maxBytes(input)
  return typeof input === 'string' ? Math.min(bytes, estimateUtf8(input)) : bytes
}

/**
 * Returns the name of a transform for a trace; `undefined` if there is none, or reading it throws.
 * @param {any} transform
 */
function transformName(transform) {
  try {
    return transform?.name
  } catch {
    return undefined
  }
}

/** The process-wide pool. Its threads start with the first task. */
const pool = new Pool({ name: 'default' })

markCopy(Pool)

module.exports = { Pool, pool, stateOf }

'use strict'

const native = require('../native')
const { readWorkerOptions } = require('../worker')
const { BareTasks } = require('../task/bare-tasks')
const { closedError, forcedError, queueFullError } = require('../internal/errors')
const { completionPort } = require('../native/completion-port')
const { checkOptions, pickOptions } = require('../internal/validate')
const { loopScheduler } = require('../native/shared')
const { nativeArgument } = require('../native/argument')

/** Options that native code reads. */
const NATIVE_OPTIONS = /** @type {const} */ (['name', 'threads', 'maxQueue', 'maxQueueBytes', 'maxWait', 'maxOutput'])
const OPTIONS = [...NATIVE_OPTIONS, 'workers']

/** Closes pools that were garbage-collected without being closed. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.closePool(handle))

/**
 * @typedef {object} Runner
 * @property {(force: boolean) => Promise<void>} end
 */

/** The state of a pool in this environment: its tasks in flight, and whether it is open, closing or closed. */
class PoolState {
  /** @type {'open' | 'closing' | 'closed'} */
  #state = 'open'
  /** Tasks, batches and waiters that native code still references. */
  #tasksInFlight = 0
  #isForced = false
  /** @type {Promise<void> | undefined} */
  #closePromise
  /** @type {() => void} */
  #resolveClosed = () => {}

  /** Unfinished bulk calls, and streams with a running step. @type {Set<{ stop(reason: unknown): void, poolClosed?(): void }>} */
  operations = new Set()
  /** Open streams, with or without a running step. @type {Set<WeakRef<{ stop(reason: unknown): void }>>} */
  streams = new Set()

  /** Settles the bare tasks of `run`. @type {import('../native/completion-port').Listener} */
  bareTasks = new BareTasks(this)

  /** Runners of user code, by class. @type {Map<Function, Runner>} */
  #runners = new Map()
  #workerOptions

  /** @param {import('../..').PoolOptions} options */
  constructor(options) {
    checkOptions(options, OPTIONS)
    this.#workerOptions = readWorkerOptions(options.workers)
    this.info = native.openPool(nativeArgument(pickOptions(options, NATIVE_OPTIONS)))
    /** Handle in native code. */
    this.handle = this.info.handle
    registry.register(this, this.handle, this)
  }

  checkOpen() {
    if (this.#state !== 'open') throw closedError(this.info.name)
  }

  /**
   * Returns the runner of a class for user code, created on first use.
   * @template {Runner} R
   * @param {new (pool: PoolState, options: import('../worker/options').WorkerOptions) => R} Runner
   * @returns {R}
   */
  runner(Runner) {
    let runner = this.#runners.get(Runner)
    if (runner === undefined) {
      runner = new Runner(this, this.#workerOptions)
      this.#runners.set(Runner, runner)
    }
    return /** @type {R} */ (runner)
  }

  /**
   * Counts a rejected task and returns its error.
   * @param {import('../native/binding').Bound} bound
   * @param {string} transform
   * @param {number} bytes of the input; 0 if unknown
   */
  rejectFull(bound, transform, bytes) {
    native.countRejected(this.handle)
    return queueFullError(this.info, bound, transform, bytes)
  }

  get tasksInFlight() {
    return this.#tasksInFlight
  }

  taskStarted() {
    this.#tasksInFlight++
  }

  taskEnded() {
    if (--this.#tasksInFlight === 0) this.#closeIfDone()
  }

  get isClosed() {
    return this.#state === 'closed'
  }

  stats() {
    if (this.isClosed) throw closedError(this.info.name, '')
    return { ...native.poolStats(this.handle), loop: loopScheduler.stats() }
  }

  /**
   * Rejects new tasks and waits for admitted ones, or cancels them.
   * @param {boolean} force
   * @returns {Promise<void>}
   */
  close(force) {
    this.#closePromise ??= new Promise(resolve => {
      this.#resolveClosed = resolve
      this.#state = 'closing'
    })
    this.#isForced ||= force
    // A bulk call may wait for its inputs without a task in flight.
    if (force || this.#state === 'closing') this.#stopAll(force)
    this.#closeIfDone()
    return this.#closePromise
  }

  /**
   * Rejects the calls that wait for a reservation, and with `force` cancels every task.
   * @param {boolean} force
   */
  #stopAll(force) {
    // A separate error object for each task: its caller may change it.
    const reason = () => forcedError(this.info.name)
    if (force) for (const operation of this.operations) operation.stop(reason())
    if (force) for (const stream of this.streams) stream.deref()?.stop(reason())
    for (const [taskId, listener] of completionPort.entries()) {
      if (listener?.pool !== this) continue
      if (listener.onClose !== undefined) listener.onClose(force)
      else if (force) listener.abort?.(reason(), taskId)
    }
  }

  #closeIfDone() {
    if (this.#state !== 'closing' || this.#tasksInFlight > 0) return
    this.#state = 'closed'
    // Streams that were not ended cannot continue.
    for (const stream of this.streams) stream.deref()?.stop(closedError(this.info.name))
    registry.unregister(this)
    native.closePool(this.handle)
    Promise.all([...this.#runners.values()].map(runner => runner.end(this.#isForced))).then(() => {
      for (const operation of this.operations) operation.poolClosed?.()
      this.#resolveClosed()
    })
  }
}

module.exports = { PoolState }

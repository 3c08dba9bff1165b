'use strict'

const { AsyncResource } = require('node:async_hooks')
const { isAnyArrayBuffer, isArrayBuffer } = require('node:util').types
const { taskError } = require('../internal/errors')
const { keepHiddenClass } = require('../internal/hidden-class')
const { lazy } = require('../internal/lazy')
const { Moved, valueBytes } = require('../task/input')
const { findDetached, detachedMessage } = require('../internal/detached')
const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { explainCloneError } = require('../internal/clone-error')

/**
 * Runs tasks of user code.
 * @typedef {object} Runner
 * @property {number} subscriptionId
 * @property {import('../native/binding').ExternalKind} kind
 * @property {(permit: number) => void} onPermit
 * @property {(task: WorkerTask, reason: unknown) => void} interrupt stops a task that has begun
 * @property {(task: WorkerTask) => void} onSubmitted the input of a task with a permit can be sent
 */

/** Undefined in Node.js 20. */
const { transfer: transferMemory } = /** @type {any} */ (ArrayBuffer.prototype)
/** @type {() => any} */
const workerThreads = lazy(() => require('node:worker_threads'))
/** The transfer list of most inputs. @type {readonly any[]} */
const NO_TRANSFER = Object.freeze([])

/** One input of a user's function or script on its way through a pool. */
class WorkerTask extends AsyncResource {
  /** Id at the completion port. */
  id = -1
  /** @type {any} */
  input
  /** Transfer list of the input. @type {readonly any[]} */
  transfer = NO_TRANSFER
  /** True after a batch with this task could not be sent. */
  mustBeAlone = false
  /** @type {unknown} of the abort */
  reason
  /** True after a thread ended while it imported the module of this task; an earlier task may have been the cause. */
  wasRetried = false
  /** Of the transform, for the runner. @type {any} */
  definition
  #context
  #runner
  #isSettled = false

  /**
   * @param {import('../task/contract').TaskContext} context
   * @param {Runner} runner
   * @param {any} definition
   */
  constructor(context, runner, definition) {
    super('OffloopTask')
    this.#context = context
    this.#runner = runner
    this.definition = definition
  }

  get pool() {
    return this.#context.pool
  }

  get caller() {
    return this.#context.caller
  }

  /** Whether the promise has settled. */
  get isSettled() {
    return this.#isSettled
  }

  /** True if the input is sent without others. */
  get isAlone() {
    return this.mustBeAlone || this.transfer.length > 0
  }

  /**
   * Returns the bound that is reached, in which case nothing has happened.
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   * @returns {import('../native/binding').Bound | null}
   */
  submit(input, reservation) {
    const bytes = valueBytes(input)
    const { subscriptionId, kind } = this.#runner
    const { pool, priority } = this.#context
    const taskId = completionPort.register(this)
    this.id = taskId
    let submitted
    try {
      submitted = native.submitExternal(pool.handle, subscriptionId, taskId, kind, bytes, priority, reservation.take())
    } catch (error) {
      completionPort.release(taskId)
      throw error
    }
    if (typeof submitted === 'string') {
      completionPort.release(taskId)
      return submitted
    }
    pool.taskStarted()
    this.input = input
    const isQueued = submitted === native.QUEUED
    if (!isQueued) this.#runner.onPermit(submitted)
    // `onPermit` fails the task if no thread can be started.
    if (Moved.is(input) && !this.#isSettled) this.#transferInput(input)
    if (!isQueued && !this.#isSettled) this.#runner.onSubmitted(this)
    return null
  }

  /** @param {unknown} input */
  maxBytes(input) {
    return valueBytes(input)
  }

  /**
   * Receives the outcome of a task that native code removed from the queue.
   * @param {unknown} _value
   * @param {import('../internal/errors').SerializedFailure} [failure]
   */
  settle(_value, failure) {
    if (failure !== undefined) this.fail(taskError(failure, this.caller))
    this.pool.taskEnded()
  }

  /**
   * Rejects the promise now; the work stops as soon as possible.
   * @param {unknown} reason
   */
  abort(reason) {
    if (this.#isSettled) return
    this.#markSettled()
    this.reason = reason
    this.#context.reject(reason)
    if (native.cancel(this.id)) this.release()
    else this.#runner.interrupt(this, reason)
  }

  /**
   * @param {unknown} value
   * @param {number} micros duration of the task, or the average of such tasks
   */
  succeed(value, micros) {
    if (this.#isSettled) return
    this.#markSettled()
    this.runInAsyncScope(this.#context.resolve, undefined, value, micros)
  }

  /** @param {unknown} error */
  fail(error) {
    if (this.#isSettled) return
    this.#markSettled()
    this.runInAsyncScope(this.#context.reject, undefined, error)
  }

  /** Releases the id, which native code no longer references. */
  release() {
    completionPort.release(this.id)
    this.pool.taskEnded()
  }

  /** Detaches the memory from its owner, now that the pool has admitted the task. @param {Moved} moved */
  #transferInput({ value, transfer }) {
    try {
      const transferred = transferValue(value, transfer)
      this.input = transferred.value
      this.transfer = transferred.transfer
    } catch (error) {
      // Node refuses to transfer memory that it owns; the input is copied instead.
      if (!isBytes(value)) return this.abort(cloneError(value, transfer, error))
      this.input = value
    }
  }

  #markSettled() {
    this.#isSettled = true
    this.input = undefined
    this.transfer = NO_TRANSFER
  }
}

/**
 * Whether V8 can transfer a buffer without `structuredClone`, which costs much more.
 * @param {unknown} value
 * @returns {value is ArrayBuffer}
 */
function canTransfer(value) {
  if (!isArrayBuffer(value) || transferMemory === undefined) return false
  return workerThreads().isMarkedAsUntransferable?.(value) === false
}

/**
 * @param {any} value
 * @param {any[]} transfer
 * @returns {{ value: any, transfer: readonly any[] }}
 */
function transferValue(value, transfer) {
  if (transfer.length === 1 && transfer[0] === value) {
    const transferred = canTransfer(value) ? transferMemory.call(value) : structuredClone(value, { transfer })
    return { value: transferred, transfer: [transferred] }
  }
  return structuredClone({ value, transfer }, { transfer })
}

/**
 * Returns the error of an input that contains detached memory, or `undefined`.
 * @param {unknown} input
 */
function detachedInputError(input) {
  const found = findDetached(input, 'input')
  if (found === undefined) return undefined
  const message = `The input cannot be cloned: ${detachedMessage(found.path, found.memory)}`
  return new DOMException(message, 'DataCloneError')
}

/**
 * Returns the error of an input that cannot be cloned, with the path to the offending part. Errors about the transfer list, and those
 * of Node.js about something else, are returned unchanged.
 * @param {unknown} input
 * @param {readonly unknown[]} transfer
 * @param {any} error that cloning it threw
 */
function cloneError(input, transfer, error) {
  const detachedError = detachedInputError(input)
  if (detachedError !== undefined) return detachedError
  const isAboutInput = transfer.length === 0 && !String(error?.code).startsWith('ERR_')
  return isAboutInput ? new DOMException(explainCloneError('input', input, error), 'DataCloneError') : error
}

/** @param {unknown} value */
function isBytes(value) {
  return ArrayBuffer.isView(value) || isAnyArrayBuffer(value)
}

const NOTHING = /** @type {any} */ ({})
keepHiddenClass(new WorkerTask(NOTHING, NOTHING, NOTHING))

module.exports = { WorkerTask, cloneError }

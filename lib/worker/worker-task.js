'use strict'

const { AsyncResource } = require('node:async_hooks')
const { isAnyArrayBuffer, isArrayBuffer } = require('node:util').types
const { unwatch, watch } = require('../internal/abort')
const { sizeOfBytes } = require('../internal/typed-array')
const { taskError } = require('../internal/errors')
const { Moved, checkAttached } = require('../task/input')
const { findDetached, detachedMessage } = require('../internal/detached')
const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { explainCloneError } = require('./clone-error')

/**
 * @typedef {import('../task/contract').TaskPool} TaskPool
 * @typedef {import('../native/binding').Bound} Bound
 *
 * Runs tasks of users' code.
 * @typedef {object} Runner
 * @property {number} subscriptionId
 * @property {import('../native/binding').ExternalKind} kind
 * @property {(permit: number) => void} onPermit
 * @property {(task: WorkerTask, reason: unknown) => void} interrupt one that has begun
 * @property {(task: WorkerTask) => void} onMoved its moved input has been taken and can be sent
 */

/** Undefined in Node.js 20. */
const { transfer: transferMemory } = /** @type {any} */ (ArrayBuffer.prototype)
/** `node:worker_threads`, loaded with the first moved buffer. @type {any} */
let workerThreads
/** The transfer list of most inputs. @type {readonly any[]} */
const NO_TRANSFER = Object.freeze([])

/** One input of a user's function on its way through a pool. */
class WorkerTask extends AsyncResource {
  /** Its id at the completion port. */
  id = -1
  /** @type {any} */
  input
  /** What of it changes hands. @type {readonly any[]} */
  transfer = NO_TRANSFER
  /** True if its batch could not be sent: from then on it is sent alone. */
  mustBeAlone = false
  /** Reason of its abort. @type {unknown} */
  reason
  /** True after a thread ended while it imported the module of this task; an earlier task may have been the cause. */
  wasRetried = false
  #runner
  #resolve
  #reject
  #caller
  #isSettled = false
  /** @type {AbortSignal | undefined} */
  #signal

  /**
   * @param {TaskPool} pool
   * @param {Runner} runner
   * @param {any} transform
   * @param {number} priority
   * @param {(value: any, micros?: number) => void} resolve
   * @param {(reason: unknown) => void} reject
   * @param {{ stack?: string } | undefined} caller
   */
  constructor(pool, runner, transform, priority, resolve, reject, caller) {
    super('OffloopTask')
    this.pool = pool
    this.transform = transform
    this.priority = priority
    this.#runner = runner
    this.#resolve = resolve
    this.#reject = reject
    this.#caller = caller
  }

  /** Nobody waits for it any more. */
  get isSettled() {
    return this.#isSettled
  }

  /** True if it is sent without others. */
  get isAlone() {
    return this.mustBeAlone || this.transfer.length > 0
  }

  get caller() {
    return this.#caller
  }

  /**
   * Returns the bound that is reached if there is no room: then nothing has happened.
   * @param {unknown} _transform
   * @param {unknown} input
   * @param {import('../native/reservation').Reservation} reservation
   * @returns {Bound | null}
   */
  submit(_transform, input, reservation) {
    checkAttached(input)
    const { subscriptionId, kind } = this.#runner
    const { pool, priority } = this
    const bytes = byteSizeOf(input)
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
    if (submitted !== native.QUEUED) this.#runner.onPermit(submitted)
    // It has failed if no thread could be started.
    if (Moved.is(input) && !this.#isSettled) {
      // Nothing reads it before it is taken: the runner waits for `onMoved`, or for the end of this turn.
      this.#takeMemory(input)
      this.#runner.onMoved(this)
    }
    return null
  }

  /** @param {AbortSignal} signal not aborted yet */
  watch(signal) {
    if (this.#isSettled) return
    this.#signal = signal
    watch(signal, this)
  }

  /**
   * It has not begun, and will not.
   * @param {unknown} _value
   * @param {import('../internal/errors').SerializedFailure} [failure]
   */
  settle(_value, failure) {
    if (failure !== undefined) this.fail(taskError(failure, this.#caller))
    this.pool.taskEnded()
  }

  /**
   * The caller does not want it any more: the promise rejects now, the work stops as soon as it can.
   * @param {unknown} reason
   */
  abort(reason) {
    if (this.#isSettled) return
    this.#markSettled()
    this.reason = reason
    this.#reject(reason)
    if (native.cancel(this.id)) this.release()
    else this.#runner.interrupt(this, reason)
  }

  /**
   * @param {unknown} value
   * @param {number} micros that such a task takes
   */
  succeed(value, micros) {
    if (this.#isSettled) return
    this.#markSettled()
    this.runInAsyncScope(this.#resolve, undefined, value, micros)
  }

  /** @param {unknown} error */
  fail(error) {
    if (this.#isSettled) return
    this.#markSettled()
    this.runInAsyncScope(this.#reject, undefined, error)
  }

  /** Nothing will be heard of it any more. */
  release() {
    completionPort.release(this.id)
    this.pool.taskEnded()
  }

  /** Takes the memory from its owner, now that there is room for it. @param {Moved} moved */
  #takeMemory({ value, transfer }) {
    try {
      const taken = transferValue(value, transfer)
      this.input = taken.value
      this.transfer = taken.transfer
    } catch (error) {
      // Node keeps its external memory to itself: it is copied.
      if (!isBytes(value)) return this.abort(cloneError(value, transfer, error))
      this.input = value
    }
  }

  #markSettled() {
    this.#isSettled = true
    this.input = undefined
    this.transfer = NO_TRANSFER
    if (this.#signal !== undefined) unwatch(this.#signal, this)
  }
}

/** True if V8 can move a buffer itself, which costs much less than `structuredClone`. @param {unknown} value @returns {value is ArrayBuffer} */
function canTransfer(value) {
  if (!isArrayBuffer(value) || transferMemory === undefined) return false
  workerThreads ??= require('node:worker_threads')
  return workerThreads.isMarkedAsUntransferable?.(value) === false
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
 * The error of an input that cannot be cloned because memory in it was given away before. `undefined`: it was not that.
 * @param {unknown} input
 */
function detachedInputError(input) {
  const found = findDetached(input, 'input')
  if (found === undefined) return undefined
  const message = `The input cannot be cloned: ${detachedMessage(found.path, found.memory)}`
  return new DOMException(message, 'DataCloneError')
}

/**
 * Explains why an input cannot be cloned, by the path to the part that cannot be. Errors of Node.js about something else, and about
 * the transfer list, stay as they are.
 * @param {unknown} input
 * @param {readonly unknown[]} transfer
 * @param {any} error that cloning it threw
 */
function cloneError(input, transfer, error) {
  const lost = detachedInputError(input)
  if (lost !== undefined) return lost
  const isAboutInput = transfer.length === 0 && !String(error?.code).startsWith('ERR_')
  return isAboutInput ? new DOMException(explainCloneError('input', input, error), 'DataCloneError') : error
}

/** @param {unknown} value */
function isBytes(value) {
  return ArrayBuffer.isView(value) || isAnyArrayBuffer(value)
}

/**
 * Returns the bytes that an input counts with: those of a buffer or a view, and the length of a string. Other values count nothing,
 * whatever their properties say: nothing of the value is read.
 * @param {unknown} input
 * @returns {number}
 */
function byteSizeOf(input) {
  if (typeof input === 'string') return input.length
  return Moved.is(input) ? byteSizeOf(input.value) : sizeOfBytes(input)
}

module.exports = { WorkerTask, cloneError, byteSizeOf }

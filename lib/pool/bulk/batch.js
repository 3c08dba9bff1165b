'use strict'

const { isUint8Array } = require('node:util').types
const { lengthOf } = require('../../internal/typed-array')
const native = require('../../native')
const { taskError } = require('../../internal/errors')
const { FieldsInput } = require('../../task/fields')
const { keepHiddenClass } = require('../../internal/hidden-class')
const { MAX_UTF8 } = require('../../json/utf-encoder')
const { completionPort } = require('../../native/completion-port')
const { Reservation } = require('../../native/reservation')
const { Transform } = require('../../native/transform')

/**
 * The bulk call that a unit belongs to.
 * @typedef {object} UnitOwner
 * @property {import('../pool-state').PoolState} pool
 * @property {any} transform
 * @property {Implementation} implementation
 * @property {number} priority
 * @property {{ stack?: string }} caller
 * @property {(reason: unknown) => void} stop
 * @property {(index: number, value: unknown) => void} result
 * @property {(index: number, error: unknown) => void} failure
 * @property {(count: number, micros: number) => void} addTiming
 * @property {(unit: any) => void} unitSettled
 *
 * @typedef {import('../../native/binding').Bound} Bound
 * @typedef {string | Uint8Array | FieldsInput} BatchInput
 * @typedef {import('../../task/implementation').Implementation} Implementation
 */

/** Bytes of a full batch. */
const BATCH_BYTES = 256 << 10

/** Id of a batch that native code no longer has. */
const NO_TASK = -1

/** Maximum number of packed inputs kept for later batches, to spare the garbage collector. */
const MAX_SPARE = 8

/** @type {PackedInputs[]} */
const spare = []

/** Small inputs, concatenated in the form that native code reads. */
class PackedInputs {
  bytes = Buffer.allocUnsafeSlow(BATCH_BYTES)
  lengths = new Uint32Array(native.MAX_BATCH)
  count = 0
  length = 0
  /** Index of the first input. */
  first = 0
  #memory = this.bytes.buffer
  /** Whether an input has fields, which may be secret. */
  #hasFields = false

  /** @param {number} first */
  static acquire(first) {
    const packed = spare.pop() ?? new PackedInputs()
    packed.first = first
    return packed
  }

  /**
   * The memory to lend to native code, or `undefined` if native code is to copy the bytes: if much of the memory is unused, which
   * the bounds of a pool do not count, or if fields may be secret, since native code clears its copy sooner.
   */
  get lent() {
    return this.length > BATCH_BYTES / 2 && !this.#hasFields ? this.#memory : undefined
  }

  /** Makes the buffers available to later batches. */
  recycle() {
    if (this.#hasFields) this.bytes.fill(0)
    this.#hasFields = false
    this.count = 0
    this.length = 0
    if (spare.length < MAX_SPARE) spare.push(this)
  }

  /** @param {BatchInput} input */
  fits(input) {
    const maxBytes = sizeOfInput(input)
    return this.count < this.lengths.length && this.length + maxBytes <= BATCH_BYTES
  }

  /** Appends an input that fits and returns its bytes. @param {BatchInput} input */
  add(input) {
    let size
    if (typeof input === 'string') {
      size = this.bytes.write(input, this.length)
      this.lengths[this.count++] = size | native.OF_STRING
    } else if (isUint8Array(input)) {
      size = lengthOf(input)
      this.bytes.set(input, this.length)
      this.lengths[this.count++] = size
    } else {
      this.#hasFields = true
      size = input.write(this.bytes, this.length)
      this.lengths[this.count++] = size | native.OF_FIELDS
    }
    this.length += size
    return size
  }
}

/** Returns the maximum bytes that an input may need. Runs no user code, unlike `instanceof`. @param {BatchInput} input */
function sizeOfInput(input) {
  if (typeof input === 'string') return input.length * MAX_UTF8
  return isUint8Array(input) ? lengthOf(input) : input.maxBytes
}

/** A task for packed inputs: one round trip for all of them. */
class BatchTask {
  #call
  #taskId = NO_TASK
  #settledCount = 0
  /** @type {PackedInputs | undefined} until native code has copied it or no longer borrows it */
  #packed

  /**
   * @param {UnitOwner} call
   * @param {PackedInputs} packed
   */
  constructor(call, packed) {
    this.#call = call
    this.#packed = packed
    this.pool = call.pool
    this.caller = call.caller
    this.first = packed.first
    this.count = packed.count
    this.bytes = packed.length
  }

  /**
   * Returns the bound that is reached, in which case nothing has happened.
   * @param {Reservation} reservation
   * @returns {Bound | null}
   */
  submit(reservation) {
    const { transform, priority, pool } = this.#call
    const packed = /** @type {PackedInputs} */ (this.#packed)
    const { bytes, length, lengths, lent } = packed
    const transformHandle = Transform.handle(transform)
    const taskId = completionPort.register(this)
    let bound
    try {
      bound = native.submitBatch(
        pool.handle,
        transformHandle,
        taskId,
        lent ?? bytes,
        length,
        lengths,
        this.count,
        priority,
        reservation.take()
      )
    } catch (error) {
      completionPort.release(taskId)
      throw error
    }
    if (bound !== null) {
      completionPort.release(taskId)
      return bound
    }
    this.#taskId = taskId
    if (lent === undefined) this.#recycle()
    pool.taskStarted()
    return null
  }

  #recycle() {
    this.#packed?.recycle()
    this.#packed = undefined
  }

  /** The batch could not be submitted. @param {unknown} error */
  fail(error) {
    this.#call.stop(error)
  }

  /**
   * The batch has run; its results follow.
   * @param {number} count
   * @param {number} micros
   */
  onBatch(count, micros) {
    this.#recycle()
    // The results may settle over several event-loop iterations, in which another task may get the id.
    this.#taskId = NO_TASK
    this.#call.addTiming(count, micros)
  }

  /** Whether every input of the batch has settled. */
  get isDone() {
    return this.#settledCount === this.count
  }

  /**
   * @param {unknown} value
   * @param {import('../../internal/errors').SerializedFailure | undefined} failure
   */
  settle(value, failure) {
    const index = this.first + this.#settledCount++
    // Results of a batch may settle over several event-loop iterations: a closing pool waits for all of them.
    if (this.isDone) this.pool.taskEnded()
    if (failure === undefined) this.#call.result(index, value)
    else this.#call.failure(index, taskError(failure, this.#call.caller))
    if (this.isDone) this.#call.unitSettled(this)
  }

  /** The pool is closed by force. @param {unknown} reason */
  abort(reason) {
    this.#call.stop(reason)
  }

  cancel() {
    if (this.#taskId === NO_TASK || !native.cancel(this.#taskId)) return
    this.#recycle()
    completionPort.release(this.#taskId)
    this.pool.taskEnded()
  }
}

/** A task for one input of a bulk call. */
class SingleTask {
  #call
  #index
  #input
  /** @type {import('../../task/contract').Runnable | undefined} */
  #task
  /** Kept after a refusal: user code in the input must not run again. @type {import('../../task/contract').Runnable | undefined} */
  #refused
  /** Whether the input has settled, which happens during `submit` if it cannot be transferred. */
  isDone = false

  /**
   * @param {UnitOwner} call
   * @param {number} index
   * @param {unknown} input
   * @param {number} bytes maximum that the input may need
   */
  constructor(call, index, input, bytes) {
    this.#call = call
    this.#index = index
    this.#input = input
    this.bytes = bytes
  }

  /**
   * Returns the bound that is reached, in which case nothing has happened.
   * @param {Reservation} reservation
   * @returns {Bound | null}
   */
  submit(reservation) {
    const { implementation, pool } = this.#call
    const task = this.#refused ?? this.#createTask()
    this.#refused = task
    // Reserves the maximum bytes that a text may need: a bulk call waits instead of being rejected.
    const hasText = typeof this.#input === 'string' || this.#input instanceof FieldsInput
    const reserved = implementation.canBatch && hasText ? reserveBytes(pool, this.bytes, reservation) : reservation
    if (typeof reserved === 'string') return reserved
    try {
      const bound = task.submit(this.#input, reserved)
      if (bound !== null) return bound
    } finally {
      reserved.release()
    }
    this.#task = task
    this.#refused = undefined
    this.#input = undefined
    return null
  }

  #createTask() {
    const call = this.#call
    const resolve = (/** @type {unknown} */ value, /** @type {number | undefined} */ micros) => {
      if (micros !== undefined) call.addTiming(1, micros)
      this.isDone = true
      call.result(this.#index, value)
      call.unitSettled(this)
    }
    const { implementation, pool, priority, caller } = call
    const reject = (/** @type {unknown} */ error) => this.fail(error)
    return implementation.createTask({ pool, priority, resolve, reject, caller })
  }

  /** @param {unknown} error */
  fail(error) {
    this.isDone = true
    this.#call.failure(this.#index, error)
    this.#call.unitSettled(this)
  }

  cancel() {
    this.#task?.abort(undefined)
  }
}

/**
 * Reserves the maximum bytes that an input may need. Returns the reservation, or the bound that is reached.
 * @param {import('../pool-state').PoolState} pool
 * @param {number} bytes
 * @param {Reservation} reservation to adjust to that size
 */
function reserveBytes(pool, bytes, reservation) {
  const handle = native.reserve(pool.handle, bytes, reservation.take())
  return typeof handle === 'string' ? handle : new Reservation(handle)
}

const NOTHING = /** @type {any} */ ({})
keepHiddenClass(new BatchTask(NOTHING, NOTHING))

module.exports = { PackedInputs, BatchTask, SingleTask }

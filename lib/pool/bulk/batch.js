'use strict'

const { lengthOf } = require('../../internal/typed-array')
const native = require('../../native')
const { taskError } = require('../../internal/errors')
const { MAX_UTF8 } = require('../../task/input')
const { completionPort } = require('../../native/completion-port')
const { Reservation } = require('../../native/reservation')
const { isNative, taskOf } = require('../../transform/kinds')
const { Transform } = require('../../native/transform')

/**
 *
 * A bulk call as its batches see it.
 * @typedef {object} Flow
 * @property {import('../pool-state').PoolState} pool
 * @property {any} transform
 * @property {number} priority
 * @property {{ stack?: string }} caller
 * @property {(reason: unknown) => void} stop
 * @property {(index: number, value: unknown) => void} result
 * @property {(index: number, error: unknown) => void} failure
 * @property {(count: number, micros: number) => void} measured
 * @property {(unit: any) => void} unitEnded
 *
 * @typedef {import('../../native/binding').Bound} Bound
 */

/** Bytes of a full batch. */
const PACK_BYTES = 256 << 10

/** Packs that are kept for the next batch: a new one for each would have the collector run all the time. */
const SPARE = 8

/** @type {Pack[]} */
const spare = []

/** Small inputs side by side, on their way to native code. */
class Pack {
  bytes = Buffer.allocUnsafeSlow(PACK_BYTES)
  lengths = new Uint32Array(native.MAX_BATCH)
  count = 0
  length = 0
  /** Index of the first input. */
  first = 0

  /**
   * An empty one.
   * @param {number} first
   */
  static take(first) {
    const pack = spare.pop() ?? new Pack()
    pack.first = first
    return pack
  }

  /** Nobody needs what is in it any more. */
  recycle() {
    this.count = 0
    this.length = 0
    if (spare.length < SPARE) spare.push(this)
  }

  /** @param {string | Uint8Array} input */
  hasRoom(input) {
    const most = typeof input === 'string' ? input.length * MAX_UTF8 : lengthOf(input)
    return this.count < this.lengths.length && this.length + most <= PACK_BYTES
  }

  /**
   * Returns the bytes it took.
   * @param {string | Uint8Array} input
   */
  add(input) {
    let size
    if (typeof input === 'string') {
      size = this.bytes.write(input, this.length)
      this.lengths[this.count++] = size | native.OF_STRING
    } else {
      size = lengthOf(input)
      this.bytes.set(input, this.length)
      this.lengths[this.count++] = size
    }
    this.length += size
    return size
  }
}

/** A pack on its way through the pool: one trip for all its inputs. */
class Batch {
  #flow
  #taskId = -1
  #settled = 0
  /** @type {Pack | undefined} until it is copied */
  #pack

  /**
   * @param {Flow} flow
   * @param {Pack} pack
   */
  constructor(flow, pack) {
    this.#flow = flow
    this.#pack = pack
    this.pool = flow.pool
    this.first = pack.first
    this.count = pack.count
    this.bytes = pack.length
  }

  /**
   * Returns the bound that is reached if there is no room: then nothing has happened.
   * @param {Reservation} reservation
   * @returns {Bound | null}
   */
  submit(reservation) {
    const { transform, priority, pool } = this.#flow
    const pack = /** @type {Pack} */ (this.#pack)
    const { bytes, length, lengths } = pack
    const taskId = completionPort.register(this)
    const transformHandle = Transform.handle(transform)
    let bound
    try {
      bound = native.submitBatch(
        pool.handle,
        transformHandle,
        taskId,
        bytes,
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
    pack.recycle()
    this.#pack = undefined
    pool.taskStarted()
    return null
  }

  /** The pool takes nothing any more. @param {unknown} error */
  refused(error) {
    this.#flow.stop(error)
  }

  /**
   * It has run; its results follow.
   * @param {number} count
   * @param {number} micros
   */
  onBatch(count, micros) {
    this.pool.taskEnded()
    this.#flow.measured(count, micros)
  }

  /** True once everything in it has settled. */
  get isOver() {
    return this.#settled === this.count
  }

  /**
   * @param {unknown} value
   * @param {import('../../internal/errors').FailureRecord | undefined} failure
   */
  settle(value, failure) {
    const index = this.first + this.#settled++
    if (failure === undefined) this.#flow.result(index, value)
    else this.#flow.failure(index, taskError(failure, this.#flow.caller))
    if (this.isOver) this.#flow.unitEnded(this)
  }

  /** The pool is closed by force. @param {unknown} reason */
  abort(reason) {
    this.#flow.stop(reason)
  }

  cancel() {
    if (!native.cancel(this.#taskId)) return
    completionPort.release(this.#taskId)
    this.pool.taskEnded()
  }
}

/** An input that travels alone. */
class Single {
  #flow
  #index
  #input
  /** @type {import('../../transform/kinds').AnyTask | undefined} */
  #task
  /** True once it has settled: while it is submitted, if it is moved and cannot be taken. */
  isOver = false

  /**
   * @param {Flow} flow
   * @param {number} index
   * @param {unknown} input
   * @param {number} bytes that it needs at most
   */
  constructor(flow, index, input, bytes) {
    this.#flow = flow
    this.#index = index
    this.#input = input
    this.bytes = bytes
  }

  /**
   * Returns the bound that is reached if there is no room: then nothing has happened.
   * @param {Reservation} reservation
   * @returns {Bound | null}
   */
  submit(reservation) {
    const flow = this.#flow
    const resolve = (/** @type {unknown} */ value, /** @type {number | undefined} */ micros) => {
      if (micros !== undefined) flow.measured(1, micros)
      this.isOver = true
      flow.result(this.#index, value)
      flow.unitEnded(this)
    }
    const { transform, pool, priority, caller } = flow
    const task = taskOf(transform, pool, priority, resolve, error => this.refused(error), caller)
    // A string has all the room that it may need before it is copied: a flow waits, and is not turned away.
    const isText = isNative(transform) && typeof this.#input === 'string'
    const reserved = isText ? reserveBytes(pool, this.bytes, reservation) : reservation
    if (typeof reserved === 'string') return reserved
    try {
      const bound = task.submit(flow.transform, this.#input, reserved)
      if (bound !== null) return bound
    } finally {
      reserved.release()
    }
    this.#task = task
    this.#input = undefined
    return null
  }

  /** @param {unknown} error */
  refused(error) {
    this.isOver = true
    this.#flow.failure(this.#index, error)
    this.#flow.unitEnded(this)
  }

  cancel() {
    this.#task?.abort(undefined)
  }
}

/**
 * Reserves all the bytes that an input may need. Returns the reservation, or the bound that is reached.
 * @param {import('../pool-state').PoolState} pool
 * @param {number} bytes
 * @param {Reservation} reservation to adjust to that size
 */
function reserveBytes(pool, bytes, reservation) {
  const handle = native.takeRoom(pool.handle, bytes, reservation.take())
  return typeof handle === 'string' ? handle : new Reservation(handle)
}

module.exports = { Pack, Batch, Single }

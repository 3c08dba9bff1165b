'use strict'

const native = require('./native')
const { unwatch, watch } = require('./abort')
const { taskError, queueFullError } = require('./errors')
const { NO_ROOM, submitInput } = require('./input')
const { port } = require('./port')

/**
 * @typedef {import('./binding').Bound} Bound
 * @typedef {import('./pool-handle').PoolHandle} PoolHandle
 * @typedef {import('./errors').FailureRecord} FailureRecord
 */

/** One input on its way through a pool. Its promise settles once; its number goes back when native code is done too. */
class Task {
  #id = -1
  #settled = false
  #resolve
  #reject
  /** @type {{ stack?: string } | undefined} */
  #caller
  /** @type {AbortSignal | undefined} */
  #signal
  /** @type {import('./staging').Staging | undefined} */
  #staging

  /**
   * @param {PoolHandle} pool
   * @param {(value: any) => void} resolve
   * @param {(reason: unknown) => void} reject
   * @param {{ stack?: string } | undefined} caller
   */
  constructor(pool, resolve, reject, caller) {
    this.pool = pool
    this.#resolve = resolve
    this.#reject = reject
    this.#caller = caller
  }

  /**
   * Returns the bound that is reached if there is no room: then nothing has happened.
   * @param {number} transform
   * @param {unknown} input
   * @param {number} priority
   * @param {number} room
   * @returns {Bound | null}
   */
  submit(transform, input, priority, room) {
    const id = port.draw(this)
    this.#id = id
    let submitted
    try {
      submitted = submitInput(input, { pool: this.pool.number, transform, id, priority, room, task: this })
    } catch (error) {
      port.release(id)
      if (room !== NO_ROOM) native.dropRoom(room)
      throw error
    }
    if (typeof submitted === 'string') {
      port.release(id)
      return submitted
    }
    if (submitted !== null) this.#staging = submitted
    this.pool.entered()
    return null
  }

  /** @param {AbortSignal} signal not aborted yet */
  watch(signal) {
    this.#signal = signal
    watch(signal, this)
  }

  /**
   * The thread is done with it.
   * @param {unknown} value
   * @param {FailureRecord | undefined} failure
   */
  settle(value, failure) {
    this.pool.left()
    if (this.#settled) return
    this.#finish()
    if (failure === undefined) this.#resolve(value)
    else this.#reject(taskError(failure, this.#caller))
  }

  /**
   * The caller does not want it any more: the promise rejects now, the work stops as soon as it can.
   * @param {unknown} reason
   */
  abort(reason) {
    if (this.#settled) return
    this.#finish()
    if (this.#staging?.cancel() || native.cancel(this.#id)) this.#leave()
    this.#reject(reason)
  }

  /**
   * Its input could not be copied to the end: there is nothing to stop.
   * @param {unknown} error
   * @param {Bound} [bound] that is reached
   */
  fail(error, bound) {
    this.#leave()
    if (this.#settled) return
    this.#finish()
    this.#reject(bound ? queueFullError(this.pool.info, bound) : error)
  }

  #leave() {
    port.release(this.#id)
    this.pool.left()
  }

  #finish() {
    this.#settled = true
    if (this.#signal !== undefined) unwatch(this.#signal, this)
  }
}

module.exports = { Task }

'use strict'

const { NO_ROOM } = require('./input')
const native = require('./native')
const { Task } = require('./task')
const { Waiter } = require('./waiter')

/**
 * @typedef {import('./input').Lent} Lent
 *
 * Whoever hears what becomes of an input.
 * @typedef {object} Listener
 * @property {() => void} admitted it is copied
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/** Bytes on their way into a pool. Where there is no room for them they wait in line, and are not turned away. */
class Admission {
  #transform
  #input
  #length
  #listener
  #task
  /** @type {Waiter | undefined} */
  #waiter

  /**
   * @param {import('./pool-handle').PoolHandle} pool
   * @param {number} priority
   * @param {import('./transforms').Transform} transform
   * @param {Uint8Array | Lent} input up to 1 MiB that are copied when they are admitted, or memory that is lent
   * @param {number} length
   * @param {{ stack?: string } | undefined} caller
   * @param {Listener} listener
   */
  constructor(pool, priority, transform, input, length, caller, listener) {
    this.#transform = transform
    this.#input = input
    this.#length = length
    this.#listener = listener
    this.#task = new Task(pool, priority, listener.resolve, listener.reject, caller)
  }

  /** Asks for admission, which may come at once. */
  submit() {
    this.#submit(NO_ROOM)
  }

  /** It is not wanted any more. @param {unknown} reason */
  abort(reason) {
    if (this.#waiter !== undefined) this.#waiter.abort(reason)
    else this.#task.abort(reason)
  }

  /** @param {number} room */
  #submit(room) {
    this.#waiter = undefined
    const { pool } = this.#task
    try {
      pool.checkOpen()
    } catch (error) {
      if (room !== NO_ROOM) native.dropRoom(room)
      return this.#listener.reject(error)
    }
    let bound
    try {
      bound = this.#task.submit(this.#transform, this.#input, room)
    } catch (error) {
      return this.#listener.reject(error)
    }
    if (bound === null) return this.#listener.admitted()
    const { reject } = this.#listener
    this.#waiter = new Waiter(pool, this.#length, granted => this.#submit(granted), reject)
  }
}

module.exports = { Admission }

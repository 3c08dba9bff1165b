'use strict'

const { NO_ROOM } = require('./input')
const native = require('./native')
const { Task } = require('./task')
const { Waiter } = require('./waiter')

/**
 * Whoever hears what becomes of an input.
 * @typedef {object} Listener
 * @property {() => void} admitted it is copied
 * @property {(value: any) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

/** Bytes on their way into a pool. Where there is no room for them they wait in line, and are not turned away. */
class Admission {
  #transform
  #bytes
  #listener
  #task
  /** @type {Waiter | undefined} */
  #waiter

  /**
   * @param {import('./pool-handle').PoolHandle} pool
   * @param {number} priority
   * @param {import('./transforms').Transform} transform
   * @param {Uint8Array} bytes 1 MiB at most, which are copied when they are admitted
   * @param {{ stack?: string } | undefined} caller
   * @param {Listener} listener
   */
  constructor(pool, priority, transform, bytes, caller, listener) {
    this.#transform = transform
    this.#bytes = bytes
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
      bound = this.#task.submit(this.#transform, this.#bytes, room)
    } catch (error) {
      return this.#listener.reject(error)
    }
    if (bound === null) return this.#listener.admitted()
    const { reject } = this.#listener
    this.#waiter = new Waiter(pool, this.#bytes.length, granted => this.#submit(granted), reject)
  }
}

module.exports = { Admission }

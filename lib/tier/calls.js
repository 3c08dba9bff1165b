'use strict'

// Commands in flight, and their time limit. All share one limit, so one timer suffices.

const { timing } = require('./timing')

/** Maximum number of commands in flight. */
const MAX = 10_000

/**
 * @typedef {object} Call
 * @property {number} deadline
 * @property {(error: Error) => void} reject
 */

class Calls {
  /** Oldest first. @type {Set<Call>} */
  #calls = new Set()
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #timeout

  /** @param {number} timeout in milliseconds */
  constructor(timeout) {
    this.#timeout = timeout
  }

  /**
   * Waits for the reply to a command. Rejects after the time limit.
   * @template Reply
   * @param {() => Promise<Reply>} send
   * @param {(reply: Reply) => void} onLate called with a reply that comes after the time limit
   * @returns {Promise<Reply>}
   */
  run(send, onLate) {
    return new Promise((resolve, reject) => {
      if (this.#calls.size >= MAX) return reject(busyError())
      const call = { deadline: timing.now() + this.#timeout, reject }
      this.#calls.add(call)
      this.#start()
      send().then(
        reply => (this.#calls.delete(call) ? resolve(reply) : onLate(reply)),
        error => {
          if (this.#calls.delete(call)) reject(error)
        }
      )
    })
  }

  #start() {
    if (this.#timer !== undefined || this.#calls.size === 0) return
    const [{ deadline }] = this.#calls
    // When the event loop was blocked, replies that arrived are read first.
    const expire = () => timing.setImmediate(() => this.#expire())
    this.#timer = timing.setTimeout(expire, Math.max(1, deadline - timing.now()))
  }

  #expire() {
    this.#timer = undefined
    const now = timing.now()
    for (const call of this.#calls) {
      if (call.deadline > now) break
      this.#calls.delete(call)
      call.reject(Object.assign(new Error(`no reply within ${this.#timeout} ms`), { code: 'ETIMEDOUT' }))
    }
    this.#start()
  }
}

function busyError() {
  return Object.assign(new Error(`${MAX} commands are in flight already`), { code: 'EAGAIN' })
}

module.exports = { Calls }

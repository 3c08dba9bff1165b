'use strict'

const { timing } = require('./timing')

/** Wakes waiters after a change. */
class Signal {
  /** @type {Set<() => void>} */
  #waiters = new Set()

  give() {
    for (const waiter of [...this.#waiters]) waiter()
  }

  /**
   * Resolves after the next change, or after some time.
   * @param {number} [limit] in milliseconds
   * @param {AbortSignal} [signal] rejects the promise
   */
  next(limit, signal) {
    return new Promise((resolve, reject) => {
      const timer = limit === undefined ? undefined : timing.setTimeout(done, limit)
      const waiters = this.#waiters
      waiters.add(done)
      signal?.addEventListener('abort', onAbort, { once: true })
      function end() {
        waiters.delete(done)
        timing.clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      function done() {
        end()
        resolve(undefined)
      }
      function onAbort() {
        end()
        reject(signal?.reason)
      }
    })
  }
}

module.exports = { Signal }

'use strict'

// Waits for the end of loads of other processes. A lost message causes only a delay: callers ask the tier again.

const { timing } = require('./timing')

/** @typedef {import('./rules').Message} Message */

/** First and longest pause before a caller asks again, in milliseconds. Each pause doubles. */
const FIRST_POLL = 100
const LONGEST_POLL = 2000
/** Time over which the end of a lease spreads its callers, in milliseconds. */
const JITTER = 50

/**
 * Messages about a key for one caller. A wait is opened before the caller asks the tier: a message may arrive between the reply and
 * `next`.
 */
class Wait {
  #close
  #rounds = 0
  #isWoken = false
  /** @type {((message: Message | undefined) => void) | undefined} */
  #done

  /** @param {() => void} close */
  constructor(close) {
    this.#close = close
  }

  /** Discards messages before a lookup. */
  reset() {
    this.#isWoken = false
  }

  /** @param {Message | undefined} message */
  wake(message) {
    this.#isWoken = true
    this.#done?.(message)
  }

  /**
   * Waits for a message, or until it is time to ask again. A message that preceded the call is not returned: it may be older than the
   * caller's lookup.
   * @param {number} left time until the lease of the other process ends, in milliseconds
   * @param {AbortSignal} signal ends the wait
   * @returns {Promise<Message | undefined>}
   */
  next(left, signal) {
    if (this.#isWoken || signal.aborted) return Promise.resolve(undefined)
    return new Promise(resolve => {
      const poll = Math.min(LONGEST_POLL, FIRST_POLL * 2 ** Math.min(this.#rounds++, 16))
      const timer = timing.setTimeout(() => done(undefined), Math.min(left, poll) + timing.random() * JITTER)
      const onAbort = () => done(undefined)
      signal.addEventListener('abort', onAbort, { once: true })
      /** @param {Message | undefined} message */
      const done = message => {
        this.#done = undefined
        timing.clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        resolve(message)
      }
      this.#done = done
    })
  }

  close() {
    this.#close()
  }
}

/** The waits of a cache. */
class Waits {
  /** @type {Map<string, Set<Wait>>} */
  #byKey = new Map()

  /** @param {string} key */
  open(key) {
    const waits = this.#byKey.get(key) ?? new Set()
    const wait = new Wait(() => {
      waits.delete(wait)
      if (waits.size === 0 && this.#byKey.get(key) === waits) this.#byKey.delete(key)
    })
    this.#byKey.set(key, waits.add(wait))
    return wait
  }

  /**
   * Wakes the callers of a key.
   * @param {string} key
   * @param {Message} message
   */
  wake(key, message) {
    for (const wait of [...(this.#byKey.get(key) ?? [])]) wait.wake(message)
  }

  /** Wakes all callers, which ask again. */
  wakeAll() {
    for (const waits of [...this.#byKey.values()]) for (const wait of [...waits]) wait.wake(undefined)
  }
}

module.exports = { Waits }

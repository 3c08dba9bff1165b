'use strict'

const { tierError } = require('./errors')
const { timing } = require('./timing')

/**
 * @typedef {import('./rules').Body} Body
 * @typedef {import('./rules').TakeReply} TakeReply
 * @typedef {import('./rules').TakeRequest['mode']} Mode
 *
 * Times of a cache, in milliseconds.
 * @typedef {object} Times
 * @property {number} ttl
 * @property {number} jitter largest fraction by which a value's times are shortened at random
 * @property {number} refresh age from which a value is reloaded; infinite for never
 * @property {number} revalidates how long a stale value may be served while it is reloaded
 * @property {number} servesOnError how long a stale value may be served after its reload failed
 * @property {number} error how long the error of a failed load is kept
 * @property {number} lease time after which the load of a process that has died is repeated
 */

/** Fraction of `leaseTtl` after which a load extends its lease. */
const RENEW = 1 / 3

const ignore = () => {}

/** The records of one cache in the tier. */
class Records {
  #name
  #link
  #counts
  #times

  /**
   * @param {string} name
   * @param {import('./link').Link} link
   * @param {import('./counts').Counts} counts
   * @param {Times} times
   */
  constructor(name, link, counts, times) {
    this.#name = name
    this.#link = link
    this.#counts = counts
    this.#times = times
  }

  /**
   * Asks for a record.
   * @param {string} key
   * @param {string} token
   * @param {Mode} mode
   * @param {string} known version of a copy, or an empty string
   * @returns {Promise<TakeReply>}
   */
  async take(key, token, mode, known) {
    const name = this.#name
    if (this.#link.owes(name, key)) throw tierError('has not acknowledged a delete of this id', undefined)
    const { lease: leaseTtl, revalidates, servesOnError } = this.#times
    return this.#link.call(
      (engine, notAfter) =>
        engine.take(name, key, { token, leaseTtl, mode, known, revalidates, servesOnError, notAfter }),
      reply => {
        // The caller gave up, and does not load.
        if (reply.kind === 'lead' || (reply.kind === 'value' && reply.leads)) this.giveBack(key, token)
      }
    )
  }

  /**
   * Ends the lease of a load that stores no value.
   * @param {string} key
   * @param {string} token
   * @param {import('./rules').FinishRequest['outcome']} outcome
   * @param {Body | undefined} body
   * @param {number} keep
   */
  async finish(key, token, outcome, body, keep) {
    const request = { token, outcome, body, keep, servesOnError: this.#times.servesOnError }
    await this.#ask(engine => engine.finish(this.#name, key, request))
  }

  /** Gives an unused lease back. @type {(key: string, token: string) => void} */
  giveBack(key, token) {
    this.finish(key, token, 'abandoned', undefined, 0)
  }

  /**
   * Extends a lease while its load is in flight, and gives the lease back if the load is aborted. Returns a function that ends both.
   * @param {string} key
   * @param {string} token
   * @param {AbortSignal} signal
   */
  hold(key, token, signal) {
    const { lease: leaseTtl } = this.#times
    let isHeld = true
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const renew = async () => {
      await this.#link.call(engine => engine.renew(this.#name, key, { token, leaseTtl })).catch(ignore)
      if (isHeld) start()
    }
    const start = () => {
      timer = timing.setTimeout(renew, leaseTtl * RENEW)
      timer.unref()
    }
    const giveBack = () => this.giveBack(key, token)
    signal.addEventListener('abort', giveBack, { once: true })
    start()
    return () => {
      isHeld = false
      timing.clearTimeout(timer)
      signal.removeEventListener('abort', giveBack)
    }
  }

  /**
   * Removes a value that cannot be read here, unless it has been replaced.
   * @param {string} key
   * @param {string} version
   */
  async dropVersion(key, version) {
    await this.#ask(engine => engine.dropVersion(this.#name, key, { version }))
  }

  /**
   * Sends a command whose failure only delays others.
   * @param {(engine: import('./engine').Engine) => Promise<unknown>} command
   */
  async #ask(command) {
    await this.#link.call(command).catch(error => this.#counts.failed(error))
  }
}

module.exports = { Records }

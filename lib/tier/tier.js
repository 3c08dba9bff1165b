'use strict'

const { OffloopError } = require('../internal/errors')
const { markCopy } = require('../internal/package-copy')
const { invalidThis, invalidType } = require('../internal/validate')
const { Link } = require('./link')

/**
 * @typedef {import('./values').Compressor} Compressor
 *
 * @typedef {object} TierSettings
 * @property {string} space that identifies the tier within the process
 * @property {number} maxStale
 * @property {number} timeout
 * @property {number} leaseTtl
 * @property {number} maxValueBytes
 * @property {'local' | 'load' | 'fail'} whenDown
 * @property {Compressor | undefined} compressor
 * @property {(error: Error) => void} onError
 */

/** The user's handle to a tier, which connects for the first cache of this thread. */
class Tier {
  #settings
  #openEngine
  /** @type {Link | undefined} */
  #link
  #isClosed = false

  /**
   * @param {() => import('./engine').Engine} openEngine
   * @param {TierSettings} settings
   */
  constructor(openEngine, settings) {
    this.#openEngine = openEngine
    this.#settings = settings
  }

  /** @type {(value: unknown) => value is Tier} */
  static #is(value) {
    return typeof value === 'object' && value !== null && #settings in value
  }

  /**
   * Returns the link and the settings of a tier.
   * @param {unknown} tier the option of a cache
   */
  static join(tier) {
    if (!Tier.#is(tier))
      throw invalidType('The "options.tier" property', "a tier, such as hostTier() of 'offloop/host'", tier)
    if (tier.#isClosed) throw new OffloopError('ERR_OFFLOOP_CLOSED', 'The tier is closed')
    tier.#link ??= new Link(tier.#openEngine(), tier.#settings)
    return { link: tier.#link, settings: tier.#settings }
  }

  async close() {
    if (!Tier.#is(this)) throw invalidThis('Tier', this)
    this.#isClosed = true
    await this.#link?.close()
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }
}

markCopy(Tier)

module.exports = { Tier }

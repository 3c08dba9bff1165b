'use strict'

// Tiers in memory over one hub, one for each simulated process.

const { now } = require('../../lib/internal/clock')
const { Hub } = require('../../lib/tier/hub')
const { memoryEngine } = require('../../lib/tier/memory-engine')
const { Tier } = require('../../lib/tier/tier')
const { TieredCache } = require('../..')

/**
 * @typedef {import('../../lib/tier/engine').Engine} Engine
 * @typedef {import('../../lib/tier/tier').TierSettings} TierSettings
 */

const SETTINGS = {
  maxStale: 1000,
  // A busy machine must not make the tier seem down.
  timeout: 10_000,
  leaseTtl: 3000,
  maxValueBytes: 1 << 20,
  whenDown: /** @type {const} */ ('local'),
  compressor: undefined,
  onError() {}
}

let count = 0

class MemoryTier {
  hub = new Hub(64 << 20, now)

  /**
   * Returns a tier of another process.
   * @param {Partial<TierSettings>} [settings]
   * @param {(engine: Engine) => Engine} [wrap]
   */
  tier(settings = {}, wrap = engine => engine) {
    const space = `memory ${++count}`
    return /** @type {any} */ (new Tier(() => wrap(memoryEngine(this.hub)), { ...SETTINGS, ...settings, space }))
  }

  /**
   * Returns a cache of another process when it sees the changes of the others.
   * @param {import('node:test').TestContext} t
   * @param {object} [options] of the cache
   * @param {Partial<TierSettings>} [settings]
   * @param {(engine: Engine) => Engine} [wrap]
   * @returns {Promise<any>}
   */
  async cache(t, options = {}, settings = {}, wrap = engine => engine) {
    const tier = this.tier(settings, wrap)
    const cache = new TieredCache(/** @type {any} */ ({ name: 'users', max: 100, ttl: 60_000, tier, ...options }))
    t.after(async () => {
      cache.close()
      await tier.close()
    })
    await cache.ready()
    return cache
  }
}

/** Returns a promise and its resolvers. */
function later() {
  /** @type {(value?: any) => void} */
  let resolve = () => {}
  /** @type {(reason: unknown) => void} */
  let reject = () => {}
  const promise = new Promise((...resolvers) => {
    ;[resolve, reject] = resolvers
  })
  return { promise, resolve, reject }
}

module.exports = { MemoryTier, later }

'use strict'

// The package with an addon that has the transforms `fault.panic` and `fault.spin`, which runs until it is aborted: with it a
// test occupies threads. Must be required before the rest of offloop.

const { FAULT_ADDON, checkFaultAddon } = require('../../scripts/lib/sources.js')
const { onFailure } = require('./on-failure.js')

checkFaultAddon()
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = FAULT_ADDON

const offloop = require('../..')
const faults = /** @type {{ panic(): any, spin(): any }} */ (/** @type {any} */ (offloop.transforms).fault)
const spin = faults.spin()
const panic = faults.panic()

/**
 * Occupies threads of a pool.
 * @param {import('../..').Pool} pool
 * @param {number} [threads] all by default
 */
function occupy(pool, threads = pool.threads) {
  const abort = new AbortController()
  const tasks = Array.from({ length: threads }, () => pool.run(spin, 'x', { signal: abort.signal }))
  const ended = Promise.allSettled(tasks)
  /** Releases the threads. */
  const release = () => {
    abort.abort()
    return ended
  }
  onFailure(release)
  return { release }
}

module.exports = { ...offloop, spin, panic, occupy }

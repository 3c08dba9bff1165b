'use strict'

// The package with an addon that has the transforms `fault.panic` and `fault.spin`, which runs until it is aborted: with it a
// test occupies threads. Must be required before the rest of offloop.

const { afterEach } = require('node:test')
const { FAULT_ADDON, checkFaultAddon } = require('../../scripts/lib/sources.js')

checkFaultAddon()
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = FAULT_ADDON

const offloop = require('../..')
const faults = /** @type {{ panic(): any, spin(): any }} */ (/** @type {any} */ (offloop.transforms).fault)
const spin = faults.spin()
const panic = faults.panic()

/** Releases the threads that are occupied. @type {Set<() => void>} */
const releases = new Set()
if (require.main?.filename.endsWith('.test.js')) {
  // A failed test would leave its threads running, and the process would not exit.
  afterEach((/** @type {any} */ test) => {
    if (!test.passed) for (const release of releases) release()
  })
}

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
    releases.delete(release)
    return ended
  }
  releases.add(release)
  return { release }
}

module.exports = { ...offloop, spin, panic, occupy }

'use strict'

// The package with an addon that has the transforms `fault.panic` and `fault.spin`, which runs until it is aborted: with it a
// test occupies threads. Must be required before the rest of offloop.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const addon = join(__dirname, '..', '..', 'target', 'fault', 'offloop.node')
if (!existsSync(addon)) throw new Error(`${addon} is missing: \`npm test\` builds it`)
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = addon

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
  return {
    /** Releases the threads. */
    release() {
      abort.abort()
      return ended
    }
  }
}

module.exports = { ...offloop, spin, panic, occupy }

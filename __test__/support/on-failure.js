'use strict'

const { afterEach } = require('node:test')

/** @type {Set<() => void>} */
const cleanups = new Set()

// Programs that tests start require helpers too, and must not start a test runner.
if (require.main?.filename.endsWith('.test.js')) {
  afterEach((/** @type {any} */ test) => {
    if (!test.passed) for (const cleanup of cleanups) cleanup()
  })
}

/**
 * Calls a function when a test fails, which would otherwise leave threads running, so that the process did not exit.
 * @param {() => void} cleanup
 */
function onFailure(cleanup) {
  cleanups.add(cleanup)
}

module.exports = { onFailure }

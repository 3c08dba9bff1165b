'use strict'

const { framesOf } = require('../../watch/frames')

/** Most frames that are recorded. */
const FRAMES = 16
/** Most frames that are captured: those of Node.js and of packages may precede the program's. */
const CAPTURED = 32

/**
 * Returns the stack of the caller of a wrapper, innermost frame first.
 * @param {Function} below the wrapper, whose frame and those above are left out
 * @returns {import('../facts').Site}
 */
function siteOf(below) {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  const holder = /** @type {Error} */ ({})
  if (limit?.writable === true) Error.stackTraceLimit = CAPTURED
  try {
    Error.captureStackTrace(holder, below)
  } finally {
    if (limit?.writable === true) Error.stackTraceLimit = limit.value
  }
  return { frames: framesOf(holder).slice(0, FRAMES) }
}

module.exports = { siteOf }

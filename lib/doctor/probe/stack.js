'use strict'

const { framesOf } = require('../../watch/frames')

/** Maximum number of recorded frames. */
const FRAMES = 16
/** Maximum number of captured frames: frames of Node.js and of packages may precede those of the program. */
const CAPTURED = 32
// The program may replace `Error.captureStackTrace`.
const { captureStackTrace } = Error

/**
 * Returns the stack of the caller of a wrapper, innermost frame first.
 * @param {Function} below the wrapper, which is left out
 * @returns {import('../facts').Site}
 */
function siteOf(below) {
  return { frames: framesBelow(below, CAPTURED).slice(0, FRAMES) }
}

/**
 * Returns the callers of a function, innermost first.
 * @param {Function} below
 * @param {number} most maximum number of captured frames
 */
function framesBelow(below, most) {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  const holder = /** @type {Error} */ ({})
  if (limit?.writable === true) Error.stackTraceLimit = most
  try {
    captureStackTrace(holder, below)
  } finally {
    if (limit?.writable === true) Error.stackTraceLimit = limit.value
  }
  return framesOf(holder)
}

module.exports = { FRAMES, framesBelow, siteOf }

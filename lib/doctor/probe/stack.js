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
  return { frames: framesBelow(below, CAPTURED).slice(0, FRAMES) }
}

/**
 * Returns the frames below a function, innermost first.
 * @param {Function} below
 * @param {number} most frames that are captured
 */
function framesBelow(below, most) {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  const holder = /** @type {Error} */ ({})
  if (limit?.writable === true) Error.stackTraceLimit = most
  try {
    Error.captureStackTrace(holder, below)
  } finally {
    if (limit?.writable === true) Error.stackTraceLimit = limit.value
  }
  return framesOf(holder)
}

module.exports = { FRAMES, framesBelow, siteOf }

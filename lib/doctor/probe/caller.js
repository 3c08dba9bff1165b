'use strict'

const { framesOf } = require('../../watch/frames')

const FRAMES = 16
/** Most frames that are captured: a call of `fetch` has thirty of Node.js. */
const CAPTURED = 64
/** Frames of packages and Node.js that are kept before the first one of the program. */
const BEFORE = 4

/**
 * Returns the stack of a call of another service, innermost frame first, from shortly before the program's first frame on.
 * @param {Function} below the function whose frame and those above are left out
 * @returns {import('../facts').FactFrame[]}
 */
function callerFrames(below) {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')
  const holder = /** @type {Error} */ ({})
  if (limit?.writable === true) Error.stackTraceLimit = CAPTURED
  try {
    Error.captureStackTrace(holder, below)
  } finally {
    if (limit?.writable === true) Error.stackTraceLimit = limit.value
  }
  const frames = framesOf(holder)
  const first = frames.findIndex(frame => frame.isUser)
  return frames.slice(Math.max(0, first - BEFORE)).slice(0, FRAMES)
}

module.exports = { callerFrames }

'use strict'

const { FRAMES, framesBelow } = require('./stack')

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
  const frames = framesBelow(below, CAPTURED)
  const first = frames.findIndex(frame => frame.isUser)
  return frames.slice(Math.max(0, first - BEFORE)).slice(0, FRAMES)
}

module.exports = { callerFrames }

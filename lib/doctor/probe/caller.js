'use strict'

const { FRAMES, framesBelow } = require('./stack')

/** Maximum number of captured frames: a call of `fetch` has thirty frames of Node.js. */
const CAPTURED = 64
/** Number of frames of packages and Node.js that are kept before the first frame of the program. */
const BEFORE = 4

/**
 * Returns the stack of a call to another service, innermost frame first. Starts shortly before the first frame of the program.
 * @param {Function} below innermost function that is left out, with all functions that it has called
 * @returns {import('../facts').FactFrame[]}
 */
function callerFrames(below) {
  const frames = framesBelow(below, CAPTURED)
  const first = frames.findIndex(frame => frame.isUser)
  return frames.slice(Math.max(0, first - BEFORE)).slice(0, FRAMES)
}

module.exports = { callerFrames }

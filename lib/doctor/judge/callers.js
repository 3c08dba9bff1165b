'use strict'

/** @typedef {import('../facts').FactFrame} FactFrame */

/**
 * Returns the innermost frame of the program, else of a package, else of Node.js.
 * @param {readonly FactFrame[]} frames
 * @returns {FactFrame | undefined}
 */
function callerOf(frames) {
  return (
    frames.find(({ isUser }) => isUser) ??
    frames.find(({ file }) => file !== '' && !file.startsWith('node:')) ??
    frames[0]
  )
}

/**
 * Returns a key for the line of a site.
 * @param {{ frames: readonly FactFrame[] }} site
 */
function lineOf({ frames }) {
  const frame = callerOf(frames)
  return `${frame?.file}:${frame?.line}`
}

module.exports = { callerOf, lineOf }

'use strict'

// Live allocations by the guilty line.

const { heaviest } = require('./groups')
const { guiltyFrame } = require('./sites')
const { sum } = require('./statistics')

/**
 * @typedef {import('../facts').AllocationFact} AllocationFact
 * @typedef {import('../facts').FactFrame} FactFrame
 *
 * Allocations of one line: the stack with the most live bytes, and the live bytes of all stacks.
 * @typedef {{ frame: FactFrame, frames: FactFrame[], live: number }} Allocations
 */

/**
 * Returns the allocations of the line with the most live bytes, or `undefined` without allocations.
 * @param {readonly AllocationFact[]} allocations
 * @returns {Allocations | undefined}
 */
function mostAllocated(allocations) {
  const facts = heaviest(allocations, lineOf, liveOf)
  const [most] = [...facts].sort((one, other) => liveOf(other) - liveOf(one))
  const frame = guiltyFrame(most?.frames ?? [])
  return frame && { frame, frames: most.frames, live: sum(facts.map(liveOf)) }
}

/** @param {AllocationFact} fact */
function liveOf({ before, after }) {
  return Math.max(0, after - before)
}

/** @param {{ frames: FactFrame[] }} site */
function lineOf({ frames }) {
  const frame = guiltyFrame(frames)
  return frame && `${frame.file}:${frame.line}:${frame.column}`
}

module.exports = { lineOf, mostAllocated }

'use strict'

// Groups live allocations by the guilty line.

const { heaviest } = require('./groups')
const { guiltyFrame } = require('./sites')
const { sum } = require('./statistics')

/**
 * @typedef {import('../facts').AllocationFact} AllocationFact
 * @typedef {import('../facts').FactFrame} FactFrame
 *
 * Allocations of one line: the stack with the most live bytes, the live bytes of all stacks, and whether the line adds to an object that
 * limits its own size.
 * @typedef {{ frame: FactFrame, frames: FactFrame[], live: number, isLimited: boolean }} Allocations
 */

/**
 * Returns the allocations of the line with the most live bytes, or `undefined` without allocations.
 * @param {readonly AllocationFact[]} allocations
 * @param {(fact: AllocationFact) => FactFrame | undefined} [frameOf] returns the line of an allocation, by default the one of the program
 *   that allocated
 * @returns {Allocations | undefined}
 */
function mostAllocated(allocations, frameOf = userFrame) {
  const facts = heaviest(allocations, fact => positionOf(frameOf(fact)), liveOf)
  const [most] = [...facts].sort((one, other) => liveOf(other) - liveOf(one))
  const frame = most && frameOf(most)
  return frame && { frame, frames: most.frames, live: sum(facts.map(liveOf)), isLimited: most.isLimited === true }
}

/**
 * Returns the allocations of the line that keeps the most live bytes. If the source does not show which line keeps an allocation, the line
 * that allocated counts.
 * @param {readonly AllocationFact[]} allocations
 */
function mostKept(allocations) {
  return mostAllocated(allocations, fact => fact.keeper ?? userFrame(fact))
}

/** @param {AllocationFact} fact */
function userFrame({ frames }) {
  return frames.find(({ isUser }) => isUser)
}

/** @param {AllocationFact} fact */
function liveOf({ before, after }) {
  return Math.max(0, after - before)
}

/** @param {{ frames: FactFrame[] }} site */
function lineOf({ frames }) {
  return positionOf(guiltyFrame(frames))
}

/** @param {FactFrame | undefined} frame */
function positionOf(frame) {
  return frame && `${frame.file}:${frame.line}:${frame.column}`
}

module.exports = { lineOf, mostAllocated, mostKept }

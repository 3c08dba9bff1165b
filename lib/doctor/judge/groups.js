'use strict'

// Groups parts of blocks by their cause, and summarizes the groups.

const { durationsOf, quantile, sum } = require('./statistics')

/**
 * @typedef {import('./parts').Part} Part
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 *
 * @typedef {object} Group
 * @property {Part[]} parts
 * @property {number} time own time, in milliseconds
 * @property {FactFrame | undefined} frame guilty frame with the most time
 * @property {FactFrame[]} frames stack with the most time among those with that frame
 * @property {boolean} [isLocated] whether the profile has shown the guilty frame of late stacks
 *
 * Figures of a group, in milliseconds. A block counts if the group has at least half of the own time of the block, or at least the
 * threshold.
 * @typedef {object} Figures
 * @property {number} count number of blocks
 * @property {number} p50
 * @property {number} p99
 * @property {number} max
 * @property {number} total
 * @property {number} share of the measured time
 * @property {number} wall median duration, including starved time
 * @property {number} waited requests that the blocks delayed
 * @property {number} processes number of processes in which the blocks occurred
 */

/**
 * Groups items by a key. Items without a key are left out.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => unknown} keyOf
 * @returns {T[][]}
 */
function groupBy(items, keyOf) {
  /** @type {Map<unknown, T[]>} */
  const groups = new Map()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group !== undefined) group.push(item)
    else if (key !== undefined) groups.set(key, [item])
  }
  return [...groups.values()]
}

/**
 * Returns the items of the key with the largest total weight.
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => unknown} keyOf
 * @param {(item: T) => number} weigh
 */
function heaviest(items, keyOf, weigh) {
  const weights = groupBy(items, keyOf).map(group => ({ group, weight: sum(group.map(weigh)) }))
  return weights.reduce((best, it) => (it.weight > best.weight ? it : best), {
    group: /** @type {T[]} */ ([]),
    weight: 0
  }).group
}

/**
 * @param {readonly Part[]} parts
 * @param {(part: Part) => unknown} keyOf
 * @returns {Group[]}
 */
function groupsOf(parts, keyOf) {
  return groupBy(parts, keyOf).map(group => {
    const ofLine = heaviest(group, ({ frame }) => frame && lineOf(frame), timeOf)
    const [part] = heaviest(ofLine, ({ frames }) => frames.map(lineOf).join(), timeOf)
    return { parts: group, time: sum(group.map(timeOf)), frame: part?.frame, frames: part?.frames ?? [] }
  })
}

/** @param {FactFrame} frame */
function lineOf({ file, line, column }) {
  return `${file}:${line}:${column}`
}

/** @param {Part} part */
function timeOf({ time }) {
  return time
}

/**
 * @param {Group} group
 * @param {import('./parts').Setup} setup
 * @returns {Figures}
 */
function figuresOf({ parts, time }, { threshold, seconds }) {
  const blocks = groupBy(parts, ({ block }) => block)
    .map(ofBlock => ({ block: ofBlock[0].block, work: ofBlock[0].work, time: sum(ofBlock.map(timeOf)) }))
    .filter(it => it.time >= it.work / 2 || it.time >= threshold)
  const { count, p50, p99, max } = durationsOf(blocks.map(it => it.time))
  const processes = groupBy(parts, ({ process }) => process).map(([{ process }]) => process)
  const measured = sum(processes.map(process => measuredTime(process, seconds)))
  return {
    count,
    p50,
    p99,
    max,
    total: time,
    share: measured === 0 ? 0 : time / measured,
    wall: quantile(
      blocks.map(({ block }) => block.duration),
      0.5
    ),
    waited: sum(blocks.map(({ block }) => block.waited)),
    processes: processes.length
  }
}

/**
 * Returns the duration of the measurement of a process, in milliseconds.
 * @param {ProcessFacts} process
 * @param {number} seconds duration of the measurement of the program
 */
function measuredTime({ measured }, seconds) {
  return measured === undefined ? seconds * 1000 : measured.to - measured.from
}

module.exports = { figuresOf, groupBy, groupsOf, heaviest, measuredTime, timeOf }

'use strict'

// The CPU profile of this thread, by an inspector session within the process.

const { isUserFile } = require('../../watch/frames')
const { pathOf } = require('../urls')
const { call, connected } = require('./inspector')

/**
 * @typedef {import('../facts').ProfileNode} ProfileNode
 * @typedef {import('node:inspector').Session} Session
 */

/** Nodes that are kept, those with the most time first. */
const MAX_NODES = 20_000
/** Lines of a function that are kept. */
const MAX_LINES = 8

class Profile {
  #interval
  /** @type {Session | undefined} */
  #session

  /** @param {number} interval in milliseconds */
  constructor(interval) {
    this.#interval = interval
  }

  start() {
    this.#session = connected()
    call(this.#session, 'Profiler.enable')
    call(this.#session, 'Profiler.setSamplingInterval', { interval: this.#interval * 1000 })
    call(this.#session, 'Profiler.start')
  }

  /**
   * Ends the profile.
   * @returns {import('../facts').ProcessFacts['profile']}
   */
  stop() {
    /** @type {import('node:inspector').Profiler.Profile | undefined} */
    const profile = call(this.#session, 'Profiler.stop')?.profile
    this.#session?.disconnect()
    this.#session = undefined
    return profile && flatten(profile)
  }
}

/** @param {import('node:inspector').Profiler.Profile} profile */
function flatten({ nodes, samples = [], timeDeltas = [] }) {
  /** @type {Map<number, number>} */
  const times = new Map()
  for (const [index, id] of samples.entries()) {
    times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0) / 1000)
  }
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id])))
  const kept = withAncestors(nodes, parents, times)
  const interval = mean(timeDeltas) / 1000
  const flat = nodes
    .filter(({ id }) => kept.has(id))
    .map(({ id, callFrame: { functionName, url, lineNumber, columnNumber }, positionTicks = [] }) => {
      const file = pathOf(url)
      return {
        id,
        parent: parents.get(id) ?? -1,
        name: functionName === '' ? '<anonymous>' : functionName,
        file,
        line: lineNumber + 1,
        column: columnNumber + 1,
        self: rounded(times.get(id) ?? 0),
        ...(isUserFile(file) && positionTicks.length > 0 ? { lines: linesOf(positionTicks, interval) } : {})
      }
    })
  return { interval, samples: samples.length, nodes: flat }
}

/**
 * Returns the time by line.
 * @param {import('node:inspector').Profiler.PositionTickInfo[]} ticks
 * @param {number} interval
 */
function linesOf(ticks, interval) {
  const most = ticks.sort((one, other) => other.ticks - one.ticks).slice(0, MAX_LINES)
  return Object.fromEntries(most.map(({ line, ticks }) => [line, rounded(ticks * interval)]))
}

/** @param {number} time */
function rounded(time) {
  return Math.round(time * 1000) / 1000
}

/**
 * Returns the ids of the nodes that are kept.
 * @param {import('node:inspector').Profiler.ProfileNode[]} nodes
 * @param {Map<number, number>} parents
 * @param {Map<number, number>} times
 */
function withAncestors(nodes, parents, times) {
  const heaviest = nodes
    .map(({ id }) => id)
    .filter(id => (times.get(id) ?? 0) > 0)
    .sort((one, other) => (times.get(other) ?? 0) - (times.get(one) ?? 0))
  /** @type {Set<number>} */
  const kept = new Set()
  for (const id of heaviest) {
    if (kept.size >= MAX_NODES) break
    for (let node = /** @type {number | undefined} */ (id); node !== undefined && !kept.has(node); ) {
      kept.add(node)
      node = parents.get(node)
    }
  }
  return kept
}

/** @param {number[]} values */
function mean(values) {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}

module.exports = { Profile }

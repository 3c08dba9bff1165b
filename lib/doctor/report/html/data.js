'use strict'

// Data of the page's charts, limited in size.

const { number } = require('../../judge/sites')
const { largest } = require('../../judge/statistics')
const { relativePath } = require('../locations')
const { printable, printableName, shorten } = require('../text')
const { smallestDropped } = require('./flame')

/**
 * @typedef {import('../../../../doctor').Report} Report
 * @typedef {import('../../../../doctor').Timeline} Timeline
 * @typedef {{ nodes: number, rows: number, blocks: number }} Limits of the profile, and of each process's timeline
 */

const MAX_PATH = 200

/**
 * Returns the data of the charts.
 * @param {Report} report
 * @param {Limits} limits
 * @param {string} root
 */
function chartData(report, limits, root) {
  /** @type {string[]} */
  const notes = []
  return { timeline: timelineData(report, limits, root, notes), flame: flameData(report, limits, root, notes), notes }
}

/**
 * @param {Report} report
 * @param {Limits} limits
 * @param {string} root
 * @param {string[]} notes
 */
function timelineData({ timeline, began }, limits, root, notes) {
  const dropped = timeline.reduce((sum, { blocks }) => sum + Math.max(0, blocks.length - limits.blocks), 0)
  if (dropped > 0) notes.push(`the ${number(dropped)} shortest blocks`)
  return timeline.map(({ pid, thread, rows, blocks }) => ({
    label: thread === 0 ? `process ${pid}` : `process ${pid}, thread ${thread}`,
    ...columnsOf(merged(rows, limits.rows), began),
    blocks: longest(blocks, limits.blocks).map(({ at, duration, cause, function: name, file, line }) => ({
      at: round((at - began) / 1000),
      duration: round(duration),
      text: `${cause}: ${printableName(name)} ${printable(relativePath(root, file))}:${line}`
    }))
  }))
}

/**
 * Returns a series of numbers for each chart. Counters of a row become rates.
 * @param {Timeline['rows']} rows
 * @param {number} began
 */
function columnsOf(rows, began) {
  const spans = rows.map(({ at }, index) => Math.max(1, at - (rows[index - 1]?.at ?? began)))
  return {
    at: rows.map(({ at }) => round((at - began) / 1000)),
    busy: rows.map(({ utilization }) => round(utilization * 100)),
    gc: rows.map(({ gc }, index) => round((gc / spans[index]) * 100)),
    requests: rows.map(({ requests }, index) => round((requests / spans[index]) * 1000)),
    heap: rows.map(({ heapUsed }) => round(heapUsed / 1e6)),
    rss: rows.map(({ rss }) => round(rss / 1e6))
  }
}

/**
 * Merges adjacent rows until at most the limit is left.
 * @param {Timeline['rows']} rows
 * @param {number} limit
 */
function merged(rows, limit) {
  const size = Math.ceil(rows.length / limit)
  if (size <= 1) return rows
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => {
    const part = rows.slice(index * size, (index + 1) * size)
    const sum = (/** @type {'requests' | 'gc' | 'utilization'} */ key) => part.reduce((all, row) => all + row[key], 0)
    return {
      at: part[part.length - 1].at,
      heapUsed: largest(part.map(({ heapUsed }) => heapUsed)),
      rss: largest(part.map(({ rss }) => rss)),
      requests: sum('requests'),
      gc: sum('gc'),
      utilization: sum('utilization') / part.length
    }
  })
}

/**
 * @param {Timeline['blocks']} blocks
 * @param {number} limit
 */
function longest(blocks, limit) {
  if (blocks.length <= limit) return blocks
  const chosen = [...blocks].sort((one, other) => other.duration - one.duration).slice(0, limit)
  return chosen.sort((one, other) => one.at - other.at)
}

/**
 * Returns the profile as columns. Names and files are indexes of `texts`.
 * @param {Report} report
 * @param {Limits} limits
 * @param {string} root
 * @param {string[]} notes
 */
function flameData({ flame }, limits, root, notes) {
  if (flame === null || flame.nodes.length === 0) return null
  const { nodes, dropped } = smallestDropped(flame.nodes, limits.nodes)
  if (dropped > 0)
    notes.push(`the ${number(dropped)} smallest calls of the profile (their time is added to their callers)`)
  /** @type {Map<string, number>} */
  const texts = new Map()
  const indexOf = (/** @type {string} */ text) => {
    const index = texts.get(text) ?? texts.size
    texts.set(text, index)
    return index
  }
  return {
    parents: nodes.map(({ parent }) => parent),
    names: nodes.map(({ name }) => indexOf(printableName(name))),
    files: nodes.map(({ file }) => indexOf(shorten(printable(relativePath(root, file)), MAX_PATH))),
    lines: nodes.map(({ line }) => line),
    selves: nodes.map(({ self }) => round(self)),
    texts: [...texts.keys()]
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100
}

module.exports = { chartData }

'use strict'

// Builders of facts for tests of the doctor's judge.

const { noFacts } = require('../../lib/doctor/gather')

/**
 * @typedef {import('../../lib/doctor/facts').Facts} Facts
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 * @typedef {import('../../lib/doctor/facts').FactBlock} FactBlock
 * @typedef {import('../../lib/doctor/facts').FactFrame} FactFrame
 */

/** When the measurement of the facts begins, and how long it lasts, in milliseconds. */
const FROM = 1_000_000
const TIME = 10_000
const NO_DURATIONS = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 }

/**
 * Parses a stack, innermost frame first: `work a.js:3 < async handler a.js:9 [for of] < emit node:events:5`.
 * @param {string} text
 * @returns {FactFrame[]}
 */
function stack(text) {
  return text.split(' < ').map(part => {
    const match = /^(async )?((?:new )?\S+)(?: (\S+?):(\d+))?(?: \[(.+)\])?$/.exec(part)
    if (match === null) throw new Error(`"${part}" is not a frame`)
    const [, isAsync, name, path = '', line = '0', loop] = match
    const isUser = path !== '' && !path.startsWith('node:') && !path.includes('node_modules')
    const file = path === '' || path.startsWith('node:') ? path : `/srv/${path}`
    return {
      name,
      file,
      line: Number(line),
      column: path === '' ? 0 : 5,
      isAsync: isAsync !== undefined,
      isUser,
      ...(loop === undefined ? {} : { loop: { kind: loop, line: 1 } })
    }
  })
}

/**
 * Builds a block with a stack after 25 ms, and after 50, 100, … if it is long enough.
 * @param {string | string[]} stacks of its samples: the last one stands for further samples; none if empty
 * @param {Partial<FactBlock> & { progress?: number[] }} [fields]
 * @returns {FactBlock}
 */
function block(stacks, fields = {}) {
  const duration = fields.duration ?? 40
  const list = [stacks].flat()
  const times = [25, 50, 100, 200, 400, 800, 1600].filter(at => at < duration)
  const capture = /** @type {const} */ ('on-time')
  const samples = times.map((at, index) => {
    const text = list[Math.min(index, list.length - 1)] ?? ''
    return { at, capture, lateness: 0.1, frames: text === '' ? [] : stack(text) }
  })
  return { began: FROM + 100, duration, cause: 'cpu', own: duration, starved: 0, gc: 0, samples, waited: 0, ...fields }
}

/**
 * Returns copies of a value.
 * @template T
 * @param {number} count
 * @param {T} value
 */
function times(count, value) {
  return Array.from({ length: count }, () => structuredClone(value))
}

/**
 * @param {Partial<ProcessFacts>} [fields]
 * @returns {ProcessFacts}
 */
function processFacts(fields = {}) {
  return {
    pid: 10,
    parent: 1,
    thread: 0,
    node: 'v24.0.0',
    script: '/srv/server.js',
    role: 'process',
    began: FROM - 5000,
    measured: { from: FROM, to: FROM + TIME },
    ...noFacts(),
    requests: { count: 1000, errors: 0, routes: [] },
    heapLimit: 4e9,
    end: { kind: 'finished' },
    ...fields
  }
}

/**
 * @param {Partial<ProcessFacts>[]} processes
 * @param {Partial<Facts>} [fields]
 * @returns {Facts}
 */
function facts(processes, fields = {}) {
  return {
    version: 1,
    node: 'v24.0.0',
    command: ['node', 'server.js'],
    cores: 2,
    measured: { from: FROM, to: FROM + TIME },
    processes: processes.map(processFacts),
    ...fields
  }
}

/**
 * Builds the figures of a loop.
 * @param {{ utilization?: number, hold?: number, starved?: number }} [fields] `hold` is the median
 */
function loop({ utilization = 0.5, hold = 1, starved = 0 } = {}) {
  const durations = { ...NO_DURATIONS, count: 100, mean: hold, p50: hold, p90: hold, p99: hold * 2, max: hold * 3 }
  return { hold: durations, delay: durations, utilization, starved, gc: 0, looks: 100 }
}

/**
 * Builds rows of figures, four a second.
 * @param {(index: number) => Partial<import('../../lib/doctor/facts').Row>} row
 */
function rows(row) {
  return Array.from({ length: TIME / 250 }, (_, index) => ({
    at: FROM + (index + 1) * 250,
    heapUsed: 2e7,
    external: 0,
    rss: 6e7,
    requests: 25,
    gc: 0,
    longestGc: 0,
    utilization: 0.5,
    starved: 0,
    timers: 0,
    ...row(index)
  }))
}

/** Second argument of judges for these facts. */
const SETUP = { seconds: TIME / 1000, requests: 1000, threshold: 25 }

module.exports = { FROM, NO_DURATIONS, SETUP, TIME, block, facts, loop, processFacts, rows, stack, times }

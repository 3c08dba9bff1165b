'use strict'

// Cases of no-op tasks: the cost of a round trip, with many in flight and with one.

const { performance } = require('node:perf_hooks')
const { saturate } = require('../load/saturate.js')
const { percentile } = require('./statistics.js')

/**
 * @typedef {import('./case.js').Case} Case
 * @typedef {import('../contenders/pools.js').PoolContender} PoolContender
 *
 * @typedef {object} NoOp
 * @property {[flood: string, single: string]} names
 * @property {string} what
 * @property {any} input
 * @property {(threads: number) => Promise<PoolContender[]>} open
 * @property {number} atLeast target relative to Piscina's tasks per second
 * @property {number} atMost target relative to Piscina's median time
 */

const SECONDS = 1
const SINGLE = 2000

/**
 * @param {NoOp} noOp
 * @returns {Case[]}
 */
function noOpCases({ names, what, input, open, atLeast, atMost }) {
  /** @param {PoolContender} contender */
  const flood = async ({ run }) => {
    const { tasks, seconds } = await saturate(256, SECONDS, () => run(input))
    return { throughput: tasks / seconds }
  }
  /** @param {PoolContender} contender */
  const single = async ({ run }) => {
    const times = new Float64Array(SINGLE)
    for (let i = 0; i < SINGLE; i++) {
      const begin = performance.now()
      await run(input)
      times[i] = (performance.now() - begin) * 1000
    }
    return { p50: percentile(times, 50), p99: percentile(times, 99) }
  }
  return [
    {
      name: names[0],
      what: `${what}, 256 in flight`,
      reference: 'piscina',
      measures: [{ name: 'throughput', unit: 'tasks/s', target: { of: 'ratio', atLeast } }],
      open: async threads => (await open(threads)).map(contender => ({ ...contender, round: () => flood(contender) }))
    },
    {
      name: names[1],
      what: `${what}, one at a time`,
      reference: 'piscina',
      measures: [
        { name: 'p50', unit: 'µs', target: { of: 'ratio', atMost } },
        { name: 'p99', unit: 'µs' }
      ],
      open: async threads => (await open(threads)).map(contender => ({ ...contender, round: () => single(contender) }))
    }
  ]
}

module.exports = { noOpCases }

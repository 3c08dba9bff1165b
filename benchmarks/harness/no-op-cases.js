'use strict'

// What a task costs when there is nothing to do, many at a time and one at a time.

const { performance } = require('node:perf_hooks')
const { saturate } = require('../load/saturate.js')
const { percentile } = require('./statistics.js')

/**
 * @typedef {import('./case.js').Row} Row
 * @typedef {import('../contenders/pools.js').Peer} Peer
 *
 * @typedef {object} NoOp
 * @property {[flood: string, single: string]} names
 * @property {string} what
 * @property {any} input
 * @property {(threads: number) => Promise<Peer[]>} open
 * @property {number} atLeast times Piscina's tasks per second
 * @property {number} atMost times Piscina's median time
 */

const SECONDS = 1
const SINGLE = 2000

/** @param {NoOp} noOp @returns {Row[]} */
function noOpRows({ names, what, input, open, atLeast, atMost }) {
  /** @param {Peer} peer */
  const flood = async ({ run }) => {
    const { tasks, seconds } = await saturate(256, SECONDS, () => run(input))
    return { throughput: tasks / seconds }
  }
  /** @param {Peer} peer */
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
      measures: [{ name: 'throughput', unit: 'tasks/s', bar: { of: 'ratio', atLeast } }],
      open: async threads => (await open(threads)).map(peer => ({ ...peer, round: () => flood(peer) }))
    },
    {
      name: names[1],
      what: `${what}, one at a time`,
      reference: 'piscina',
      measures: [
        { name: 'p50', unit: 'µs', bar: { of: 'ratio', atMost } },
        { name: 'p99', unit: 'µs' }
      ],
      open: async threads => (await open(threads)).map(peer => ({ ...peer, round: () => single(peer) }))
    }
  ]
}

module.exports = { noOpRows }

'use strict'

// What a user's function costs when it has nothing to do, against other pools of worker threads.

const { performance } = require('node:perf_hooks')
const { join } = require('node:path')
const { Pool, transforms } = require('../../..')
const { piscina, tinypool, workerpool } = require('../../peers.js')
const { saturate } = require('../../saturate.js')
const { percentile } = require('../../statistics.js')

/**
 * @typedef {import('../../row.js').Row} Row
 * @typedef {import('../../peers.js').Peer} Peer
 */

const SECONDS = 1
const SINGLE = 2000
const INPUT = /** @type {any} */ (7)

/** @param {number} threads */
async function open(threads) {
  const pool = new Pool({ threads })
  const echo = transforms.module(join(__dirname, '..', '..', 'workers', 'echo.js'))
  /** @type {Peer} */
  const offloop = { name: 'offloop', run: input => pool.run(echo, input), close: () => pool.close() }
  return [
    offloop,
    piscina('echo.js', threads),
    await tinypool('echo.js', threads),
    workerpool('echo-workerpool.js', threads)
  ]
}

/** @param {Peer} peer */
async function flood({ run }) {
  const { tasks, seconds } = await saturate(256, SECONDS, () => run(INPUT))
  return { throughput: tasks / seconds }
}

/** @param {Peer} peer */
async function single({ run }) {
  const times = new Float64Array(SINGLE)
  for (let i = 0; i < SINGLE; i++) {
    const begin = performance.now()
    await run(INPUT)
    times[i] = (performance.now() - begin) * 1000
  }
  return { p50: percentile(times, 50), p99: percentile(times, 99) }
}

/** @type {Row[]} */
const rows = [
  {
    name: 'module-flood',
    what: 'a function of the user that does nothing, 256 in flight',
    reference: 'piscina',
    measures: [{ name: 'throughput', unit: 'tasks/s', bar: { of: 'ratio', atLeast: 10 } }],
    open: async threads => (await open(threads)).map(peer => ({ ...peer, round: () => flood(peer) }))
  },
  {
    name: 'module-single',
    what: 'a function of the user that does nothing, one at a time',
    reference: 'piscina',
    measures: [
      { name: 'p50', unit: 'µs', bar: { of: 'ratio', atMost: 1 } },
      { name: 'p99', unit: 'µs' }
    ],
    open: async threads => (await open(threads)).map(peer => ({ ...peer, round: () => single(peer) }))
  }
]

module.exports = { rows }

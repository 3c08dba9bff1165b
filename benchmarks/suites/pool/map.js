'use strict'

// Many small inputs, compared with loops on the main thread.

const { deepStrictEqual } = require('node:assert')
const { createHash, hash } = require('node:crypto')
const { performance } = require('node:perf_hooks')
const { Pool, transforms } = require('../../..')
const { cities } = require('../../data/documents.js')
const { timerLateness } = require('../../load/timer-lateness.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../harness/case.js').Contender} Contender
 */

const COUNT = 100_000
const SIZE = 1024

/** @param {number} threads */
async function open(threads) {
  const inputs = buffers()
  const pool = new Pool({ threads })
  const sha256 = transforms.digest('sha256')
  const parallel = () => pool.map(sha256, inputs)
  const withHash = () => inputs.map(input => hash('sha256', input, 'buffer'))
  const withCreateHash = () => inputs.map(input => createHash('sha256').update(input).digest())
  deepStrictEqual(await parallel(), withCreateHash())
  return [
    { name: 'offloop', round: () => timed(parallel), close: () => pool.close() },
    { name: 'createHash loop', round: () => timed(withCreateHash) },
    { name: 'crypto.hash loop', round: () => timed(withHash) }
  ]
}

function buffers() {
  const bytes = cities()
  const range = bytes.length - SIZE
  return Array.from({ length: COUNT }, (_, index) => {
    const from = (index * SIZE) % range
    return Buffer.from(bytes.subarray(from, from + SIZE))
  })
}

/** @param {() => unknown} work */
async function timed(work) {
  const timer = timerLateness(1)
  const begin = performance.now()
  await work()
  const milliseconds = performance.now() - begin
  const longest = Math.max(...(await timer.end()))
  return { throughput: (COUNT / milliseconds) * 1000, 'longest stop': longest, 'in any round': longest }
}

/** @type {Case[]} */
const cases = [
  {
    name: 'map',
    what: 'sha256 of 100,000 buffers of 1 KiB',
    reference: 'crypto.hash loop',
    measures: [
      { name: 'throughput', unit: 'items/s', target: { of: 'ratio', atLeast: 1.5 } },
      { name: 'longest stop', unit: 'ms', target: { of: 'value', atMost: 5 } },
      { name: 'in any round', unit: 'ms', fold: 'max' }
    ],
    open
  }
]

module.exports = { cases }

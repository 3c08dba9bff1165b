'use strict'

// Lateness of the event loop while every thread of the pool is busy.

const { deepStrictEqual } = require('node:assert')
const { monitorEventLoopDelay } = require('node:perf_hooks')
const { gunzipSync } = require('node:zlib')
const { Pool, transforms } = require('../../..')
const { MIB, parts } = require('../../data/documents.js')
const { timerLateness } = require('../../load/timer-lateness.js')
const { piscina } = require('../../contenders/pools.js')
const { saturate } = require('../../load/saturate.js')
const { percentile } = require('../../harness/statistics.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const SECONDS = 5
const IN_FLIGHT = 64
const INTERVAL = 5

/** @param {number} threads */
async function open(threads) {
  const inputs = parts(16, MIB)
  const pool = new Pool({ threads })
  const gzip = transforms.gzip({ level: 6 })
  const contenders = [
    {
      name: 'offloop',
      run: (/** @type {Uint8Array} */ input) => pool.run(gzip, input),
      close: () => pool.close()
    },
    piscina('gzip.js', threads)
  ]
  for (const { run } of contenders) {
    const packed = /** @type {Uint8Array} */ (await run(inputs[0]))
    deepStrictEqual(new Uint8Array(gunzipSync(packed)), inputs[0])
  }
  return contenders.map(({ name, run, close }) => {
    const task = (/** @type {number} */ index) => run(inputs[index % inputs.length])
    return { name, warm: () => saturate(IN_FLIGHT, 1, task), round: () => measureDelay(task), close }
  })
}

/** @param {(index: number) => PromiseLike<unknown>} task */
async function measureDelay(task) {
  const monitor = monitorEventLoopDelay({ resolution: INTERVAL })
  const timer = timerLateness(INTERVAL)
  monitor.enable()
  const { tasks, seconds } = await saturate(IN_FLIGHT, SECONDS, task)
  const late = await timer.end()
  monitor.disable()
  return {
    'timer late, p99': percentile(late, 99),
    'timer late, max': percentile(late, 100),
    'delay monitor, p99': monitor.percentile(99) / 1e6,
    'delay monitor, max': monitor.max / 1e6,
    throughput: (tasks * MIB) / 1e6 / seconds
  }
}

/** @type {Case[]} */
const cases = [
  {
    name: 'loop-delay',
    what: 'a 5 ms timer beside gzip level 6 of 1 MiB, 64 in flight',
    reference: 'piscina',
    measures: [
      { name: 'timer late, p99', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } },
      { name: 'timer late, max', unit: 'ms' },
      { name: 'delay monitor, p99', unit: 'ms' },
      { name: 'delay monitor, max', unit: 'ms' },
      { name: 'throughput', unit: 'MB/s', target: { of: 'ratio', atLeast: 1.5 } }
    ],
    open
  }
]

module.exports = { cases }

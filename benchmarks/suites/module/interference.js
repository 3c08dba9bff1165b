'use strict'

// Quick calls of a user function among calls that are slow or end their thread: how calls affect one another.

const { join } = require('node:path')
const { performance } = require('node:perf_hooks')
const { setTimeout: sleep } = require('node:timers/promises')
const { Pool, transforms } = require('../../..')
const { percentile } = require('../../harness/statistics.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {{ name: string, call: (input: number | 'exit') => Promise<unknown>, close: () => Promise<unknown> }} Runner
 */

const FILE = join(__dirname, '..', '..', 'contenders', 'workers', 'wait-or-exit.js')
const RATE = 200
const SECONDS = 10
const WARM_UP_SECONDS = 1
/** Duration of one call in a hundred, in milliseconds. */
const SLOW = 500
const CALLS = 400
const CONCURRENT = 20

/** @returns {Runner[]} */
function runners(/** @type {number} */ threads) {
  const { Piscina } = require('piscina')
  // Piscina does not end idle threads either.
  const pool = new Pool({ threads, workers: { idleTimeout: Infinity } })
  const waitOrExit = transforms.worker(FILE)
  const piscina = new Piscina({ filename: FILE, minThreads: threads, maxThreads: threads })
  return [
    { name: 'offloop', call: input => pool.run(waitOrExit, input), close: () => pool.close() },
    { name: 'piscina', call: input => piscina.run(input), close: () => piscina.destroy() }
  ]
}

/**
 * Makes calls at a steady rate, whether or not earlier calls have completed.
 * @param {Runner} runner
 * @param {number} [seconds]
 */
async function steady({ call }, seconds = SECONDS) {
  /** @type {number[]} */
  const quick = []
  const begin = performance.now()
  const all = []
  for (let n = 0; n < RATE * seconds; n++) {
    const due = begin + (n * 1000) / RATE
    const wait = due - performance.now()
    if (wait > 0) await sleep(wait)
    const isSlow = n % 100 === 50
    const from = performance.now()
    const called = call(isSlow ? SLOW : 0)
    all.push(isSlow ? called : called.then(() => quick.push(performance.now() - from)))
  }
  await Promise.all(all)
  return { 'quick calls, p50': percentile(quick, 50), 'quick calls, p99': percentile(quick, 99) }
}

/** Makes groups of concurrent calls, one of which ends its thread. @param {Runner} runner */
async function exits({ call }) {
  let rejected = 0
  for (let n = 0; n < CALLS; n += CONCURRENT) {
    const inputs = Array.from({ length: CONCURRENT }, (_, index) =>
      index === (n / CONCURRENT) % CONCURRENT ? 'exit' : 0
    )
    const settled = await Promise.allSettled(inputs.map(input => call(/** @type {0 | 'exit'} */ (input))))
    rejected += settled.filter(({ status }, index) => status === 'rejected' && inputs[index] === 0).length
  }
  return { 'others that reject': rejected }
}

/**
 * @param {number} threads
 * @returns {Case}
 */
const steadyCase = threads => ({
  name: `module-steady-${threads}`,
  what: `${RATE} calls a second, of which 1 % take ${SLOW} ms, on ${threads} threads`,
  reference: 'piscina',
  measures: [
    { name: 'quick calls, p99', unit: 'ms', target: { of: 'ratio', atMost: 1.2 } },
    { name: 'quick calls, p50', unit: 'ms' }
  ],
  // A round has 20 calls above its 99th percentile.
  rounds: 2,
  open: () =>
    runners(threads).map(runner => ({
      name: runner.name,
      warm: () => steady(runner, WARM_UP_SECONDS),
      round: () => steady(runner),
      close: runner.close
    }))
})

/** @type {Case[]} */
const cases = [
  steadyCase(2),
  steadyCase(4),
  {
    name: 'module-exits',
    what: `${CALLS} calls, ${CONCURRENT} concurrently, of which one ends its thread`,
    measures: [{ name: 'others that reject', unit: 'calls', target: { of: 'value', atMost: 0 } }],
    open: threads =>
      runners(threads).map(runner => ({ name: runner.name, round: () => exits(runner), close: runner.close }))
  }
]

module.exports = { cases }

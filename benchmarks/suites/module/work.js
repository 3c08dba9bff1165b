'use strict'

// User functions that compute: tasks of equal and of very different durations, and transferred buffers.

const { join } = require('node:path')
const { performance } = require('node:perf_hooks')
const { Pool, move, transforms } = require('../../..')
const { percentile } = require('../../harness/statistics.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 *
 * @typedef {object} Runner
 * @property {string} name
 * @property {(micros: number) => Promise<unknown>} burn
 * @property {(buffer: ArrayBuffer) => Promise<unknown>} size
 * @property {() => Promise<unknown>} close
 */

const FILE = join(__dirname, '..', '..', 'contenders', 'workers', 'burn.js')
const EVEN = { count: 200, micros: 10_000 }
/** Percentage of tasks, and their duration in microseconds. */
const MIX = [
  [70, 50],
  [25, 1000],
  [5, 50_000]
]
const MIX_TASKS = 800
const MIX_IN_FLIGHT = 8
const MIB = 1 << 20
const MOVED = 1000

/**
 * @param {number} threads
 * @returns {Runner[]}
 */
function runners(threads) {
  const { Piscina } = require('piscina')
  const pool = new Pool({ threads })
  const burn = transforms.worker(FILE)
  const size = transforms.worker(FILE, { export: 'size' })
  const piscina = new Piscina({ filename: FILE, minThreads: threads, maxThreads: threads })
  return [
    {
      name: 'offloop',
      burn: micros => pool.run(burn, micros),
      size: buffer => pool.run(size, move(buffer)),
      close: () => pool.close()
    },
    {
      name: 'piscina',
      burn: micros => piscina.run(micros),
      size: buffer => piscina.run(buffer, { name: 'size', transferList: [buffer] }),
      close: () => piscina.destroy()
    }
  ]
}

/**
 * @param {Runner} runner
 * @param {number} threads
 */
async function even({ burn }, threads) {
  const begin = performance.now()
  await Promise.all(Array.from({ length: EVEN.count }, () => burn(EVEN.micros)))
  return { 'of the ideal': (performance.now() - begin) / ((EVEN.count * EVEN.micros) / 1000 / threads) }
}

/** Returns the durations of the tasks, the same for every contender. */
function mix() {
  let state = 7
  return Array.from({ length: MIX_TASKS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    let percent = (state / 2 ** 32) * 100
    const kind = MIX.find(([share]) => {
      percent -= share
      return percent < 0
    })
    return /** @type {number[]} */ (kind)[1]
  })
}

/** @param {Runner} runner */
async function mixed({ burn }) {
  const tasks = mix()
  /** @type {number[]} */
  const short = []
  const begin = performance.now()
  const work = async () => {
    for (let micros = tasks.pop(); micros !== undefined; micros = tasks.pop()) {
      const from = performance.now()
      await burn(micros)
      if (micros === MIX[0][1]) short.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: MIX_IN_FLIGHT }, work))
  return { 'short tasks, p99': percentile(Float64Array.from(short), 99), 'all of them': performance.now() - begin }
}

/** @param {Runner} runner */
async function moved({ size }) {
  const begin = performance.now()
  for (let done = 0; done < MOVED; done += MIX_IN_FLIGHT) {
    await Promise.all(Array.from({ length: MIX_IN_FLIGHT }, () => size(new ArrayBuffer(MIB))))
  }
  return { throughput: MOVED / ((performance.now() - begin) / 1000) }
}

/**
 * @param {(runner: Runner, threads: number) => Promise<Record<string, number>>} round
 * @returns {Case['open']}
 */
function open(round) {
  return threads =>
    runners(threads).map(runner => ({ name: runner.name, round: () => round(runner, threads), close: runner.close }))
}

/** @type {Case[]} */
const cases = [
  {
    name: 'module-even',
    what: `${EVEN.count} tasks of 10 ms`,
    reference: 'piscina',
    measures: [{ name: 'of the ideal', unit: '×', target: { of: 'value', atMost: 1.05 } }],
    open: open(even)
  },
  {
    name: 'module-mixed',
    what: `${MIX_TASKS} tasks, 70 % of 50 µs, 25 % of 1 ms, 5 % of 50 ms, ${MIX_IN_FLIGHT} in flight`,
    reference: 'piscina',
    measures: [
      { name: 'short tasks, p99', unit: 'ms', target: { of: 'ratio', atMost: 1 } },
      { name: 'all of them', unit: 'ms' }
    ],
    open: open(mixed)
  },
  {
    name: 'module-move',
    // Rounds are short and vary by a third.
    rounds: 15,
    what: 'transferred buffers of 1 MiB, 8 in flight',
    reference: 'piscina',
    measures: [{ name: 'throughput', unit: 'tasks/s', target: { of: 'ratio', atLeast: 1.05 } }],
    open: open(moved)
  }
]

module.exports = { cases }

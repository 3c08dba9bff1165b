'use strict'

// node long-run.js offloop|promises <in flight>: runs a million tasks; prints the memory of the process early and late.
// `promises` runs the same loops with only a promise in each.

const { Pool, transforms } = require('../..')

const TASKS = 1_000_000
const FIRST = 50_000
const SIZE = 64 * 1024

const inputs = Array.from({ length: 64 }, (_, index) => Buffer.alloc(SIZE, index))
const xxh3 = transforms.digest('xxh3-64')

/** @type {Record<string, (pool: Pool) => (task: number) => Promise<unknown>>} */
const WORK = {
  offloop: pool => task => pool.run(xxh3, inputs[task % inputs.length]),
  promises: () => () => new Promise(resolve => setImmediate(resolve))
}

/**
 * @param {number} count
 * @param {number} inFlight
 * @param {(task: number) => Promise<unknown>} work
 */
async function tasks(count, inFlight, work) {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

async function main() {
  const pool = new Pool()
  const work = WORK[process.argv[2]](pool)
  const inFlight = Number(process.argv[3])
  await tasks(FIRST, inFlight, work)
  const first = process.memoryUsage()
  await tasks(TASKS - FIRST, inFlight, work)
  const end = process.memoryUsage()
  await pool.close()
  const measured = {
    'after 50,000': first.rss / 1e6,
    'at the end': end.rss / 1e6,
    growth: end.rss / first.rss,
    'V8 heap, after 50,000': first.heapTotal / 1e6,
    'V8 heap, at the end': end.heapTotal / 1e6
  }
  process.stdout.write(JSON.stringify(measured))
}

main()

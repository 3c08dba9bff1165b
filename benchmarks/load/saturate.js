'use strict'

const { performance } = require('node:perf_hooks')

/** Number of tasks between two reads of the clock. */
const STRIDE = 32

/**
 * Keeps `inFlight` tasks in flight for `seconds`, then awaits the last ones.
 * @param {number} inFlight
 * @param {number} seconds
 * @param {(index: number) => PromiseLike<unknown>} task
 * @returns {Promise<{ tasks: number, seconds: number }>}
 */
async function saturate(inFlight, seconds, task) {
  const begin = performance.now()
  const end = begin + seconds * 1000
  let tasks = 0
  let isOver = false
  const worker = async () => {
    while (!isOver) {
      const index = tasks++
      if (index % STRIDE === 0) isOver = performance.now() >= end
      await task(index)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return { tasks, seconds: (performance.now() - begin) / 1000 }
}

module.exports = { saturate }

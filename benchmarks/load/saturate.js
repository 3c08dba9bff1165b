'use strict'

const { performance } = require('node:perf_hooks')

/** Tasks between two looks at the clock. */
const STRIDE = 32

/**
 * Keeps so many tasks in flight for a while, then lets the last of them finish.
 * @param {number} inFlight
 * @param {number} seconds
 * @param {(index: number) => PromiseLike<unknown>} task
 * @returns {Promise<{ tasks: number, seconds: number }>}
 */
async function saturate(inFlight, seconds, task) {
  const begin = performance.now()
  const end = begin + seconds * 1000
  let tasks = 0
  let over = false
  const lane = async () => {
    while (!over) {
      const index = tasks++
      if (index % STRIDE === 0) over = performance.now() >= end
      await task(index)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { tasks, seconds: (performance.now() - begin) / 1000 }
}

module.exports = { saturate }

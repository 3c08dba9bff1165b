'use strict'

const { userFunction, waitForValue, release, sharedWords } = require('./worker.js')

/**
 * Occupies the threads of a pool until they are released.
 * @param {import('../../index.js').Pool} pool
 */
async function occupy(pool) {
  const tasks = Array.from({ length: pool.threads }, () => {
    const shared = sharedWords()
    return { shared, task: pool.run(userFunction('meet'), shared) }
  })
  await Promise.all(tasks.map(({ shared }) => waitForValue(shared, 0, 1)))
  return {
    async release() {
      for (const { shared } of tasks) release(shared)
      await Promise.all(tasks.map(({ task }) => task))
    }
  }
}

module.exports = { occupy }

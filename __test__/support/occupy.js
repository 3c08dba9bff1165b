'use strict'

const { plain, reaches, release, words } = require('./worker.js')

/**
 * Occupies the threads of a pool until it is told to let them go.
 * @param {import('../../index.js').Pool} pool
 */
async function busy(pool) {
  const held = Array.from({ length: pool.threads }, () => {
    const shared = words()
    return { shared, task: pool.run(plain('meet'), shared) }
  })
  await Promise.all(held.map(({ shared }) => reaches(shared, 0, 1)))
  return {
    async release() {
      for (const { shared } of held) release(shared)
      await Promise.all(held.map(({ task }) => task))
    }
  }
}

module.exports = { busy }

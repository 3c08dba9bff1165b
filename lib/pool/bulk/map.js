'use strict'

const { BulkScheduler } = require('./scheduler')

/** Default concurrency for each thread: two full batches, one running, one ready. */
const CONCURRENCY = 512

/**
 * @param {import('./inputs').BulkCall} call
 * @param {(results: unknown[]) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function map(call, resolve, reject) {
  /** @type {unknown[]} */
  const results = []
  const stop = (/** @type {number} */ _, /** @type {unknown} */ error) => scheduler.stop(error)
  const scheduler = BulkScheduler.open(call, CONCURRENCY, {
    unread: 0,
    result: (index, value) => {
      results[index] = value
    },
    failure: stop,
    inputsFailed: stop,
    stopped: reject,
    progress: () => {
      if (scheduler.isDone) resolve(results)
    }
  })
  scheduler.takeInputs()
}

module.exports = { map }

'use strict'

const { BulkScheduler } = require('./scheduler')

/** Inputs in flight for each thread, unless the options say otherwise: two full batches, one running, one ready. */
const WINDOW = 512

/**
 * @param {import('../pool-state').PoolState} pool
 * @param {import('../../native/transform').Transform} transform
 * @param {Iterable<unknown> | AsyncIterable<unknown>} inputs
 * @param {import('../../..').MapOptions} options
 * @param {{ stack?: string }} caller
 * @param {(results: unknown[]) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function map(pool, transform, inputs, options, caller, resolve, reject) {
  /** @type {unknown[]} */
  const results = []
  const stop = (/** @type {unknown} */ error) => scheduler.stop(error)
  const scheduler = new BulkScheduler(pool, transform, inputs, options, WINDOW * pool.info.threads, caller, {
    unread: 0,
    result: (index, value) => {
      results[index] = scheduler.settlesAll ? { status: 'fulfilled', value } : value
    },
    failure: (index, reason) => {
      if (scheduler.settlesAll) results[index] = { status: 'rejected', reason }
      else stop(reason)
    },
    inputsFailed: (_, error) => stop(error),
    stopped: reject,
    progress: () => {
      if (scheduler.isDone) resolve(results)
    }
  })
  scheduler.takeInputs()
}

module.exports = { map }

'use strict'

const { Flow } = require('./scheduler')

/** Inputs in flight for each thread, unless the options say otherwise: two full batches, one running, one ready. */
const WINDOW = 512

/**
 * @param {import('../pool-state').PoolState} pool
 * @param {import('../../transform').Transform} transform
 * @param {Iterable<unknown> | AsyncIterable<unknown>} inputs
 * @param {import('../../..').MapOptions} options
 * @param {{ stack?: string }} caller
 * @param {(results: unknown[]) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function map(pool, transform, inputs, options, caller, resolve, reject) {
  /** @type {unknown[]} */
  const results = []
  const stop = (/** @type {unknown} */ error) => flow.stop(error)
  const flow = new Flow(pool, transform, inputs, options, WINDOW * pool.info.threads, caller, {
    unread: 0,
    result: (index, value) => {
      results[index] = flow.isSettling ? { status: 'fulfilled', value } : value
    },
    failure: (index, reason) => {
      if (flow.isSettling) results[index] = { status: 'rejected', reason }
      else stop(reason)
    },
    sourceFailed: (_, error) => stop(error),
    stopped: reject,
    progress: () => {
      if (flow.isDone) resolve(results)
    }
  })
  flow.take()
}

module.exports = { map }

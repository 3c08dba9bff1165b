'use strict'

// Clients that arrive at a fixed rate, whether or not earlier requests are complete.

const { Agent, get } = require('node:http')
const { availableParallelism } = require('node:os')
const { answer } = require('../../examples/traps/child.js')
const { percentile } = require('../harness/statistics.js')

/** Time after which a client gives up, in milliseconds. */
const PATIENCE = 10_000
/** Number of sequential requests that measure the response time without load. */
const CALM = 20
/** Maximum time for the server to recover, in milliseconds. */
const RECOVERY_TIMEOUT = 120_000

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/**
 * @typedef {{ status: number, took: number }} Result the status is 0 if there was no response
 *
 * @param {number} port
 * @param {number} [patience]
 * @returns {Promise<Result>}
 */
function ask(port, patience = PATIENCE) {
  const start = performance.now()
  return new Promise(resolve => {
    const end = (/** @type {number} */ status) => resolve({ status, took: performance.now() - start })
    const request = get({ host: '127.0.0.1', port, agent }, response => {
      response.on('end', () => end(response.statusCode ?? 0))
      response.resume()
    })
    const timer = setTimeout(() => request.destroy(), patience)
    request.on('error', () => end(0))
    request.on('close', () => {
      clearTimeout(timer)
      // Only the first call settles the promise.
      end(0)
    })
  })
}

let loadEnded = 0

answer({
  /**
   * Returns successful responses per second, with enough clients to keep every thread busy.
   * @param {{ port: number, seconds: number }} load
   */
  async capacity({ port, seconds }) {
    const begin = performance.now()
    const end = begin + seconds * 1000
    let good = 0
    const client = async () => {
      while (performance.now() < end) if ((await ask(port)).status === 200) good++
    }
    await Promise.all(Array.from({ length: 2 * availableParallelism() }, client))
    return (good * 1000) / (performance.now() - begin)
  },

  /**
   * Returns the slowest response time without load.
   * @param {{ port: number }} server
   */
  async calm({ port }) {
    const took = []
    for (let i = 0; i < CALM; i++) took.push((await ask(port)).took)
    return Math.max(...took)
  },

  /** @param {{ port: number, rate: number, seconds: number }} load */
  load({ port, rate, seconds }) {
    const begin = performance.now()
    const duration = seconds * 1000
    let count = 0
    /** @type {Result[]} */
    const results = []
    const record = (/** @type {Result} */ result) => results.push(result)
    return new Promise(resolve => {
      const tick = () => {
        const elapsed = performance.now() - begin
        const due = Math.floor((Math.min(elapsed, duration) * rate) / 1000)
        for (; count < due; count++) ask(port).then(record)
        if (elapsed < duration) setTimeout(tick, 1)
        else {
          loadEnded = performance.now()
          resolve(summary(count, results, seconds))
        }
      }
      tick()
    })
  },

  /**
   * Returns the milliseconds from the end of the load until a response is as fast as before.
   * @param {{ port: number, before: number }} calm
   */
  async recovery({ port, before }) {
    for (;;) {
      const { status, took } = await ask(port, RECOVERY_TIMEOUT)
      const elapsed = performance.now() - loadEnded
      if ((status === 200 && took <= before) || elapsed > RECOVERY_TIMEOUT) return { recovery: elapsed }
    }
  }
})

/**
 * @param {number} count
 * @param {Result[]} results
 * @param {number} seconds
 */
function summary(count, results, seconds) {
  const took = (/** @type {number} */ status) => results.filter(it => it.status === status).map(it => it.took)
  const unexpected = results.find(({ status }) => ![0, 200, 503].includes(status))
  if (unexpected !== undefined) throw new Error(`unexpected status ${unexpected.status} of a response`)
  const [good, refused, unanswered] = [took(200), took(503), took(0)]
  return {
    'asked for': count / seconds,
    'good answers': good.length / seconds,
    'refused (503)': refused.length / seconds,
    'given up by clients': unanswered.length / seconds,
    ...(good.length > 0 ? { 'good answers, p99': percentile(good, 99) } : {}),
    ...(refused.length > 0 ? { 'refused, p99': percentile(refused, 99) } : {})
  }
}

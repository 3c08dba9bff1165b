'use strict'

// Clients of server.js. Most arrive at a fixed rate, whether or not earlier requests are complete.

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
 * @typedef {{ port: number, rate: number, seconds: number }} Arrivals `rate` is requests per second
 *
 * @param {number} port
 * @param {{ path?: string, patience?: number }} [options]
 * @returns {Promise<Result>}
 */
function ask(port, { path = '/', patience = PATIENCE } = {}) {
  const start = performance.now()
  return new Promise(resolve => {
    const end = (/** @type {number} */ status) => resolve({ status, took: performance.now() - start })
    const request = get({ host: '127.0.0.1', port, path, agent }, response => {
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

/**
 * Sends requests by the clock for some seconds. The last ones may be pending at the end.
 * @param {Arrivals} arrivals
 * @param {() => Promise<void>} send
 * @returns {Promise<Promise<void>[]>}
 */
function arrive({ rate, seconds }, send) {
  const begin = performance.now()
  const duration = seconds * 1000
  /** @type {Promise<void>[]} */
  const sent = []
  return new Promise(resolve => {
    const tick = () => {
      const elapsed = performance.now() - begin
      const due = Math.floor((Math.min(elapsed, duration) * rate) / 1000)
      while (sent.length < due) sent.push(send())
      if (elapsed < duration) setTimeout(tick, 1)
      else resolve(sent)
    }
    tick()
  })
}

let loadEnded = 0

answer({
  /**
   * Returns successful responses per second to a closed loop of clients, by default enough to keep every thread busy.
   * @param {{ port: number, seconds: number, clients?: number }} load
   */
  async capacity({ port, seconds, clients = 2 * availableParallelism() }) {
    const begin = performance.now()
    const end = begin + seconds * 1000
    let good = 0
    const client = async () => {
      while (performance.now() < end) if ((await ask(port)).status === 200) good++
    }
    await Promise.all(Array.from({ length: clients }, client))
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

  /** @param {Arrivals} arrivals */
  async load(arrivals) {
    /** @type {Result[]} */
    const results = []
    const sent = await arrive(arrivals, async () => {
      results.push(await ask(arrivals.port))
    })
    loadEnded = performance.now()
    return summary(sent.length, results, arrivals.seconds)
  },

  /**
   * Returns the response times of /ping, those of pending requests included.
   * @param {Arrivals} arrivals
   */
  async ping(arrivals) {
    /** @type {Result[]} */
    const results = []
    const sent = await arrive(arrivals, async () => {
      results.push(await ask(arrivals.port, { path: '/ping' }))
    })
    await Promise.all(sent)
    const failed = results.find(({ status }) => status !== 200)
    if (failed !== undefined) throw new Error(`status ${failed.status} of a response to /ping`)
    const took = results.map(result => result.took)
    return { '/ping, p50': percentile(took, 50), '/ping, p99': percentile(took, 99) }
  },

  /**
   * Returns the milliseconds from the end of the load until a response is as fast as before.
   * @param {{ port: number, before: number }} calm
   */
  async recovery({ port, before }) {
    for (;;) {
      const { status, took } = await ask(port, { patience: RECOVERY_TIMEOUT })
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

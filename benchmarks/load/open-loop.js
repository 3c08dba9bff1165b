'use strict'

// Clients that arrive at a fixed rate, whether or not earlier ones were answered.

const { Agent, get } = require('node:http')
const { availableParallelism } = require('node:os')
const { answer } = require('../../examples/traps/child.js')
const { percentile } = require('../harness/statistics.js')

/** A client without an answer gives up after this long (ms). */
const PATIENCE = 10_000
/** Sequential requests that measure the time of an answer without load. */
const CALM = 20
/** The longest wait for a server to recover (ms). */
const HOPELESS = 120_000

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

/**
 * @typedef {{ status: number, took: number }} Answered the status is 0 where there was no answer
 *
 * @param {number} port
 * @param {number} [patience]
 * @returns {Promise<Answered>}
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
   * Returns good answers per second, with enough clients to keep every thread busy.
   * @param {{ port: number, seconds: number }} load
   */
  async capacity({ port, seconds }) {
    const begin = performance.now()
    const until = begin + seconds * 1000
    let good = 0
    const client = async () => {
      while (performance.now() < until) if ((await ask(port)).status === 200) good++
    }
    await Promise.all(Array.from({ length: 2 * availableParallelism() }, client))
    return (good * 1000) / (performance.now() - begin)
  },

  /**
   * Returns the slowest time of an answer without load.
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
    const until = seconds * 1000
    let asked = 0
    /** @type {Answered[]} */
    const answers = []
    const note = (/** @type {Answered} */ answered) => answers.push(answered)
    return new Promise(resolve => {
      const tick = () => {
        const elapsed = performance.now() - begin
        const due = Math.floor((Math.min(elapsed, until) * rate) / 1000)
        for (; asked < due; asked++) ask(port).then(note)
        if (elapsed < until) setTimeout(tick, 1)
        else {
          loadEnded = performance.now()
          resolve(summary(asked, answers, seconds))
        }
      }
      tick()
    })
  },

  /**
   * Returns the milliseconds from the end of the load until an answer is as fast as before it.
   * @param {{ port: number, before: number }} calm
   */
  async recovery({ port, before }) {
    for (;;) {
      const { status, took } = await ask(port, HOPELESS)
      const passed = performance.now() - loadEnded
      if ((status === 200 && took <= before) || passed > HOPELESS) return { recovery: passed }
    }
  }
})

/**
 * @param {number} asked
 * @param {Answered[]} answers
 * @param {number} seconds
 */
function summary(asked, answers, seconds) {
  const took = (/** @type {number} */ status) => answers.filter(it => it.status === status).map(it => it.took)
  const strange = answers.find(({ status }) => ![0, 200, 503].includes(status))
  if (strange !== undefined) throw new Error(`a request was answered with status ${strange.status}`)
  const [good, refused, none] = [took(200), took(503), took(0)]
  return {
    'asked for': asked / seconds,
    'good answers': good.length / seconds,
    'refused (503)': refused.length / seconds,
    'given up by clients': none.length / seconds,
    ...(good.length > 0 ? { 'good answers, p99': percentile(good, 99) } : {}),
    ...(refused.length > 0 ? { 'refused, p99': percentile(refused, 99) } : {})
  }
}

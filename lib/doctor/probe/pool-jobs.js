'use strict'

// Jobs that the program gives to libuv's pool, by kind, from trace events of Node.js. Reading an event costs about 10 µs, so events are
// recorded only while the pool is full, for a quarter of a second at a time.

const { connected } = require('./inspector')
const { PoolCallers } = require('./pool-callers')

/** @typedef {import('../facts').PoolJobs} Jobs */

/** Category of the trace events that a thread of the pool records when it starts and ends a job. Calls of `fs` and `dns` have none. */
const RUNNING = 'node.threadpoolwork.sync'
/** Categories of the trace events of jobs. */
const CATEGORIES = ['node.threadpoolwork.async', RUNNING, 'node.fs.async', 'node.dns.native']
/** Phases of trace events: start of an asynchronous operation, and start and end of a synchronous one. */
const BEGIN = 'b'
const ENTER = 'B'
const LEAVE = 'E'
/** Number of jobs that suffices, and maximum number of recorded periods. */
const ENOUGH = 50
const MAX_PERIODS = 8

class PoolJobs {
  /** @type {import('node:inspector').Session | undefined} */
  #session
  #callers = new PoolCallers()
  /** @type {Jobs} */
  #jobs = {}
  /** Running job of each thread, with the time of its start in microseconds. @type {Map<number, { name: string, ts: number }>} */
  #running = new Map()
  /** Time of the last event, in microseconds. */
  #last = 0
  #total = 0
  #periods = 0

  get facts() {
    return { poolJobs: this.#jobs, poolCalls: this.#callers.facts }
  }

  /** Ends the current period, or begins one. @param {boolean} isWanted whether a period may begin */
  sample(isWanted) {
    if (this.#session !== undefined) this.stop()
    else if (isWanted && this.#total < ENOUGH && this.#periods < MAX_PERIODS) this.#start()
  }

  #start() {
    this.#periods++
    const session = connected()
    if (session === undefined) return
    session.on('NodeTracing.dataCollected', ({ params }) => this.#take(params.value))
    session.once('NodeTracing.tracingComplete', () => {
      for (const thread of this.#running.keys()) this.#end(thread, this.#last)
      session.disconnect()
    })
    session.post('NodeTracing.start', { traceConfig: { includedCategories: CATEGORIES } }, error => {
      // The program itself is recording trace events.
      if (error !== null) return session.disconnect()
      this.#session = session
      this.#callers.enable()
    })
  }

  /** Ends the current period. The events arrive in a later iteration of the event loop. */
  stop() {
    this.#callers.disable()
    this.#session?.post('NodeTracing.stop')
    this.#session = undefined
  }

  /** @param {any[]} events */
  #take(events) {
    for (const { ph, cat, name, tid, ts } of events) {
      this.#last = Math.max(this.#last, ts)
      if (!cat.includes(RUNNING)) {
        if (ph !== BEGIN) continue
        this.#of(kindOf(cat, name)).jobs++
        this.#total++
      } else if (ph === ENTER) this.#running.set(tid, { name, ts })
      else if (ph === LEAVE) this.#end(tid, ts)
    }
  }

  /**
   * Ends the job of a thread. A job that began before the period is left out.
   * @param {number} thread
   * @param {number} ts in microseconds
   */
  #end(thread, ts) {
    const job = this.#running.get(thread)
    if (job === undefined) return
    this.#of(job.name).time += (ts - job.ts) / 1000
    this.#running.delete(thread)
  }

  /** @param {string} kind */
  #of(kind) {
    this.#jobs[kind] ??= { jobs: 0, time: 0 }
    return this.#jobs[kind]
  }
}

/**
 * @param {string} categories
 * @param {string} name
 */
function kindOf(categories, name) {
  if (categories.includes('node.dns')) return `dns.${name}`
  return categories.includes('node.fs') ? `fs.${name}` : name
}

module.exports = { PoolJobs }

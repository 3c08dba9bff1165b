'use strict'

// Counts the jobs that the program gives to libuv's pool by kind, from trace events of Node.js. Reading an event costs about 10 µs, so
// events are recorded only while the pool is full, for a quarter of a second at a time.

const { connected } = require('./inspector')

/** Categories of the trace events of jobs. */
const CATEGORIES = ['node.threadpoolwork.async', 'node.fs.async', 'node.dns.native']
/** Phase of a trace event that begins an asynchronous operation. */
const BEGIN = 'b'
/** Number of jobs that suffices, and maximum number of recorded periods. */
const ENOUGH = 50
const MAX_PERIODS = 8

class PoolJobs {
  /** @type {import('node:inspector').Session | undefined} */
  #session
  /** @type {Record<string, number>} */
  #counts = {}
  #total = 0
  #periods = 0

  /** Number of jobs by kind. */
  get counts() {
    return this.#counts
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
    session.once('NodeTracing.tracingComplete', () => session.disconnect())
    session.post('NodeTracing.start', { traceConfig: { includedCategories: CATEGORIES } }, error => {
      if (error === null) this.#session = session
      // The program itself is recording trace events.
      else session.disconnect()
    })
  }

  /** Ends the current period. The events arrive in a later iteration of the event loop. */
  stop() {
    this.#session?.post('NodeTracing.stop')
    this.#session = undefined
  }

  /** @param {any[]} events */
  #take(events) {
    for (const { ph, cat, name } of events) {
      if (ph !== BEGIN) continue
      const kind = kindOf(cat, name)
      this.#counts[kind] = (this.#counts[kind] ?? 0) + 1
      this.#total++
    }
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

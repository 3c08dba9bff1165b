'use strict'

const { fstat } = require('node:fs')
const { performance } = require('node:perf_hooks')
const { date, now } = require('../../internal/clock')
const { PoolJobs } = require('./pool-jobs')

const { eventLoopUtilization } = performance

/** @typedef {{ began: number, before: ReturnType<typeof eventLoopUtilization> }} Pending */

/** Maximum number of measured waits. */
const MAX_WAITS = 4000
/** Number of successive waits that show a full pool, and minimum duration of each in milliseconds. */
const FULL = 4
const LONG = 5
/** Descriptor of the submitted jobs, which need not be open: a job that fails has waited too. */
const STANDARD_INPUT = 0

/** Measures how long jobs wait for a thread of libuv's pool, by submitting jobs that take microseconds. */
class PoolWait {
  /** @type {{ at: number, wait: number }[]} */
  #waits = []
  /** The submitted job, until it is done. @type {Pending | undefined} */
  #pending
  #jobs = new PoolJobs()

  begin() {
    this.#waits = []
    this.#jobs = new PoolJobs()
  }

  get #isFull() {
    const last = this.#waits.slice(-FULL)
    return last.length === FULL && last.every(({ wait }) => wait > LONG)
  }

  /** Submits a job, unless the previous one is still waiting. */
  sample() {
    this.#jobs.sample(this.#isFull)
    if (this.#pending !== undefined || this.#waits.length >= MAX_WAITS) return
    const pending = { began: now(), before: eventLoopUtilization() }
    this.#pending = pending
    fstat(STANDARD_INPUT, () => {
      this.#pending = undefined
      this.#waits.push(waitOf(pending))
    })
  }

  end() {
    this.#jobs.stop()
  }

  /** Returns the waits, including that of a job that is still waiting: in a full pool, few jobs finish. */
  collect() {
    const pending = this.#pending === undefined ? [] : [waitOf(this.#pending)]
    return { poolWait: [...this.#waits, ...pending], ...this.#jobs.facts }
  }
}

/**
 * Returns the time since a job was submitted. Time in which the loop was busy does not count: the job may have been done already.
 * @param {Pending} job
 */
function waitOf({ began, before }) {
  const { active } = eventLoopUtilization(before)
  return { at: date(), wait: Math.max(0, now() - began - active) }
}

module.exports = { PoolWait }

'use strict'

const { fstat } = require('node:fs')
const { performance } = require('node:perf_hooks')
const { date, now } = require('../../internal/clock')
const { PoolJobs } = require('./pool-jobs')

const { eventLoopUtilization } = performance

/** Values that are kept. */
const MAX_WAITS = 4000
/** Waits one after another that show a full pool, and their least duration in milliseconds. */
const FULL = 4
const LONG = 5

/** Measures how long jobs wait for a thread of libuv's pool, by jobs that take microseconds. */
class PoolWait {
  /** @type {{ at: number, wait: number }[]} */
  #waits = []
  #isPending = false
  #jobs = new PoolJobs()
  #fd

  /** @param {number} fd of any open file */
  constructor(fd) {
    this.#fd = fd
  }

  begin() {
    this.#waits = []
    this.#jobs = new PoolJobs()
  }

  get #isFull() {
    const last = this.#waits.slice(-FULL)
    return last.length === FULL && last.every(({ wait }) => wait > LONG)
  }

  /** Starts a job unless one is waiting. */
  sample() {
    this.#jobs.sample(this.#isFull)
    if (this.#isPending || this.#waits.length >= MAX_WAITS) return
    this.#isPending = true
    const began = now()
    const before = eventLoopUtilization()
    fstat(this.#fd, () => {
      this.#isPending = false
      // While the loop was busy, the job may have been done already.
      const { active } = eventLoopUtilization(before)
      this.#waits.push({ at: date(), wait: Math.max(0, now() - began - active) })
    })
  }

  end() {
    this.#jobs.stop()
  }

  collect() {
    return { poolWait: this.#waits, poolJobs: this.#jobs.counts }
  }
}

module.exports = { PoolWait }

'use strict'

const { fstat } = require('node:fs')
const { performance } = require('node:perf_hooks')
const { date, now } = require('../../internal/clock')
const { PoolJobs } = require('./pool-jobs')

const { eventLoopUtilization } = performance

/** @typedef {{ began: number, before: ReturnType<typeof eventLoopUtilization> }} Pending */

/** Values that are kept. */
const MAX_WAITS = 4000
/** Waits one after another that show a full pool, and their least duration in milliseconds. */
const FULL = 4
const LONG = 5

/** Measures how long jobs wait for a thread of libuv's pool, by jobs that take microseconds. */
class PoolWait {
  /** @type {{ at: number, wait: number }[]} */
  #waits = []
  /** The job that waits. @type {Pending | undefined} */
  #pending
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
    if (this.#pending !== undefined || this.#waits.length >= MAX_WAITS) return
    const pending = { began: now(), before: eventLoopUtilization() }
    this.#pending = pending
    fstat(this.#fd, () => {
      this.#pending = undefined
      this.#waits.push(waitOf(pending))
    })
  }

  end() {
    this.#jobs.stop()
  }

  /** Returns the waits, with that of a job that still waits: of a full pool, few jobs come back. */
  collect() {
    const pending = this.#pending === undefined ? [] : [waitOf(this.#pending)]
    return { poolWait: [...this.#waits, ...pending], poolJobs: this.#jobs.counts }
  }
}

/** Returns the time since a job began, without that in which the loop was busy: the job may have been done already. @param {Pending} job */
function waitOf({ began, before }) {
  const { active } = eventLoopUtilization(before)
  return { at: date(), wait: Math.max(0, now() - began - active) }
}

module.exports = { PoolWait }

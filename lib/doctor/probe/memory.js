'use strict'

// The heap of this thread: its size, its collections, the stacks of live allocations, and snapshots.

const { PerformanceObserver, constants, performance } = require('node:perf_hooks')
const { getHeapStatistics, writeHeapSnapshot } = require('node:v8')
const { date, now } = require('../../internal/clock')
const { allocationsOf } = require('./allocations')
const { call, connected } = require('./inspector')
const { ranFunctions } = require('./ran')

/**
 * @typedef {import('../facts').Row} Row
 * @typedef {Pick<Row, 'at' | 'heapUsed' | 'external' | 'rss' | 'gc' | 'longestGc' | 'timers'>} MemoryRow
 */

/** Most rows that are kept: 20 minutes. */
const MAX_ROWS = 4800
const MAX_MAJORS = 1000
/** Bytes between two samples of allocations. */
const SAMPLING = 512 << 10
/** Time that one list of the active resources may take; a longer one is made less often. */
const LIST_TIME = 1
const RARELY = 16

// Functions that the program may replace.
const { memoryUsage } = process

/** Returns the probe, which observes nothing until the measurement begins. */
function install() {
  return new Memory()
}

class Memory {
  /** @type {import('node:inspector').Session | undefined} */
  #session
  /** @type {PerformanceObserver | undefined} */
  #observer
  /** @type {MemoryRow[]} */
  #rows = []
  /** @type {import('../facts').ProcessFacts['majors']} */
  #majors = []
  #gc = 0
  #longestGc = 0
  /** Collections that the doctor causes. @type {{ from: number, to: number }[]} */
  #caused = []
  #began = 0
  #timers = 0
  /** Samples until the timers are counted again. */
  #untilTimers = 0
  /** @type {import('../facts').AllocationFact[]} */
  #allocations = []
  /** Functions that had run at the last snapshot. @type {import('../facts').RanFact[] | undefined} */
  #ran
  #cost = 0

  /** The warm-up is over. Allocations from now on that stay alive are growth. */
  begin() {
    const began = now()
    this.#observer = new PerformanceObserver(list => this.#take(list.getEntries()))
    this.#observer.observe({ entryTypes: ['gc'] })
    this.#session = connected()
    call(this.#session, 'HeapProfiler.startSampling', { samplingInterval: SAMPLING })
    this.#liveProfile()
    this.#began = now()
    this.#cost += this.#began - began
  }

  /** Adds a row, and returns it. */
  sample() {
    const began = now()
    const { heapUsed, external, rss } = memoryUsage()
    const row = {
      at: date(),
      heapUsed,
      external,
      rss,
      gc: this.#gc,
      longestGc: this.#longestGc,
      timers: this.#countTimers()
    }
    this.#gc = 0
    this.#longestGc = 0
    if (this.#rows.length < MAX_ROWS) this.#rows.push(row)
    this.#cost += now() - began
    return row
  }

  /** The measurement is over. Must be called once, before the last `collect`. */
  end() {
    const began = now()
    this.#takeRecords()
    const profile = this.#liveProfile()
    if (profile !== undefined) this.#allocations = allocationsOf(profile)
    this.#session?.disconnect()
    this.#session = undefined
    this.#cost += now() - began
  }

  /** Returns the facts up to now. */
  collect() {
    this.#takeRecords()
    return {
      rows: this.#rows,
      majors: this.#majors,
      heapLimit: getHeapStatistics().heap_size_limit,
      allocations: this.#allocations,
      ...(this.#ran === undefined ? {} : { ran: this.#ran }),
      cost: { memory: this.#cost }
    }
  }

  /**
   * Writes a heap snapshot. This thread stops meanwhile.
   * @param {string} path
   */
  snapshot(path) {
    const from = now()
    // Before the snapshot, which collects garbage.
    this.#ran = ranFunctions(call(this.#session, 'Profiler.getBestEffortCoverage')?.result ?? [])
    writeHeapSnapshot(path)
    this.#caused.push({ from, to: now() })
    // V8 has collected all garbage.
    this.#addMajor(date())
    this.#cost += now() - from
  }

  #takeRecords() {
    this.#take(this.#observer?.takeRecords() ?? [])
  }

  /** @param {readonly import('node:perf_hooks').PerformanceEntry[]} entries */
  #take(entries) {
    for (const entry of entries) {
      const { startTime, duration } = entry
      if (startTime < this.#began || this.#isCaused(startTime)) continue
      this.#gc += duration
      this.#longestGc = Math.max(this.#longestGc, duration)
      const { detail } = /** @type {{ detail?: { kind?: number } }} */ (entry)
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) this.#addMajor(performance.timeOrigin + startTime)
    }
  }

  /** @param {number} startTime */
  #isCaused(startTime) {
    return this.#caused.some(({ from, to }) => startTime >= from && startTime <= to)
  }

  /**
   * Adds the heap used now, soon after a major collection.
   * @param {number} at
   */
  #addMajor(at) {
    if (this.#majors.length === MAX_MAJORS) this.#majors = this.#majors.filter((_, index) => index % 2 === 0)
    const { heapUsed, external } = memoryUsage()
    this.#majors.push({ at, heapUsed, external })
  }

  /** Returns the active timers that keep the loop alive. Lists all resources, which may be many. */
  #countTimers() {
    if (this.#untilTimers-- > 0) return this.#timers
    const began = now()
    this.#timers = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    this.#untilTimers = now() - began > LIST_TIME ? RARELY : 0
    return this.#timers
  }

  /**
   * Returns the allocations that are alive. V8 makes a major collection to find them.
   * @returns {import('node:inspector').HeapProfiler.SamplingHeapProfile | undefined}
   */
  #liveProfile() {
    const from = now()
    const profile = call(this.#session, 'HeapProfiler.getSamplingProfile')?.profile
    this.#caused.push({ from, to: now() })
    if (profile !== undefined) this.#addMajor(date())
    return profile
  }
}

module.exports = { install }

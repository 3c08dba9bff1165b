'use strict'

// The heap of this thread: its size, its collections, the stacks of live allocations, and snapshots.

const { readFileSync, rmSync } = require('node:fs')
const { dirname } = require('node:path')
const { getHeapStatistics, writeHeapSnapshot } = require('node:v8')
const { date, now } = require('../../internal/clock')
const { allocationsOf } = require('./allocations')
const { collectionsOf } = require('./collections')
const { call, connected } = require('./inspector')
const { commandPath } = require('../settings')
const { ranFunctions } = require('./ran')

/**
 * @typedef {import('../facts').Row} Row
 * @typedef {Pick<Row, 'at' | 'heapUsed' | 'external' | 'rss' | 'gc' | 'longestGc' | 'timers' | 'immediates'>} MemoryRow
 */

/** Most rows that are kept: 20 minutes. */
const MAX_ROWS = 4800
const MAX_MAJORS = 1000
/** Bytes between two samples of allocations. */
const SAMPLING = 512 << 10
/** Maximum time to list the active resources, in milliseconds, and number of samples skipped after a longer listing. */
const LIST_TIME = 1
const RARELY = 16

// Functions that the program may replace.
const { memoryUsage } = process

/** Returns the probe, which observes nothing until the measurement begins. */
function install() {
  return new Memory()
}

/**
 * Returns the heaps of which the command asks for snapshots.
 * @param {string} directory
 * @returns {import('../settings').Heaps | undefined}
 */
function heapsIn(directory) {
  try {
    return JSON.parse(readFileSync(commandPath(directory), 'utf8')).heaps
  } catch {
    // The command line has ended and removed the directory.
    return { processes: [] }
  }
}

/** Removes a part of a snapshot, which cannot be compared. @param {string} path */
function remove(path) {
  try {
    rmSync(path, { force: true })
  } catch {
    // A failing probe must not fail the program.
  }
}

/**
 * Returns whether to take a snapshot of the heap of this process.
 * @param {import('../settings').Heaps | undefined} heaps
 */
function isWanted(heaps) {
  if (heaps === undefined) return true
  const { processes, largest = Number.POSITIVE_INFINITY } = heaps
  return processes.includes(process.pid) && memoryUsage().heapUsed <= largest
}

class Memory {
  /** @type {import('node:inspector').Session | undefined} */
  #session
  /** @type {import('./collections').Collections | undefined} */
  #collections
  /** @type {MemoryRow[]} */
  #rows = []
  /** @type {import('../facts').ProcessFacts['majors']} */
  #majors = []
  #active = { timers: 0, immediates: 0 }
  /** Samples until the active resources are listed again. */
  #untilList = 0
  /** @type {import('../facts').AllocationFact[]} */
  #allocations = []
  /** Functions that had run at the last snapshot. @type {import('../facts').RanFact[] | undefined} */
  #ran
  /** @type {import('../facts').ProcessFacts['blind']} */
  #blind = {}
  #cost = 0

  /**
   * The warm-up is over. Allocations from now on that stay alive are growth.
   * @param {import('../../watch/loop-watch').LoopWatch} [loop]
   */
  begin(loop) {
    const began = now()
    const collections = collectionsOf(loop)
    this.#collections = collections
    this.#session = connected()
    call(this.#session, 'HeapProfiler.startSampling', { samplingInterval: SAMPLING })
    this.#liveProfile()
    collections.begin(at => this.#addMajor(at))
    this.#cost += now() - began
  }

  /** Adds a row, and returns it. */
  sample() {
    const began = now()
    const { heapUsed, external, rss } = memoryUsage()
    const { time, longest } = this.#collections?.take() ?? { time: 0, longest: 0 }
    const row = {
      at: date(),
      heapUsed,
      external,
      rss,
      gc: time,
      longestGc: longest,
      ...this.#countActive()
    }
    if (this.#rows.length < MAX_ROWS) this.#rows.push(row)
    this.#cost += now() - began
    return row
  }

  /** The measurement is over. Must be called once, before the last `collect`. */
  end() {
    const began = now()
    this.#collections?.take()
    this.#collections?.end()
    const profile = this.#liveProfile()
    if (profile !== undefined) this.#allocations = allocationsOf(profile)
    this.#session?.disconnect()
    this.#session = undefined
    this.#cost += now() - began
  }

  /** Returns the facts up to now. */
  collect() {
    return {
      rows: this.#rows,
      majors: this.#majors,
      heapLimit: getHeapStatistics().heap_size_limit,
      allocations: this.#allocations,
      ...(this.#ran === undefined ? {} : { ran: this.#ran }),
      blind: this.#blind,
      cost: { memory: this.#cost }
    }
  }

  /**
   * Writes a heap snapshot if the command asks for one of this heap. This thread stops meanwhile.
   * @param {string} path
   */
  snapshot(path) {
    const from = now()
    if (isWanted(heapsIn(dirname(path)))) {
      // Before the snapshot, which collects garbage.
      this.#ran = ranFunctions(call(this.#session, 'Profiler.getBestEffortCoverage')?.result ?? [])
      this.#without(() => this.#write(path))
      // V8 has collected all garbage.
      this.#addMajor(date())
    }
    this.#cost += now() - from
  }

  /** @param {string} path */
  #write(path) {
    try {
      writeHeapSnapshot(path)
    } catch (error) {
      this.#blind = { growth: `A heap snapshot could not be written: ${/** @type {Error} */ (error).message}` }
      remove(path)
    }
  }

  /**
   * Adds the heap used now, soon after a major collection.
   * @param {number} at
   */
  #addMajor(at) {
    if (this.#majors.length === MAX_MAJORS) this.#majors = this.#majors.filter((_, index) => index % 2 === 0)
    // Unlike `memoryUsage`, this opens no file, which could fail.
    const { used_heap_size: heapUsed, external_memory: external } = getHeapStatistics()
    this.#majors.push({ at, heapUsed, external })
  }

  /** Returns the numbers of active timers and immediates that keep the loop alive. */
  #countActive() {
    if (this.#untilList-- > 0) return this.#active
    const began = now()
    const names = process.getActiveResourcesInfo()
    const countOf = (/** @type {string} */ name) => names.filter(it => it === name).length
    this.#active = { timers: countOf('Timeout'), immediates: countOf('Immediate') }
    this.#untilList = now() - began > LIST_TIME ? RARELY : 0
    return this.#active
  }

  /**
   * Calls a function whose collections are the doctor's.
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  #without(call) {
    return this.#collections === undefined ? call() : this.#collections.without(call)
  }

  /**
   * Returns the allocations that are alive. V8 makes a major collection to find them.
   * @returns {import('node:inspector').HeapProfiler.SamplingHeapProfile | undefined}
   */
  #liveProfile() {
    const profile = this.#without(() => call(this.#session, 'HeapProfiler.getSamplingProfile')?.profile)
    if (profile !== undefined) this.#addMajor(date())
    return profile
  }
}

module.exports = { install }

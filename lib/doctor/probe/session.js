'use strict'

// The probes of a process: installed before the program, active from its first server on.

const cluster = /** @type {import('node:cluster').Cluster} */ (/** @type {unknown} */ (require('node:cluster')))
const { subscribe } = require('node:diagnostics_channel')
const { availableParallelism } = require('node:os')
const { performance } = require('node:perf_hooks')
const { isMainThread, threadId } = require('node:worker_threads')
const { date, now, setImmediate, setTimeout } = require('../../internal/clock')
const { lazy } = require('../../internal/lazy')
const { TICK } = require('../settings')
const { addFiles, compiledTexts } = require('./compiled-texts')
const { Forks } = require('./forks')
const { PoolWait } = require('./pool-wait')
const { Profile } = require('./profile')
const { Journal } = require('./journal')
const { onListen } = require('./listening')
const { refuse } = require('./refusal')
const { RequestTimes } = require('./requests')
const { beforeDefaultEnd } = require('./signals')

/**
 * @typedef {import('../settings').Settings} Settings
 * @typedef {import('./journal').Facts} Facts
 * @typedef {import('./blocks').Blocks} Blocks
 * @typedef {import('../../watch/loop-watch').LoopWatch} LoopWatch
 * @typedef {import('./listening').Listening} Listening
 *
 * A part that observes one thing.
 * @typedef {object} Probe
 * @property {(loop?: LoopWatch) => void} begin the warm-up is over
 * @property {() => object} collect returns its part of the facts
 * @property {() => object | void} [sample] called in each tick; returns figures for its row
 * @property {() => void} [end] the measurement is over; called before the last `collect`
 * @property {() => void} [stop] called after the last `collect`; stops observing, and drops the facts
 * @property {(path: string) => void} [snapshot] writes a heap snapshot
 */

/** Signals that end a program by default. */
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM'])
/** Time between two copies of the tables, in case the process is killed. */
const COPY = 2000
const { eventLoopUtilization } = performance
const { cpuUsage } = process

/**
 * Installs the probes. A failing probe must not fail the program: the reason is reported.
 * @param {Settings} settings
 */
function prepare(settings) {
  try {
    install(settings)
  } catch (error) {
    refuse(settings, /** @type {Error} */ (error).message)
  }
}

/** @param {Settings} settings */
function install(settings) {
  const session = new Session(settings, () => new Journal(settings, threadId))
  const start = () => {
    try {
      if (session.start()) session.endWithProcess()
    } catch (error) {
      refuse(settings, /** @type {Error} */ (error).message)
    }
  }
  if (settings.program === 'batch') start()
  onListen(server => {
    start()
    session.listening(server)
  })
  const forks = new Forks()
  subscribe('child_process', () => {
    try {
      forks.add()
    } catch {
      // A failing probe must not fail the fork.
    }
  })
  forks.onFork = () => setImmediate(() => start())
  session.forks = forks
}

/** The probes of this thread, installed once. @type {() => Probe[]} */
const installed = lazy(() =>
  [
    require('./races'),
    require('./downstream'),
    require('./listeners'),
    require('./writes'),
    require('./workers'),
    require('./messages'),
    require('./memory')
  ].map(({ install }) => install())
)
const requestTimes = lazy(() => new RequestTimes())

/** Number of sessions that have started and not ended. They share the probes. */
let running = 0

class Session {
  #threshold
  #open
  #isStarted = false
  #phase = 'dormant'
  #requests = requestTimes()
  #probes = installed()
  /** @type {Profile} */
  #profile
  /** Time that the doctor held this thread, by part, in milliseconds. @type {Record<string, number>} */
  #cost = {}
  #spent = 0
  /** @type {Facts | undefined} */
  #journal
  /** @type {Blocks | undefined} */
  #blocks
  #measured = { from: 0, to: 0 }
  #seen = 0
  /** Files of the program in stacks. @type {Set<string>} */
  #files = new Set()
  /** @type {Forks | undefined} */
  forks
  #snapshots = 0
  #copied = 0
  #utilization = eventLoopUtilization()
  #processorTime = cpuUsage()
  /** @type {(() => void)[]} */
  #releases = []

  /**
   * @param {Pick<Settings, 'threshold' | 'profileInterval'>} settings
   * @param {() => Facts} open returns the journal
   */
  constructor({ threshold, profileInterval }, open) {
    this.#threshold = threshold
    this.#open = open
    this.#profile = new Profile(profileInterval)
  }

  /** @param {Listening} server */
  listening(server) {
    this.#journal?.add({ type: 'listening', at: date(), ...server })
    this.#journal?.flush()
  }

  /** Begins to write facts. Returns false if the session has started before. */
  start() {
    if (this.#isStarted) return false
    this.#isStarted = true
    running++
    // Loads the addon, which processes without a server do not need.
    const { Blocks } = require('./blocks')
    const journal = this.#open()
    const blocks = new Blocks(this.#threshold, block => {
      journal.add({ type: 'block', block })
      addFiles(block.samples, this.#files)
    })
    const wait = new PoolWait()
    this.#journal = journal
    this.#blocks = blocks
    this.#probes = [...this.#probes, wait]
    journal.add({ type: 'hello', ...identity() })
    journal.flush()
    this.#requests.start()
    blocks.start()
    this.#phase = 'warm-up'
    this.#tick()
    return true
  }

  /** Adds listeners that end the measurement before the process ends. */
  endWithProcess() {
    if (this.#phase === 'over') return
    const onExit = (/** @type {number} */ code) => this.#end({ kind: 'exit', code })
    process.on('exit', onExit)
    this.#releases = [
      () => process.removeListener('exit', onExit),
      ...SIGNALS.map(signal => beforeDefaultEnd(signal, () => this.#end({ kind: 'exit', code: null, signal })))
    ]
  }

  /** Ends the measurement. */
  finish() {
    this.#end({ kind: 'finished' })
  }

  #tick = () => {
    if (this.#phase === 'over') return
    const journal = /** @type {Facts} */ (this.#journal)
    const { phase, snapshots } = journal.command()
    this.#attempt(() =>
      this.#timed('ticks', () => {
        this.#requests.sample()
        if (phase !== 'warm-up') this.begin()
        if (this.#phase === 'measure') this.#measure()
        if (snapshots > this.#snapshots) this.#snapshot(snapshots)
      })
    )
    if (phase === 'finish') this.#end({ kind: 'finished' })
    else if (journal.isAbandoned()) this.#abandon()
    setTimeout(this.#tick, TICK).unref()
  }

  /** Ends the measurement, and removes the files, which no process reads after the command line was killed. */
  #abandon() {
    this.#end({ kind: 'finished' })
    this.#journal?.removeDirectory()
  }

  /** The warm-up is over. */
  begin() {
    if (this.#phase !== 'warm-up') return
    this.#phase = 'measure'
    this.#measured.from = date()
    this.#journal?.add({ type: 'measure', at: this.#measured.from })
    this.#utilization = eventLoopUtilization()
    this.#processorTime = cpuUsage()
    this.#requests.begin()
    this.#seen = this.#requests.count
    this.#blocks?.begin()
    const loop = this.#blocks?.loop
    for (const probe of this.#probes) this.#timed('begin', () => probe.begin(loop))
    this.#timed('profile', () => this.#profile.start())
  }

  #measure() {
    const figures = this.#probes.map(probe => probe.sample?.() ?? {})
    const utilization = eventLoopUtilization()
    const { utilization: share } = eventLoopUtilization(utilization, this.#utilization)
    this.#utilization = utilization
    this.#journal?.add({
      type: 'row',
      row: {
        ...Object.assign({}, ...figures),
        at: date(),
        requests: this.#requests.count - this.#seen,
        utilization: share,
        starved: this.#blocks?.stats()?.starved ?? 0
      }
    })
    this.#seen = this.#requests.count
    if (date() - this.#copied > COPY) this.#copy()
    this.#journal?.flush()
  }

  /** @param {number} count of the snapshots that were requested up to now */
  #snapshot(count) {
    this.#snapshots = count
    const path = /** @type {Facts} */ (this.#journal).snapshotPath(count)
    this.#timed('snapshots', () => {
      for (const probe of this.#probes) probe.snapshot?.(path)
    })
    this.#journal?.add({ type: 'snapshot', count, path })
    this.#journal?.flush()
  }

  /** Writes the tables, in place of those before. */
  #copy() {
    this.#copied = date()
    const tables = this.#tables()
    this.#journal?.replaceTables(tables)
    return tables
  }

  /** @param {object[]} tables */
  #addTexts(tables) {
    addFiles(tables, this.#files)
    for (const text of compiledTexts(this.#files)) this.#journal?.add({ type: 'text', ...text })
  }

  #tables() {
    const stats = this.#blocks?.stats()
    const blind = this.#blocks?.blindness
    const { user, system } = cpuUsage(this.#processorTime)
    return [
      // The rows are in the journal already.
      ...this.#probes.map(probe => ({ ...this.#attempt(() => probe.collect()), rows: undefined })),
      {
        measured: { from: this.#measured.from, to: date() },
        processorTime: (user + system) / 1000,
        requests: this.#requests.collect(),
        forks: this.forks?.facts ?? [],
        dropped: this.#blocks?.dropped ?? 0,
        ...(stats === undefined ? {} : { loop: { ...stats, gc: stats.collected } }),
        ...(blind === undefined ? {} : { blind: { handler: blind } }),
        cost: this.#cost
      }
    ]
  }

  /** @param {import('../facts').ProcessFacts['end']} end */
  #end(end) {
    if (this.#phase === 'over') return
    const isMeasured = this.#phase === 'measure'
    this.#phase = 'over'
    for (const release of this.#releases) release()
    this.#attempt(() => this.#blocks?.flush())
    if (isMeasured) this.#conclude()
    if (this.#isStarted && --running === 0) this.#stopProbes()
    this.#attempt(() => this.#blocks?.stop())
    this.#journal?.add({ type: 'end', at: date(), end })
    this.#journal?.close()
  }

  /** Records the last facts. */
  #conclude() {
    const profile = this.#attempt(() => this.#timed('profile', () => this.#profile.stop()))
    this.#journal?.add({ type: 'profile', profile })
    for (const probe of this.#probes) this.#attempt(() => this.#timed('end', () => probe.end?.()))
    const tables = this.#copy()
    this.#attempt(() => this.#timed('texts', () => this.#addTexts(tables)))
  }

  /** Leaves the program alone, which may run on. */
  #stopProbes() {
    for (const probe of this.#probes) this.#attempt(() => probe.stop?.())
    this.#attempt(() => this.#requests.stop())
  }

  /**
   * Calls a function, and records its error: a failing probe must not fail the program.
   * @template T
   * @param {() => T} call
   */
  #attempt(call) {
    try {
      return call()
    } catch (error) {
      this.#journal?.add({ type: 'fault', message: /** @type {Error | undefined} */ (error)?.message })
      return undefined
    }
  }

  /**
   * Calls a function, and adds its time to a part of the cost. A nested call adds its time only to its own part.
   * @template T
   * @param {string} part
   * @param {() => T} call
   */
  #timed(part, call) {
    const began = now()
    const before = this.#spent
    const result = this.#blocks === undefined ? call() : this.#blocks.expect(call)
    const time = now() - began
    this.#cost[part] = (this.#cost[part] ?? 0) + time - (this.#spent - before)
    this.#spent = before + time
    return result
  }
}

/** Returns the facts of this thread that do not change. */
function identity() {
  return {
    pid: process.pid,
    parent: process.ppid,
    thread: threadId,
    node: process.version,
    script: process.argv[1] ?? '',
    role: roleOf(),
    began: date(),
    cores: availableParallelism()
  }
}

/** @returns {import('../facts').ProcessFacts['role']} */
function roleOf() {
  if (!isMainThread) return 'thread'
  if (cluster.isWorker) return 'cluster worker'
  return Object.keys(cluster.workers ?? {}).length > 0 ? 'primary' : 'process'
}

module.exports = { Session, prepare }

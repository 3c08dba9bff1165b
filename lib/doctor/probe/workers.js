'use strict'

// Counts threads and child processes by the line that starts them. The diagnostics channels publish on the stack of that line. The program
// would see listeners, so ends are read from properties. Only a thread has a listener, until it is online.

const { subscribe } = require('node:diagnostics_channel')
const { EventEmitter } = require('node:events')
const { basename } = require('node:path')
const { nextTick, now } = require('../../internal/clock')
const { Sites, className, excerpt } = require('./sites')

/**
 * @typedef {import('../facts').StartFact} StartFact
 * @typedef {import('../facts').Site} Site
 */

/** Lifetime in milliseconds below which a thread or process is short-lived, and not worth its start. */
const SHORT = 5000
/** Maximum number of running threads and processes that are followed. Further starts are only counted. */
const MAX_RUNNING = 1024
/** Number of start times that are kept for the median. */
const MAX_TIMES = 256
const { addListener, removeListener } = EventEmitter.prototype
const { apply } = Reflect
const NODE = /^node(\.exe)?$/i
const SHELL = /^(sh|bash|cmd\.exe)$/i

/** A line that starts threads or processes. */
class Line {
  starts = 0
  shortLived = 0
  running = 0
  concurrent = 0
  what = ''
  /** @type {number[]} */
  #times = []
  #timed = 0

  /**
   * @param {StartFact['kind']} kind
   * @param {Site} site
   */
  constructor(kind, site) {
    this.kind = kind
    this.site = site
  }

  /** @param {number} time time until the thread or process ran, in milliseconds */
  started(time) {
    this.#times[this.#timed++ % MAX_TIMES] = time
  }

  /** @returns {StartFact} */
  get fact() {
    const { kind, what, starts, shortLived, concurrent, site } = this
    const times = this.#times.slice().sort((one, other) => one - other)
    return { kind, what, starts, shortLived, concurrent, startTime: times[times.length >> 1] ?? 0, frames: site.frames }
  }
}

/** A thread or process that is followed until its end. */
class Run {
  #began = now()
  #line
  #state = /** @type {'starting' | 'running' | 'ended'} */ ('starting')

  /**
   * @param {Line} line
   * @param {any} subject `Worker` or `ChildProcess`
   */
  constructor(line, subject) {
    this.#line = line
    this.subject = subject
    line.starts++
    line.concurrent = Math.max(line.concurrent, ++line.running)
  }

  started() {
    if (this.#state !== 'starting') return
    this.#state = 'running'
    this.#line.started(now() - this.#began)
    this.describe()
  }

  describe() {
    if (this.#line.what === '') this.#line.what = whatOf(this.#line.kind, this.subject)
  }

  /** Whether the thread or process has ended. */
  get hasEnded() {
    const { threadId, exitCode, signalCode } = this.subject
    if (this.#line.kind === 'worker') return threadId === -1
    return typeof exitCode === 'number' || typeof signalCode === 'string'
  }

  end() {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.describe()
    this.#line.running--
    if (now() - this.#began < SHORT) this.#line.shortLived++
  }
}

class Starts {
  /** @type {Sites<Line>} */
  #lines = new Sites()
  /** @type {Set<Run>} */
  #running = new Set()

  /**
   * @param {StartFact['kind']} kind
   * @param {any} subject
   * @param {Function} subscriber
   */
  add(kind, subject, subscriber) {
    this.sample()
    const line = this.#lines.find(subscriber, kind, site => new Line(kind, site))
    if (line === undefined) return
    if (this.#running.size >= MAX_RUNNING) {
      line.starts++
      return
    }
    const run = new Run(line, subject)
    this.#running.add(run)
    if (kind === 'worker') onceOnline(subject, () => run.started())
    else nextTick(() => spawned(run))
  }

  /** Ends the runs whose thread or process has ended. */
  sample() {
    for (const run of this.#running) {
      if (!run.hasEnded) continue
      run.end()
      this.#running.delete(run)
    }
  }

  facts() {
    this.sample()
    for (const run of this.#running) run.describe()
    return this.#lines.all.map(({ fact }) => fact)
  }
}

/**
 * Calls back once a thread runs. Calls no methods of a derived class, since the object is still being constructed.
 * @param {EventEmitter} worker
 * @param {() => void} callback
 */
function onceOnline(worker, callback) {
  const listener = () => {
    apply(removeListener, worker, ['online', listener])
    attempt(callback)
  }
  apply(addListener, worker, ['online', listener])
}

/** Records the start of a process, which Node.js starts in the tick of its constructor. @param {Run} run */
function spawned(run) {
  attempt(() => {
    if (run.subject.pid !== undefined) run.started()
  })
}

/** Calls a function whose errors must not reach the program: a property of its thread may be an accessor. @param {() => void} call */
function attempt(call) {
  try {
    call()
  } catch {
    // The start has no time or no name.
  }
}

/**
 * Returns the class of a thread, or the names of the program and the script of a process, without further arguments.
 * @param {StartFact['kind']} kind
 * @param {any} subject
 */
function whatOf(kind, subject) {
  if (kind === 'worker') return className(subject)
  const { spawnfile, spawnargs } = subject
  if (typeof spawnfile !== 'string') return ''
  const program = basename(spawnfile)
  const args = Array.isArray(spawnargs) ? spawnargs.slice(1) : []
  if (SHELL.test(program)) return excerpt(basename(String(args.at(-1)).trim().replace(/^"/, '').split(/[\s"]/)[0]))
  if (spawnfile !== process.execPath && !NODE.test(program)) return excerpt(program)
  const script = args.find(arg => typeof arg === 'string' && !arg.startsWith('-'))
  return excerpt(script === undefined ? 'node' : `node ${basename(script)}`)
}

let starts = new Starts()
let isMeasuring = false

/**
 * @param {string} channel
 * @param {StartFact['kind']} kind
 * @param {string} property property of the message that has the thread or process
 */
function observe(channel, kind, property) {
  const subscriber = (/** @type {unknown} */ message) => {
    if (isMeasuring) attempt(() => starts.add(kind, /** @type {any} */ (message)[property], subscriber))
  }
  subscribe(channel, subscriber)
}

/** Observes the threads and processes that this thread starts, from `begin` on. */
function install() {
  observe('worker_threads', 'worker', 'worker')
  observe('child_process', 'process', 'process')
  return {
    begin() {
      starts = new Starts()
      isMeasuring = true
    },
    sample: () => starts.sample(),
    stop() {
      isMeasuring = false
      starts = new Starts()
    },
    collect: () => ({ starts: starts.facts() })
  }
}

module.exports = { install }

'use strict'

// A run: starts the program, waits for its server, loads it, and returns the facts.

const { now, setTimeout } = require('../internal/clock')
const { factsOf } = require('./gather')
const { Inbox } = require('./inbox')
const { Load, findAutocannon } = require('./load')
const { Program } = require('./program')
const { seemsToGrow } = require('./snapshots')

/**
 * @typedef {import('./options').Options} Options
 * @typedef {import('./facts').Facts} Facts
 *
 * The end of a run. `failed`: the program did not start, crashed, or was killed.
 * @typedef {{ facts: Facts, outcome: 'measured' | 'failed', message?: string }} Outcome
 */

/** Time between two looks at what the probes have written, in milliseconds. */
const LOOK = 50
/** Time that a program with a load gets until its server listens. */
const PATIENCE = 60_000
/** Time that the probes get to write their last facts. */
const FAREWELL = 15_000
/** Most time between two heap snapshots: V8 tracks objects meanwhile, which slows its collections. */
const BETWEEN = 5000
/** Time that the processes get to write a heap snapshot. */
const SNAPSHOT = 60_000
/** Intervals of the CPU profile, in milliseconds. */
const PROFILE = 10
const FLAME = 1

class Run {
  #options
  #inbox = new Inbox()
  #program
  #log
  /** @type {Load | undefined} */
  #load
  /** Resolves when the user ends the run. */
  #interrupted
  /** @type {() => void} */
  #interrupt = () => {}
  /** @type {Facts['load']} */
  #loadFacts

  /**
   * @param {Options} options
   * @param {(text: string) => void} log
   */
  constructor(options, log) {
    if (options.load.length > 0) findAutocannon()
    this.#options = options
    this.#log = log
    this.#interrupted = new Promise(resolve => {
      this.#interrupt = () => resolve('interrupted')
    })
    this.#inbox.command({ phase: 'warm-up', snapshots: 0 })
    this.#program = new Program(options.command, {
      directory: this.#inbox.directory,
      threshold: options.threshold,
      profileInterval: options.hasFlame ? FLAME : PROFILE,
      program: options.isBatch ? 'batch' : 'server'
    })
  }

  /** Ends the measurement: Ctrl-C reaches the program too. */
  interrupt() {
    this.#program.expectEnd()
    this.#interrupt()
  }

  /** Ends the program without waiting. */
  kill() {
    this.#program.kill()
  }

  /** @returns {Promise<Outcome>} */
  async result() {
    try {
      const message = await this.#observe()
      await this.#finish()
      const end = await this.#program.stop()
      const facts = await factsOf(this.#inbox.read(), this.#options.command, this.#loadFacts)
      const failure = message ?? this.#failureOf(end)
      return failure === undefined ? { facts, outcome: 'measured' } : { facts, outcome: 'failed', message: failure }
    } finally {
      this.#load?.kill()
      this.#program.kill()
      this.#inbox.remove()
    }
  }

  /** Measures until the end of the run. Returns why it failed, or `undefined`. @returns {Promise<string | undefined>} */
  async #observe() {
    const { isBatch, warmup, seconds, load, onListen } = this.#options
    const hasLoad = load.length > 0 || onListen !== undefined
    const url = isBatch ? '' : await this.#listening(hasLoad ? PATIENCE : Infinity)
    if (url === undefined) {
      return hasLoad && !this.#hasEnded ? `No server listened within ${PATIENCE / 1000} s` : undefined
    }
    if (!isBatch) this.#log(`listening on ${url}`)
    if (hasLoad) this.#load = new Load(this.#options, url)
    const loaded = this.#load?.ended.then(facts => {
      this.#loadFacts = facts
      return 'loaded'
    })
    const over = [this.#ended(), this.#interrupted, ...(loaded === undefined ? [] : [loaded])]
    if ((await Promise.race([deadline(warmup * 1000), ...over])) !== 'time') return undefined
    this.#log(seconds === undefined ? 'measuring, Ctrl-C ends' : `measuring for ${seconds} s`)
    this.#inbox.command({ phase: 'measure', snapshots: 0 })
    // A blocked loop reads the command late.
    await this.#message(({ type }) => type === 'measure', over)
    if (seconds === undefined || onListen !== undefined) await Promise.race(over)
    else await this.#measure(seconds * 1000, over)
    await this.#load?.stop()
    return undefined
  }

  /**
   * Waits for a time, towards the end of which a first heap snapshot may be taken, and a second one at the end.
   * @param {number} time in milliseconds
   * @param {Promise<unknown>[]} over
   */
  async #measure(time, over) {
    const before = Math.max(time / 2, time - BETWEEN)
    await Promise.race([deadline(before), ...over])
    const isTaken = this.#wantsSnapshots()
    if (isTaken) await this.#snapshot(1, over)
    await Promise.race([deadline(time - before), ...over])
    if (isTaken) await this.#snapshot(2, over)
  }

  #wantsSnapshots() {
    const { heap } = this.#options
    return heap === 'always' || (heap === 'auto' && this.#inbox.read().some(seemsToGrow))
  }

  /**
   * @param {number} count
   * @param {Promise<unknown>[]} over
   */
  async #snapshot(count, over) {
    this.#inbox.command({ phase: 'measure', snapshots: count })
    const isMissing = (/** @type {any[]} */ list) =>
      list.some(({ type }) => type === 'measure') &&
      !list.some(message => message.type === 'end' || (message.type === 'snapshot' && message.count === count))
    const began = now()
    while (now() - began < SNAPSHOT && this.#inbox.read().some(isMissing)) {
      if ((await Promise.race([after(LOOK), ...over])) !== 'time') return
    }
  }

  #hasEnded = false

  async #ended() {
    await this.#program.ended
    this.#hasEnded = true
    return 'ended'
  }

  /** Returns the address of the first server, or `undefined` if the run ends before. @param {number} patience in milliseconds */
  async #listening(patience) {
    const over = [this.#ended(), this.#interrupted, ...(patience === Infinity ? [] : [deadline(patience)])]
    const found = await this.#message(({ type, port }) => type === 'listening' && port !== undefined, over)
    return found && `http://127.0.0.1:${found.port}`
  }

  /**
   * Returns the first message of a kind, or `undefined` if the run ends before.
   * @param {(message: any) => boolean} isWanted
   * @param {Promise<unknown>[]} over
   */
  async #message(isWanted, over) {
    let isOver = false
    const ended = Promise.race(over).then(() => {
      isOver = true
    })
    while (!isOver) {
      const found = this.#inbox.read().flat().find(isWanted)
      if (found !== undefined) return found
      await Promise.race([after(LOOK), ended])
    }
    return undefined
  }

  /** Waits until each process has written its last facts. */
  async #finish() {
    this.#inbox.command({ phase: 'finish', snapshots: 0 })
    for (let waited = 0; waited < FAREWELL; waited += LOOK) {
      const isOver = this.#inbox.read().every(list => list.some(({ type }) => type === 'end') || !isAlive(list[0]?.pid))
      if (isOver) return
      await after(LOOK)
    }
  }

  /** @param {Awaited<Program['ended']>} end */
  #failureOf(end) {
    if (this.#program.wasAsked(end)) return undefined
    if (end.error !== undefined) return `The program could not be started: ${end.error.message}`
    if (end.signal !== null) return `The program was killed by ${end.signal}`
    return end.code === 0 ? undefined : `The program ended with exit code ${end.code}`
  }
}

/**
 * @param {number} ms
 * @returns {Promise<'time'>}
 */
function after(ms) {
  return new Promise(resolve => setTimeout(() => resolve('time'), ms))
}

/**
 * As `after`, without keeping this process: the program does.
 * @param {number} ms
 * @returns {Promise<'time'>}
 */
function deadline(ms) {
  return new Promise(resolve => void setTimeout(() => resolve('time'), ms).unref())
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

module.exports = { Run }

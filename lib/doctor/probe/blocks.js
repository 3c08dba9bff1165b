'use strict'

const { setImmediate } = require('../../internal/clock')
const native = require('../../native')
const { share } = require('../../native/shared')
const { LoopWatch } = require('../../watch/loop-watch')
const { pendingBlock } = require('../../watch/pending-block')

/**
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('../../watch/block').RawBlock} RawBlock
 * @typedef {import('../../watch/pending-block').PendingBlock} PendingBlock
 * @typedef {import('../../watch/requests').Moment} Moment
 */

/** Returns whether a debugger is attached, which may have paused the program. */
function isDebugged() {
  try {
    return require('node:inspector').url() !== undefined
  } catch {
    // Node.js was built without the inspector.
    return false
  }
}

/** Age in milliseconds at which a block, which may never end, is written to the standard error with its stack. */
const FATAL = 15_000
/** Maximum number of recorded blocks. Further blocks are only counted. */
const MAX_BLOCKS = 1000

/**
 * Calls a function of the probes. The name of `workOfTheDoctor` marks their stacks: a bundled package has one file for all probes.
 * @template T
 * @param {() => T} call
 */
function workOfTheDoctor(call) {
  return call()
}

/** Receives the blocks of the event loop. Their positions are those in the text that V8 ran. */
class Blocks {
  #loop = native.canWatch() ? share('watch', LoopWatch) : undefined
  #threshold
  #onBlock
  #count = 0
  /** Number of blocks that were only counted. */
  dropped = 0

  /**
   * @param {number} threshold in milliseconds
   * @param {(block: FactBlock) => void} onBlock
   */
  constructor(threshold, onBlock) {
    this.#threshold = threshold
    this.#onBlock = onBlock
  }

  start() {
    this.#loop?.add(this.#receive, { threshold: this.#threshold, fatal: FATAL, fatalExit: false })
  }

  stop() {
    this.#loop?.remove(this.#receive)
  }

  /** Reports the current block up to now, before the process ends. */
  flush() {
    this.#loop?.flush()
  }

  /** Resets the counts at the beginning of the measurement. */
  begin() {
    this.#count = 0
    this.dropped = 0
  }

  /**
   * Calls a function of the probes, whose time is not reported as a block of the program.
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  expect(call) {
    return this.#loop === undefined ? call() : this.#loop.expect(() => workOfTheDoctor(call))
  }

  /** Returns the statistics since the start, or `undefined` if the loop cannot be watched. */
  stats() {
    return this.#loop?.stats()
  }

  /** The watch of the loop, if it can be watched. */
  get loop() {
    return this.#loop
  }

  /** Returns why stacks are absent, or `undefined`. */
  get blindness() {
    if (this.#loop === undefined) return 'the runtime does not export the functions of libuv'
    return this.#loop.capabilities?.stacks === false ? 'V8 does not export the functions of interrupts' : undefined
  }

  #receive = (/** @type {RawBlock} */ raw, /** @type {boolean} */ isExit) => {
    if (this.#count++ >= MAX_BLOCKS) {
      this.dropped++
      return
    }
    const loop = /** @type {LoopWatch} */ (this.#loop)
    const pending = pendingBlock(raw, loop.requests)
    // A copy: if the program has a watch, that watch replaces the frames with those of the sources.
    const samples = pending.block.samples.map(sample => ({ ...sample }))
    // The probes worked in this iteration, so the time of the program's own stacks is unknown.
    if (samples.some(({ frames }) => frames.some(({ name }) => name === workOfTheDoctor.name))) return
    const progress = progressOf(raw, loop.requests.inFlight())
    // The requests that waited for the block begin in the rest of this iteration.
    if (isExit) this.#report(pending, samples, progress)
    else setImmediate(() => this.#report(pending, samples, progress))
  }

  /**
   * @param {PendingBlock} pending
   * @param {FactBlock['samples']} samples
   * @param {number[] | undefined} progress
   */
  #report(pending, samples, progress) {
    try {
      pending.describe()
    } catch {
      // The program has replaced properties of its request.
    }
    const { thread: _, ...block } = pending.block
    this.#onBlock({
      ...block,
      samples,
      ...(progress === undefined ? {} : { progress }),
      ...(isDebugged() ? { isDebugged: true } : {})
    })
  }
}

/**
 * Returns the number of begun requests plus the number of ended ones, at each stack and at the end of the block. Returns `undefined` if a
 * stack is missing.
 * @param {RawBlock} raw
 * @param {Moment} end
 */
function progressOf({ samples }, end) {
  const moments = samples.map(({ requests }) => /** @type {Moment | null} */ (requests))
  const known = moments.filter(moment => moment !== null)
  return known.length < moments.length ? undefined : [...known, end].map(progressAt)
}

/** @param {Moment} moment */
function progressAt({ begun, inFlight }) {
  let open = 0
  for (let request = inFlight; request !== undefined; request = request.next) if (!request.isEnded) open++
  return 2 * begun - open
}

module.exports = { Blocks }

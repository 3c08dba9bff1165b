'use strict'

const { setImmediate } = require('../../internal/clock')
const native = require('../../native')
const { share } = require('../../native/shared')
const { LoopWatch } = require('../../watch/loop-watch')
const { pendingBlock } = require('../../watch/pending-block')

/**
 * @typedef {import('../facts').FactBlock} FactBlock
 * @typedef {import('../../watch/block').RawBlock} RawBlock
 * @typedef {import('../../watch/requests').Moment} Moment
 */

/** Returns whether a debugger is attached. */
function isDebugged() {
  try {
    return require('node:inspector').url() !== undefined
  } catch {
    // Node.js was built without the inspector.
    return false
  }
}

/** Age of a block, in milliseconds, at which its stack is written to the standard error: it may never end. */
const FATAL = 15_000
/** Blocks of a process that are recorded. Further ones are counted. */
const MAX_BLOCKS = 1000

/**
 * Is on the stack while the probes work for themselves. Its name marks them: in the published package, their files are one.
 * @template T
 * @param {() => T} call
 */
function workOfTheDoctor(call) {
  return call()
}

/** The blocks of the event loop, with positions of the text that V8 ran. */
class Blocks {
  #loop = native.canWatch() ? share('watch', LoopWatch) : undefined
  #threshold
  #onBlock
  #count = 0
  /** Number of blocks beyond the recorded ones. */
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

  /** Reports the block up to now: the process ends. */
  flush() {
    this.#loop?.flush()
  }

  /** Starts to count from zero. */
  begin() {
    this.#count = 0
    this.dropped = 0
  }

  /**
   * Calls a function whose block is not the program's.
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  expect(call) {
    return this.#loop === undefined ? call() : this.#loop.expect(() => workOfTheDoctor(call))
  }

  /** Returns statistics since the start, if the loop can be watched. */
  stats() {
    return this.#loop?.stats()
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
    const pending = pendingBlock(raw, /** @type {LoopWatch} */ (this.#loop).requests)
    // Another watch of the program replaces the frames with those of the sources.
    const samples = pending.block.samples.map(sample => ({ ...sample }))
    // The program held the loop in the same iteration: the times of its stacks are unknown.
    if (samples.some(({ frames }) => frames.some(({ name }) => name === workOfTheDoctor.name))) return
    const progress = progressOf(raw, /** @type {LoopWatch} */ (this.#loop).requests.inFlight())
    const report = () => {
      pending.describe()
      const { thread: _, ...block } = pending.block
      this.#onBlock({
        ...block,
        samples,
        ...(progress === undefined ? {} : { progress }),
        ...(isDebugged() ? { isDebugged: true } : {})
      })
    }
    // The requests that waited begin in this iteration.
    if (isExit) report()
    else setImmediate(report)
  }
}

/**
 * Returns the requests that had begun plus those that had ended, at each stack and at the end, if all stacks were captured.
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

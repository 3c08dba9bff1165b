'use strict'

const { channel } = require('node:diagnostics_channel')
const { now } = require('../internal/clock')
const { reportUncaught } = require('../internal/loop-scheduler')
const { invalidType } = require('../internal/validate')
const { stackKey } = require('./block')
const { timersAlone, withReasons } = require('./capabilities')
const { readOptions } = require('./options')
const { RateLimit } = require('./rate-limit')
const { pendingBlock } = require('./pending-block')
const { BlockTimes } = require('./statistics')
const { TimerWatch } = require('./timer-watch')

/**
 * @typedef {import('../../watch').Block} Block
 * @typedef {import('../../watch').Watch} Watch
 * @typedef {import('../../watch').WatchOptions} WatchOptions
 * @typedef {import('./block').RawBlock} RawBlock
 * @typedef {import('./pending-block').PendingBlock} PendingBlock
 * @typedef {import('./loop-watch').LoopWatch} LoopWatch
 */

const blocks = channel('offloop:block')

/** The functions that `watch` returned. @type {WeakSet<object>} */
const watches = new WeakSet()
/** Returned functions that have not been called. Exporters of metrics hold only weak references. @type {Set<object>} */
const active = new Set()

/** Watches that have not been stopped. @type {Set<Watcher>} */
const running = new Set()

function onExit() {
  /** @type {unknown[]} */
  const errors = []
  for (const watcher of running) watcher.finish(error => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

/** A watch of this thread's event loop. */
class Watcher {
  #settings
  #rate
  #times = new BlockTimes()
  /** @type {LoopWatch | undefined} */
  #loop
  /** In place of `#loop`, where native code cannot watch. @type {TimerWatch | undefined} */
  #timers
  #isStopped = false
  /** Whether it is being stopped or paused, or has been stopped. */
  #isLeaving = false
  /** Settles when the blocks up to now have been reported. */
  #reported = Promise.resolve()
  /** Receives the errors of `onBlock`. @type {(error: unknown) => void} */
  #fail = reportUncaught
  /** Blocks whose report is on its way. @type {Set<PendingBlock>} */
  #pending = new Set()
  #onRaw = (/** @type {RawBlock} */ raw, /** @type {boolean} */ isExit) => this.#receive(raw, isExit)

  /** @type {import('../../watch').Capabilities} */
  capabilities

  /** @param {WatchOptions} options */
  constructor(options) {
    this.#settings = readOptions(options)
    this.#rate = new RateLimit(this.#settings.maxPerMinute, this.#settings.maxPerStack)
    const found = nativeWatch()
    if (typeof found === 'string') {
      this.#timers = new TimerWatch(block => this.#reportUnshared(block), this.#settings.threshold)
      this.capabilities = timersAlone(found)
    } else {
      this.#loop = found
      found.add(this.#onRaw, this.#settings)
      this.capabilities = withReasons(/** @type {any} */ (found.capabilities))
    }
    if (running.size === 0) process.on('exit', onExit)
    running.add(this)
  }

  /**
   * Reports the blocks up to now: the process ends.
   * @param {(error: unknown) => void} fail receives what `onBlock` throws
   */
  finish(fail) {
    this.#fail = fail
    this.#loop?.flush()
    this.#timers?.flush()
    this.#reportPending()
  }

  stop() {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#loop?.remove(this.#onRaw)
    this.#timers?.pause()
    this.#reportPending()
    this.#isStopped = true
    running.delete(this)
    if (running.size === 0) process.removeListener('exit', onExit)
  }

  pause() {
    if (this.#isLeaving) return
    // Its last block is reported to subscribers, who may call this again.
    this.#isLeaving = true
    this.#loop?.setPaused(this.#onRaw, true)
    this.#timers?.pause()
    this.#isLeaving = this.#isStopped
  }

  resume() {
    if (this.#isStopped) return
    this.#loop?.setPaused(this.#onRaw, false)
    this.#timers?.resume()
  }

  /**
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  expect(call) {
    if (this.#isStopped) return call()
    return (this.#loop ?? /** @type {TimerWatch} */ (this.#timers)).expect(call)
  }

  /** Returns the statistics, or `undefined` once stopped. */
  stats() {
    if (this.#isStopped) return undefined
    const block = this.#times.summaries()
    if (this.#loop === undefined) return { block }
    const { hold, delay, utilization, starved, collected, looks } = this.#loop.stats()
    return { block, hold, delay, utilization, starved, gc: collected, ticks: looks }
  }

  /**
   * @param {RawBlock} raw
   * @param {boolean} isExit whether no further event-loop iteration may begin
   */
  #receive(raw, isExit) {
    const { requests } = /** @type {LoopWatch} */ (this.#loop)
    const pending = pendingBlock(raw, requests)
    this.#pending.add(pending)
    if (isExit) return this.#reportPending()
    const report = () => {
      if (this.#pending.delete(pending)) this.#reportOne(pending)
    }
    // In the order of the blocks.
    this.#reported = Promise.all([pending.complete(), this.#reported]).then(report).catch(this.#fail)
  }

  /** Reports the blocks on their way without waiting: no time is left. */
  #reportPending() {
    for (const pending of this.#pending) {
      this.#pending.delete(pending)
      pending.describe()
      this.#reportOne(pending)
    }
  }

  /** Reports a block that this watch measured by its own timer. @param {Block} block */
  #reportUnshared(block) {
    if (blocks.hasSubscribers) blocks.publish(block)
    this.#report(block, stackKey(block))
  }

  /** @param {PendingBlock} pending */
  #reportOne(pending) {
    const { block } = pending
    const key = stackKey(block)
    pending.publish()
    this.#report(block, key)
  }

  /**
   * @param {Block} block
   * @param {string} key
   */
  #report(block, key) {
    this.#times.record(block)
    const { onBlock } = this.#settings
    if (onBlock === undefined || !this.#rate.admit(key, now())) return
    try {
      onBlock(block)
    } catch (error) {
      this.#fail(error)
    }
  }
}

/** Returns the native watch of this environment, or the reason why it is absent. @returns {LoopWatch | string} */
function nativeWatch() {
  if (process.versions.bun !== undefined || process.versions.deno !== undefined) {
    return 'The runtime is not Node.js: its loop can only be measured by timers'
  }
  try {
    const { share } = require('../native/shared')
    if (require('../native').canWatch()) return share('watch', require('./loop-watch').LoopWatch)
    return 'The runtime does not export the functions of libuv'
  } catch (error) {
    return `The addon could not be loaded: ${/** @type {Error} */ (error).message}`
  }
}

/**
 * @param {WatchOptions} [options]
 * @returns {Watch}
 */
function watch(options = {}) {
  const watcher = new Watcher(options)
  const stop = () => {
    watcher.stop()
    active.delete(handle)
  }
  const handle = Object.assign(stop, {
    capabilities: watcher.capabilities,
    pause: () => watcher.pause(),
    resume: () => watcher.resume(),
    stats: () => watcher.stats(),
    expect: (/** @type {() => any} */ call) => {
      if (typeof call !== 'function') throw invalidType('The "call" argument', 'of type function', call)
      return watcher.expect(call)
    },
    [Symbol.dispose]: stop
  })
  watches.add(handle)
  active.add(handle)
  return handle
}

/** Returns whether `watch` returned a value. @param {unknown} value */
function isWatch(value) {
  return typeof value === 'function' && watches.has(value)
}

module.exports = { isWatch, watch }

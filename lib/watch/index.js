'use strict'

const { channel } = require('node:diagnostics_channel')
const { now, setImmediate } = require('../internal/clock')
const { reportUncaught } = require('../internal/loop-scheduler')
const { invalidType } = require('../internal/validate')
const { blockOf, firstSample, stackKey } = require('./block')
const { timersAlone, withReasons } = require('./capabilities')
const { readOptions } = require('./options')
const { RateLimit } = require('./rate-limit')
const { Requests } = require('./requests')
const { originalFrames } = require('./source-maps')
const { BlockTimes } = require('./statistics')
const { TimerWatch } = require('./timer-watch')

/**
 * @typedef {import('../../watch').Block} Block
 * @typedef {import('../../watch').Watch} Watch
 * @typedef {import('../../watch').WatchOptions} WatchOptions
 * @typedef {import('./block').RawBlock} RawBlock
 * @typedef {import('./loop-watch').LoopWatch} LoopWatch
 */

const blocks = channel('offloop:block')

/** The functions that `watch` returned. @type {WeakSet<object>} */
const watches = new WeakSet()
/** Those that have not been called: exporters of metrics refer to them weakly. @type {Set<object>} */
const active = new Set()

/** A watch of this thread's event loop. */
class Watcher {
  #settings
  #rate
  #times = new BlockTimes()
  /** @type {LoopWatch | undefined} */
  #loop
  /** In place of `#loop`, where native code cannot watch. @type {TimerWatch | undefined} */
  #timers
  #requests = new Requests()
  #isStopped = false
  /** Blocks whose report is on its way, and how to find their requests. @type {Map<Block, () => ReturnType<Requests['during']>>} */
  #pending = new Map()
  #onExit = () => this.#reportPending()
  #onRaw = (/** @type {RawBlock} */ raw, /** @type {boolean} */ isExit) => this.#receive(raw, isExit)

  /** @type {import('../../watch').Capabilities} */
  capabilities

  /** @param {WatchOptions} options */
  constructor(options) {
    this.#settings = readOptions(options)
    this.#rate = new RateLimit(this.#settings.maxPerMinute, this.#settings.maxPerStack)
    const found = nativeWatch()
    if (typeof found === 'string') {
      this.#timers = new TimerWatch(block => this.#report(block), this.#settings.threshold)
      this.capabilities = timersAlone(found)
    } else {
      this.#loop = found
      found.add(this.#onRaw, this.#settings)
      this.capabilities = withReasons(/** @type {any} */ (found.capabilities))
    }
    this.#requests.start()
    process.on('exit', this.#onExit)
  }

  stop() {
    if (this.#isStopped) return
    this.#loop?.remove(this.#onRaw)
    this.#timers?.pause()
    this.#reportPending()
    this.#isStopped = true
    this.#requests.stop()
    process.removeListener('exit', this.#onExit)
  }

  pause() {
    if (this.#isStopped) return
    this.#loop?.setPaused(this.#onRaw, true)
    this.#timers?.pause()
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
    const block = blockOf(raw)
    const began = now() - raw.endedAgo - raw.duration
    const sample = firstSample(block)
    const sampled = began + (sample === undefined ? 0 : sample.at + sample.lateness)
    this.#pending.set(block, () => this.#requests.during(sample?.frames ?? [], { began, sampled }))
    if (isExit) return this.#reportPending()
    // The requests that waited for the end of the block begin in this iteration.
    setImmediate(() => this.#complete(block))
  }

  /** Adds the request and the positions in sources. @param {Block} block */
  async #complete(block) {
    Object.assign(block, this.#pending.get(block)?.())
    const frames = await Promise.all(block.samples.map(sample => originalFrames(sample.frames)))
    if (!this.#pending.delete(block)) return
    for (const [index, sample] of block.samples.entries()) sample.frames = frames[index]
    this.#report(block)
  }

  /** Reports the blocks on their way without waiting: no time is left. */
  #reportPending() {
    for (const [block, requests] of this.#pending) {
      this.#pending.delete(block)
      Object.assign(block, requests())
      this.#report(block)
    }
  }

  /** @param {Block} block */
  #report(block) {
    this.#times.record(block)
    if (blocks.hasSubscribers) blocks.publish(block)
    const { onBlock } = this.#settings
    if (onBlock === undefined || !this.#rate.admit(stackKey(block), now())) return
    try {
      onBlock(block)
    } catch (error) {
      reportUncaught(error)
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

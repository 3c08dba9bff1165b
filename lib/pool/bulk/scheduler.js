'use strict'

const { AsyncResource } = require('node:async_hooks')
const { unwatch, watch } = require('../../internal/abort')
const { Batch, Pack, Single } = require('./batch')
const { isSmall } = require('../../task/input')
const { checkTransform, isNative, sizeOf } = require('../../transform/kinds')
const { markIndex } = require('../../internal/errors')
const { open } = require('./inputs')
const { readBulkOptions } = require('./options')
const { setImmediate } = require('../../internal/clock')
const native = require('../../native')
const { invalidType } = require('../../internal/validate')
const { NO_RESERVATION } = require('../../native/reservation')
const { Transform } = require('../../native/transform')
const { Waiter } = require('../../task/waiter')

/**
 * @typedef {import('../pool-state').PoolState} PoolState
 * @typedef {import('../../..').MapOptions} MapOptions
 * @typedef {import('./inputs').Source} Source
 * @typedef {Batch | Single} Unit
 * @typedef {import('../../native/reservation').Reservation} Reservation
 * @typedef {import('./inputs').Outlet} Outlet
 */

/** Batches aim at this much work (microseconds): long enough to pay for the trip, short enough to spread evenly. */
const BATCH_MICROS = 1000
/** How much a new measurement of the time an input takes counts. */
const SMOOTHING = 0.3
/** What is left of what took longest, after each that took less. */
const FORGETTING = 0.98
/** Input bytes in flight beyond which nothing is taken, unless threads would be idle. */
const MAX_BYTES = 16 << 20
/** Input bytes that are taken in one go: copying them takes a few milliseconds. */
const TURN_BYTES = 8 << 20

/**
 * Takes inputs while its window has room, sends them through a pool, small ones in batches, and tells an outlet what
 * came of each. At most `concurrency` inputs are held at any time.
 */
class Flow {
  /** @type {PoolState} */
  pool
  /** Held, not only its number: native code forgets a transform that nobody holds. */
  transform
  /** Whether each input that fails has an outcome of its own. @type {boolean} */
  isSettling
  /** @type {number} */
  priority
  #signal
  #outlet
  #concurrency
  /** @type {Source} */
  #source
  /** @type {Promise<unknown> | undefined} */
  #closing
  #isAsync
  /** @type {'flowing' | 'ended' | 'stopped'} */
  #state = 'flowing'
  #isTaking = false
  #isSourceOpen = true
  /** The source is read in the async context of whoever opened the flow. */
  #context = new AsyncResource('OffloopFlow')
  #isAwaiting = false
  #isWatching = false
  #flushScheduled = false
  /** Bytes taken in this go. */
  #turnBytes = 0
  #isResting = false
  #taken = 0
  #inFlight = 0
  #bytes = 0
  /** @type {number | undefined} */
  #itemMicros
  /** What took longest lately, an input or a batch of them. */
  #longestMicros = 0
  /** Inputs that have been measured. */
  #measured = 0
  /** @type {Pack | undefined} the batch that is being filled */
  #pack
  /** @type {Waiter | undefined} */
  #waiter
  /**
   * What waits for room behind the waiter: two units at most, since nothing is taken meanwhile.
   * @type {Unit[]}
   */
  #unsent = []
  /** @type {Set<Unit>} */
  #sent = new Set()

  /**
   * @param {PoolState} pool
   * @param {import('../../transform').Transform} transform
   * @param {Iterable<unknown> | AsyncIterable<unknown>} inputs
   * @param {MapOptions} options
   * @param {number} concurrency unless the options say otherwise
   * @param {{ stack?: string }} caller
   * @param {Outlet} outlet
   */
  constructor(pool, transform, inputs, options, concurrency, caller, outlet) {
    checkTransform(transform)
    this.transform = transform
    const read = readBulkOptions(options, concurrency)
    const { signal } = read
    this.#concurrency = read.concurrency
    this.priority = read.priority
    this.#signal = signal
    this.isSettling = read.settle
    this.pool = pool
    this.caller = caller
    this.#outlet = outlet
    pool.checkOpen()
    if (signal?.aborted) throw signal.reason
    const { source, isAsync } = open(inputs)
    this.#source = source
    this.#isAsync = isAsync
    // A getter may have closed the pool.
    pool.checkOpen()
    pool.operations.add(this)
  }

  /** All inputs were taken and settled. */
  get isDone() {
    const isDone = this.#state === 'ended' && this.#inFlight === 0
    if (isDone) this.pool.operations.delete(this)
    return isDone
  }

  /** Takes inputs until the window is full, and sends them. */
  take() {
    if (this.#isTaking) return
    this.#isTaking = true
    this.#turnBytes = 0
    try {
      while (this.#mayTake()) {
        if (this.#turnBytes > TURN_BYTES) {
          this.#rest()
          break
        }
        const next = this.#source.next()
        // It may have aborted while nobody was listening yet.
        this.checkSignal()
        if (this.#isAsync) this.#await(/** @type {Promise<IteratorResult<unknown>>} */ (next))
        else this.#accept(/** @type {IteratorResult<unknown>} */ (next))
      }
    } catch (error) {
      this.#sourceFailed(error)
    }
    this.#isTaking = false
    if (this.#state === 'stopped') return this.#closeSource()
    if (this.#isAwaiting) this.#flushSoon()
    else this.#flush()
    this.#watchWhileActive()
    this.#outlet.progress()
  }

  /** Stops if the signal has aborted, or cannot be read. */
  checkSignal() {
    try {
      if (this.#signal?.aborted) this.stop(this.#signal.reason)
    } catch (error) {
      this.stop(error)
    }
  }

  /** Lets the loop turn before it takes more. */
  #rest() {
    if (this.#isResting) return
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
      this.takeInContext()
    })
  }

  takeInContext() {
    this.#context.runInAsyncScope(this.take, this)
  }

  /**
   * Ends the flow: what is under way is cancelled, and the source is closed.
   * @param {unknown} reason
   */
  stop(reason) {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    this.pool.operations.delete(this)
    this.#waiter?.abort(reason)
    for (const unit of this.#sent) unit.cancel()
    this.#sent.clear()
    this.#unsent = []
    this.#pack = undefined
    this.#inFlight = 0
    this.#watchWhileActive()
    // A source that is being read cannot be closed; `take` does it then.
    if (!this.#isTaking) this.#closeSource()
    this.#outlet.stopped(reason)
  }

  /** The signal aborted. @param {unknown} reason */
  abort(reason) {
    this.#isWatching = false
    this.stop(reason)
  }

  /**
   * @param {number} index
   * @param {unknown} value
   */
  result(index, value) {
    if (this.#state === 'stopped') return
    this.#inFlight--
    this.#outlet.result(index, value)
  }

  /**
   * @param {number} index
   * @param {unknown} error
   */
  failure(index, error) {
    if (this.#state === 'stopped') return
    this.#inFlight--
    markIndex(error, index)
    this.#outlet.failure(index, error)
  }

  /**
   * @param {number} count
   * @param {number} micros
   */
  measured(count, micros) {
    const each = Math.max(micros, 1) / count
    this.#itemMicros = this.#itemMicros === undefined ? each : this.#itemMicros + (each - this.#itemMicros) * SMOOTHING
    this.#measured += count
    this.#longestMicros = Math.max(micros, this.#longestMicros * FORGETTING)
  }

  /** Everything in it has settled. @param {Unit} unit */
  unitEnded(unit) {
    if (this.#state === 'stopped') return
    this.#sent.delete(unit)
    this.#bytes -= unit.bytes
    this.takeInContext()
  }

  #mayTake() {
    if (this.#state !== 'flowing' || this.#isAwaiting || this.#isResting || this.#waiter !== undefined) return false
    if (this.#inFlight + this.#outlet.unread >= this.#window()) return false
    const { threads } = this.pool.info
    return this.#bytes < MAX_BYTES || this.#inFlight < 2 * threads
  }

  /** How many inputs may be held. */
  #window() {
    const { threads, maxWait } = this.pool.info
    let most = Infinity
    // Until it is known how long an input takes, no more than keeps the threads busy.
    if (this.#itemMicros === undefined) most = maxWait === undefined ? 4 * threads : threads
    // What waits behind its own kind alone is not to wait for too long, as far as it is like what came before.
    else if (maxWait !== undefined) {
      const units = Math.max(threads, (threads * maxWait * 1000) / (2 * this.#longestMicros))
      most = Math.min(units * this.#batchSize(), threads + this.#measured)
    }
    return Math.min(most, this.#concurrency)
  }

  #batchSize() {
    if (this.#itemMicros === undefined) return 1
    const fair = Math.ceil(this.#concurrency / (2 * this.pool.info.threads))
    return Math.max(1, Math.min(Math.floor(BATCH_MICROS / this.#itemMicros), fair, native.MAX_BATCH))
  }

  /** @param {Promise<IteratorResult<unknown>>} next */
  #await(next) {
    // A user-defined promise may throw when inspected.
    const promise = Promise.resolve(next)
    this.#isAwaiting = true
    promise.then(
      result => {
        this.#isAwaiting = false
        if (this.#state !== 'flowing') return
        try {
          this.#accept(result)
        } catch (error) {
          this.#sourceFailed(error)
        }
        this.take()
      },
      error => {
        this.#isAwaiting = false
        if (this.#state === 'flowing') this.#sourceFailed(error)
        this.take()
      }
    )
  }

  /** @param {IteratorResult<unknown>} result */
  #accept(result) {
    if (this.#state !== 'flowing') return
    if (result === null || typeof result !== 'object') throw invalidType('What next() returns', 'an object', result)
    if (result.done) {
      this.#state = 'ended'
      this.#isSourceOpen = false
      return
    }
    const input = result.value
    // Reading it may have stopped the flow.
    if (this.#state !== 'flowing') return
    const index = this.#taken++
    this.#inFlight++
    try {
      if (isNative(this.transform) && isSmall(input, index)) this.#addToPack(index, input)
      else {
        this.#flush()
        this.#send(new Single(this, index, input, sizeOf(this.transform, input, index)))
      }
    } catch (error) {
      this.#flush()
      this.failure(index, error)
    }
  }

  /**
   * @param {number} index
   * @param {string | Uint8Array} given
   */
  #addToPack(index, given) {
    const input = typeof given === 'string' ? (Transform.textEncoder(this.transform)?.(given) ?? given) : given
    if (this.#pack !== undefined && !this.#pack.hasRoom(input)) this.#flush()
    this.#pack ??= Pack.take(index)
    this.#bytes += this.#pack.add(input)
    if (this.#pack.count >= this.#batchSize()) this.#flush()
  }

  #flush() {
    const pack = this.#pack
    if (pack === undefined) return
    this.#pack = undefined
    this.#bytes -= pack.length
    this.#send(new Batch(this, pack))
  }

  /** Inputs that come one by one in this turn of the loop still travel together. */
  #flushSoon() {
    if (this.#pack === undefined || this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  /** @param {Unit} unit */
  #send(unit) {
    this.#bytes += unit.bytes
    this.#turnBytes += unit.bytes
    if (this.#waiter !== undefined) this.#unsent.push(unit)
    else this.#submit(unit, NO_RESERVATION)
  }

  /**
   * @param {Unit} unit
   * @param {Reservation} reservation
   */
  #submit(unit, reservation) {
    let bound
    try {
      this.pool.checkOpen()
    } catch (error) {
      reservation.release()
      return this.stop(error)
    }
    try {
      bound = unit.submit(reservation)
    } catch (error) {
      if (this.#state !== 'stopped') unit.refused(error)
      return
    } finally {
      reservation.release()
    }
    // Getters of the input may have stopped the flow.
    if (this.#state === 'stopped') {
      if (bound === null) unit.cancel()
      return
    }
    if (unit.isOver) return
    if (bound === null) this.#sent.add(unit)
    else {
      this.#unsent.unshift(unit)
      const granted = (/** @type {Reservation} */ granted) => this.#resume(granted)
      this.#waiter = new Waiter(this.pool, unit.bytes, granted, reason => this.stop(reason))
    }
  }

  /** @param {Reservation} reservation */
  #resume(reservation) {
    this.#waiter = undefined
    const first = /** @type {Unit} */ (this.#unsent.shift())
    this.#submit(first, reservation)
    while (this.#waiter === undefined && this.#unsent.length > 0) {
      this.#submit(/** @type {Unit} */ (this.#unsent.shift()), NO_RESERVATION)
    }
    this.takeInContext()
  }

  /** @param {unknown} error */
  #sourceFailed(error) {
    this.#isSourceOpen = false
    if (this.#state !== 'flowing') return
    this.#state = 'ended'
    this.#outlet.sourceFailed(this.#taken, error)
  }

  /** Settles when the source has cleaned up, unless it is being read: then it may take for ever. */
  get closed() {
    return this.#isAwaiting ? undefined : this.#closing
  }

  #closeSource() {
    if (!this.#isSourceOpen) return
    this.#isSourceOpen = false
    try {
      const closed = this.#context.runInAsyncScope(() => this.#source.return?.())
      // The flow has its reason to end already; the source's own trouble in ending does not replace it.
      if (this.#isAsync) this.#closing = Promise.resolve(closed).then(undefined, () => {})
    } catch {}
  }

  /** The signal is listened to only while there is something to stop: an abandoned iteration leaves no listener. */
  #watchWhileActive() {
    const isActive = this.#state !== 'stopped' && (this.#inFlight > 0 || this.#isAwaiting)
    if (this.#signal === undefined || isActive === this.#isWatching) return
    this.#isWatching = isActive
    if (!isActive) return unwatch(this.#signal, this)
    try {
      watch(this.#signal, this)
    } catch (error) {
      this.#isWatching = false
      this.stop(error)
    }
  }
}

module.exports = { Flow }

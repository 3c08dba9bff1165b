'use strict'

const { AsyncResource } = require('node:async_hooks')
const { unwatch, watch } = require('../../internal/abort')
const { BatchTask, PackedInputs, SingleTask } = require('./batch')
const { isBatchable } = require('../../task/input')
const { implementationOf } = require('../../task/implementation')
const { setIndex } = require('../../internal/errors')
const { keepHiddenClass } = require('../../internal/hidden-class')
const { openInputs } = require('./inputs')
const { readBulkOptions } = require('./options')
const { Priority, Step, once } = require('../../internal/loop-scheduler')
const { loopScheduler } = require('../../native/shared')
const { invalidType } = require('../../internal/validate')
const { NO_RESERVATION } = require('../../native/reservation')
const { Transform } = require('../../native/transform')
const { Waiter } = require('../../task/waiter')
const { BulkLimits } = require('./bulk-limits')

/**
 * @typedef {import('../pool-state').PoolState} PoolState
 * @typedef {import('./inputs').InputIterator} InputIterator
 * @typedef {BatchTask | SingleTask} Unit
 * @typedef {import('../../native/reservation').Reservation} Reservation
 * @typedef {import('./inputs').ResultHandler} ResultHandler
 */

/** No input is read while this many input bytes are in flight, unless threads would be idle. */
const MAX_BYTES_IN_FLIGHT = 16 << 20
/** Maximum input bytes read in one call of the user, and in one scheduler step. Each input counts `INPUT_BYTES` more. */
const CALL_BYTES = 8 << 20
const STEP_BYTES = 1 << 20
const INPUT_BYTES = 1024

/**
 * Reads the inputs of a bulk call, sends them through a pool, small ones in batches, and reports each outcome to a handler. At most
 * `concurrency` inputs are held at any time.
 */
class BulkScheduler {
  /** @type {PoolState} */
  pool
  transform
  /** @type {number} */
  priority
  #signal
  /** Whether results are outcomes, as those of `Promise.allSettled`. */
  #settlesAll
  #handler
  /** @type {InputIterator} */
  #iterator
  #next
  /** @type {Promise<unknown> | undefined} */
  #closePromise
  #isAsync
  /** @type {'open' | 'ended' | 'stopped'} */
  #state = 'open'
  #isTaking = false
  #isIteratorOpen = true
  /** Inputs are read in the async context of the bulk call. */
  #context
  #isAwaiting = false
  #isWatching = false
  /** Flushes the batch in the next immediate phase. */
  #flushJob = once(() => this.#flush())
  /** Bytes taken in this call or step. */
  #takenBytes = 0
  #isYielding = false
  /** Whether the scheduler takes inputs in the next immediate phase. */
  #isScheduled = false
  #nextIndex = 0
  #inFlight = 0
  #bytesInFlight = 0
  #limits
  /** @type {PackedInputs | undefined} the batch that is being filled */
  #packed
  /** @type {Waiter | undefined} */
  #waiter
  /** Units behind the waiter, two at most: no input is read in the meantime. @type {Unit[]} */
  #unsent = []
  /** @type {Set<Unit>} */
  #sent = new Set()

  /**
   * Validates a bulk call and registers it with its pool. The constructor only assigns fields, so that an example can be created.
   * @param {import('./inputs').BulkCall} call
   * @param {number} concurrencyPerThread unless the options set `concurrency`
   * @param {ResultHandler} handler
   */
  static open(call, concurrencyPerThread, handler) {
    const { pool, transform, inputs, options } = call
    const implementation = implementationOf(transform)
    const read = readBulkOptions(options, concurrencyPerThread * pool.info.threads)
    pool.checkOpen()
    if (read.signal?.aborted) throw read.signal.reason
    const opened = openInputs(inputs)
    // A getter may have closed the pool.
    pool.checkOpen()
    const limits = new BulkLimits(pool.info, read.concurrency)
    const context = new AsyncResource('OffloopFlow')
    const scheduler = new BulkScheduler(call, implementation, read, limits, opened, handler, context)
    pool.operations.add(scheduler)
    return scheduler
  }

  /**
   * @param {Pick<import('./inputs').BulkCall, 'pool' | 'transform' | 'caller'>} call
   * @param {import('../../task/implementation').Implementation} implementation
   * @param {ReturnType<typeof readBulkOptions>} options
   * @param {BulkLimits} limits
   * @param {ReturnType<typeof openInputs>} inputs
   * @param {ResultHandler} handler
   * @param {AsyncResource} context
   */
  constructor(
    { pool, transform, caller },
    implementation,
    options,
    limits,
    { iterator, next, isAsync },
    handler,
    context
  ) {
    this.implementation = implementation
    this.transform = transform
    this.#limits = limits
    this.priority = options.priority
    this.#signal = options.signal
    this.#settlesAll = options.settle
    this.pool = pool
    this.caller = caller
    this.#handler = handler
    this.#context = context
    this.#iterator = iterator
    this.#next = next
    this.#isAsync = isAsync
  }

  /** Whether all inputs were read and have settled. */
  get isDone() {
    const isDone = this.#state === 'ended' && this.#inFlight === 0
    if (isDone) this.pool.operations.delete(this)
    return isDone
  }

  /** Reads and sends inputs up to the limits of the call and `limit` bytes. */
  takeInputs(limit = CALL_BYTES) {
    if (this.#isTaking) return
    this.#isTaking = true
    this.#isScheduled = false
    this.#takenBytes = 0
    try {
      while (this.#canTake()) {
        if (this.#takenBytes > limit) {
          this.#isYielding = true
          loopScheduler.schedule(this, Priority.Copy)
          break
        }
        this.#takenBytes += INPUT_BYTES
        const next = this.#next.call(this.#iterator)
        // The signal may have aborted before it was watched.
        this.checkSignal()
        if (this.#isAsync) this.#awaitNext(/** @type {Promise<IteratorResult<unknown>>} */ (next))
        else this.#accept(/** @type {IteratorResult<unknown>} */ (next))
      }
    } catch (error) {
      this.#inputsFailed(error)
    }
    this.#isTaking = false
    if (this.#state === 'stopped') return this.#closeIterator()
    if (this.#isAwaiting) this.#flushSoon()
    else this.#flush()
    this.#watchWhileActive()
    this.#handler.progress()
  }

  /** Stops the call if its signal has aborted, or cannot be read. */
  checkSignal() {
    try {
      if (this.#signal?.aborted) this.stop(this.#signal.reason)
    } catch (error) {
      this.stop(error)
    }
  }

  /** @param {number} [limit] */
  takeInContext(limit) {
    this.#context.runInAsyncScope(this.takeInputs, this, limit)
  }

  #takeSoon() {
    this.#isScheduled = true
    loopScheduler.schedule(this, Priority.Copy)
  }

  /** Lets a call that is scheduled to take inputs end: the closed pool rejects them. */
  poolClosed() {
    if (this.#isScheduled) this.takeInContext()
  }

  /** Takes more inputs, as a job of the scheduler. */
  step() {
    this.#isYielding = false
    this.takeInContext(STEP_BYTES)
    return this.#isYielding ? Step.More : Step.Done
  }

  /**
   * Ends the call: cancels tasks in flight and closes the iterator of inputs.
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
    this.#packed = undefined
    this.#inFlight = 0
    this.#watchWhileActive()
    // While the iterator is being read, `takeInputs` closes it afterwards.
    if (!this.#isTaking) this.#closeIterator()
    this.#handler.stopped(reason)
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
    this.#handler.result(index, this.#settlesAll ? { status: 'fulfilled', value } : value)
  }

  /**
   * @param {number} index
   * @param {unknown} reason
   */
  failure(index, reason) {
    if (this.#state === 'stopped') return
    this.#inFlight--
    setIndex(reason, index)
    if (this.#settlesAll) this.#handler.result(index, { status: 'rejected', reason })
    else this.#handler.failure(index, reason)
  }

  /**
   * @param {number} count
   * @param {number} micros
   */
  addTiming(count, micros) {
    this.#limits.add(count, micros)
  }

  /** Everything in a unit has settled. @param {Unit} unit */
  unitSettled(unit) {
    if (this.#state === 'stopped') return
    this.#sent.delete(unit)
    this.#bytesInFlight -= unit.bytes
    this.#handler.progress()
    // `takeInputs` decides whether to watch the signal further.
    if (this.#state === 'open') this.#takeSoon()
    else this.#watchWhileActive()
  }

  #canTake() {
    if (this.#state !== 'open' || this.#isAwaiting || this.#isYielding || this.#waiter !== undefined) return false
    if (this.#inFlight + this.#handler.unread >= this.#limits.maxInFlight) return false
    const { threads } = this.pool.info
    return this.#bytesInFlight < MAX_BYTES_IN_FLIGHT || this.#inFlight < 2 * threads
  }

  /** @param {Promise<IteratorResult<unknown>>} next */
  #awaitNext(next) {
    // A user-defined promise may throw when inspected.
    const promise = Promise.resolve(next)
    this.#isAwaiting = true
    const settled = (/** @type {() => void} */ accept) => {
      this.#isAwaiting = false
      try {
        accept()
      } catch (error) {
        this.#inputsFailed(error)
      }
      this.takeInputs()
    }
    promise.then(
      result => settled(() => this.#accept(result)),
      error => settled(() => this.#inputsFailed(error))
    )
  }

  /** @param {IteratorResult<unknown>} result */
  #accept(result) {
    if (this.#state !== 'open') return
    if (result === null || typeof result !== 'object') throw invalidType('The result of next()', 'an object', result)
    if (result.done) {
      this.#state = 'ended'
      this.#isIteratorOpen = false
      return
    }
    const { value } = result
    const index = this.#nextIndex++
    this.#inFlight++
    try {
      const input = this.implementation.read(value, index)
      // Getters of the result and of the input may have stopped the call.
      if (this.#state !== 'open') return
      if (this.implementation.canBatch && isBatchable(input, index)) this.#addToBatch(index, input)
      else {
        this.#flush()
        this.#send(new SingleTask(this, index, input, this.implementation.inputSize(input, index)))
      }
    } catch (error) {
      this.#flush()
      this.failure(index, error)
    }
  }

  /**
   * @param {number} index
   * @param {string | Uint8Array | import('../../task/fields').FieldsInput} given
   */
  #addToBatch(index, given) {
    const input = typeof given === 'string' ? (Transform.textEncoder(this.transform)?.(given) ?? given) : given
    if (this.#packed !== undefined && !this.#packed.fits(input)) this.#flush()
    this.#packed ??= PackedInputs.acquire(index)
    this.#bytesInFlight += this.#packed.add(input)
    if (this.#packed.count >= this.#limits.batchSize) this.#flush()
  }

  #flush() {
    const packed = this.#packed
    if (packed === undefined) return
    this.#packed = undefined
    this.#bytesInFlight -= packed.length
    this.#send(new BatchTask(this, packed))
  }

  /** Sends inputs that arrive one by one in the same event-loop iteration together. */
  #flushSoon() {
    if (this.#packed !== undefined) loopScheduler.schedule(this.#flushJob, Priority.Copy)
  }

  /** @param {Unit} unit */
  #send(unit) {
    this.#bytesInFlight += unit.bytes
    this.#takenBytes += unit.bytes
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
      if (this.#state !== 'stopped') unit.fail(error)
      return
    } finally {
      reservation.release()
    }
    // Getters of the input may have stopped the call.
    if (this.#state === 'stopped') {
      if (bound === null) unit.cancel()
      return
    }
    if (unit.isDone) return
    if (bound === null) this.#sent.add(unit)
    else {
      this.#unsent.unshift(unit)
      this.#waiter = new Waiter({
        pool: this.pool,
        bytes: unit.bytes,
        onGranted: reservation => this.#resume(reservation),
        onRejected: reason => this.stop(reason)
      })
    }
  }

  /** @param {Reservation} reservation */
  #resume(reservation) {
    this.#waiter = undefined
    this.#submit(/** @type {Unit} */ (this.#unsent.shift()), reservation)
    while (this.#waiter === undefined && this.#unsent.length > 0) {
      this.#submit(/** @type {Unit} */ (this.#unsent.shift()), NO_RESERVATION)
    }
    this.#takeSoon()
  }

  /** @param {unknown} error */
  #inputsFailed(error) {
    this.#isIteratorOpen = false
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#handler.inputsFailed(this.#nextIndex, error)
  }

  /** Settles when the iterator is closed; `undefined` while it is being read, which may never end. */
  get closed() {
    return this.#isAwaiting ? undefined : this.#closePromise
  }

  #closeIterator() {
    if (!this.#isIteratorOpen) return
    this.#isIteratorOpen = false
    try {
      const closed = this.#context.runInAsyncScope(() => this.#iterator.return?.())
      // An error while closing must not replace the reason for which the call ended.
      if (this.#isAsync) this.#closePromise = Promise.resolve(closed).then(undefined, () => {})
    } catch {}
  }

  /** Watches the signal only while there is something to stop: an abandoned iteration leaves no listener. */
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

const NOTHING = /** @type {any} */ ({})
keepHiddenClass(new BulkScheduler(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING))

module.exports = { BulkScheduler }

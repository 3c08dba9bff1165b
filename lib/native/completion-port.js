'use strict'

const { Priority, Step, reportUncaught } = require('../internal/loop-scheduler')
const native = require('.')
const { resourcesError } = require('../internal/errors')
const { loopScheduler, share } = require('./shared')

/**
 * Receives the outcome of a task that it registered with the port.
 * @typedef {object} Listener
 * @property {{ handle: number, info: { name?: string | undefined, threads: number } }} [pool]
 * @property {{ stack?: string } | undefined} [caller]
 * @property {(value: unknown, failure: SerializedFailure | undefined, taskId: number) => void} [settle] a task
 *   or an item of a batch ended; the `taskId` of an item is that of its batch
 * @property {boolean} [isSettled] no caller waits for the task any more
 * @property {(reason: unknown, taskId: number) => void} [abort] the pool is closed by force
 * @property {(force: boolean) => void} [onClose] the pool is closing; replaces `abort`
 * @property {(handle: number) => void} [onGranted] a reservation was granted
 * @property {() => void} [onNotified] a reservation could have been granted
 * @property {() => void} [onRoom] the stream that a task serves has room for input; the task goes on
 * @property {(kind: number, flightId: number, bytes: Buffer | undefined) => void} [onMessage] a message for a cache arrived
 * @property {() => void} [onWatched] the event loop was blocked, or a major garbage collection has ended
 * @property {(permit: number) => void} [onPermit] a task that JavaScript runs may begin
 * @property {(count: number, micros: number) => void} [onBatch] a batch ended; `settle` follows for each of its items
 * @typedef {import('../internal/errors').SerializedFailure} SerializedFailure
 *
 * Turns the value of a record into the result of a task. Registered by the module that knows the format.
 * @typedef {(value: any) => unknown} Decoder
 *
 * Builds results that arrive in parts.
 * @typedef {object} PartsDecoder
 * @property {(taskId: number, listener: Listener, budget: number, isLast: boolean, text: Buffer, plan: Buffer) => void} addPart
 * @property {(taskId: number) => void} discard drops the parts of a task that failed or was cancelled
 */

const {
  Begun,
  Bytes,
  Document,
  Error: Failure,
  Granted,
  Json,
  JsonList,
  Mail,
  Many,
  Notified,
  Part,
  Room,
  Table,
  Watched
} = native.RecordKind
/** Kinds of record whose values other modules decode. */
const ENCODED = { jsonText: Json, table: Table }
const FIRST_RECORD = 2
/** Milliseconds after an outcome for which the port polls in every event-loop iteration: sleeping and waking up costs more than a few. */
const POLL_MS = 0.05
/** Maximum records, or items of batches, settled in a step. A decoded value ends the step: it may be a JSON text of 64 KiB. */
const RECORDS_PER_STEP = 32
/** Up to this many bytes a loop is faster than a view and `set`. */
const LOOP_BYTES = 48

/** @type {unknown[]} */
const NO_VALUES = []

/** Property of the global object that describes the function that this thread runs. */
const FUNCTION = Symbol.for('offloop.function')

/** Other runtimes lack the calls of libuv that recognize a blocked function. */
const isNode = process.versions.bun === undefined && process.versions.deno === undefined

/** Settles the outcomes of threads, many per drain. There is one port per environment. */
class CompletionPort {
  /** @type {(Listener | undefined)[]} by id */
  #listeners = []
  /** Functions that resolve the promises of bare tasks, by id. @type {(((value: unknown) => void) | undefined)[]} */
  #resolvers = []
  /** @type {number[]} */
  #freeIds = []
  #pending = 0
  /** @type {import('./function-watch').FunctionWatch | undefined} */
  #watch
  #keepsAlive = false
  /** Whether the port is scheduled and drains in each iteration; otherwise native code wakes it. */
  #isPolling = false
  #expectsOutcome = false
  #lastOutcome = 0
  /** Records of the last drain, settled up to `#index`, and the values and bytes that they refer to. */
  #records = new Uint32Array(8192)
  #end = FIRST_RECORD
  #index = FIRST_RECORD
  #values = /** @type {unknown[]} */ (Object.setPrototypeOf([], null))
  #valueIndex = 0
  #bytes = Buffer.allocUnsafeSlow(128 * 1024)
  #offset = 0
  #isDecoded = false
  /** Values of the last list, and the index of the next one. @type {unknown[]} */
  #list = NO_VALUES
  #listIndex = 0
  /** Listener and id of the batch whose items are being settled, and the end of these items. @type {Listener | undefined} */
  #batchListener
  #batchId = 0
  #batchEnd = 0
  /** @type {Map<number, Decoder>} by kind of record */
  #decoders = new Map()
  /** @type {PartsDecoder | undefined} */
  #partsDecoder

  /** Allows the port, as a job, to use the scheduler's whole budget. */
  slice = Infinity

  constructor() {
    const drain = () => {
      if (this.#isPolling) return
      this.#isPolling = this.#expectsOutcome = true
      loopScheduler.start(this, Priority.Settle)
    }
    native.open(drain, message => {
      throw resourcesError(message)
    })
  }

  /**
   * Registers the decoder of a kind of record, unless there is one: a second copy of this package registers the same again.
   * @param {keyof typeof ENCODED} kind
   * @param {Decoder} decoder
   */
  registerDecoder(kind, decoder) {
    if (!this.#decoders.has(ENCODED[kind])) this.#decoders.set(ENCODED[kind], decoder)
  }

  /** Registers the decoder of results that arrive in parts, unless there is one. @param {PartsDecoder} decoder */
  registerPartsDecoder(decoder) {
    this.#partsDecoder ??= decoder
  }

  /**
   * Registers a task and returns its id. The process stays alive until the id is released.
   * @param {Listener} listener
   */
  register(listener) {
    const taskId = this.#freeIds.pop() ?? this.#newId()
    this.#listeners[taskId] = listener
    this.ref()
    return taskId
  }

  /**
   * Makes a task bare: replaces its listener with one that all bare tasks of its pool share.
   * @param {number} taskId
   * @param {Listener} listener
   * @param {(value: any) => void} resolve resolves the promise of the task
   */
  makeBare(taskId, listener, resolve) {
    this.#listeners[taskId] = listener
    this.#resolvers[taskId] = resolve
  }

  /**
   * Removes and returns the function that resolves the promise of a bare task; `undefined` if it was removed before.
   * @param {number} taskId
   */
  takeResolver(taskId) {
    const resolve = this.#resolvers[taskId]
    this.#resolvers[taskId] = undefined
    return resolve
  }

  /** Returns an id that has never been used. */
  #newId() {
    this.#listeners.push(undefined)
    this.#resolvers.push(undefined)
    return this.#listeners.length - 1
  }

  /**
   * Releases the id of a task about which native code reports nothing more.
   * @param {number} taskId
   */
  release(taskId) {
    this.#listeners[taskId] = undefined
    this.#freeIds.push(taskId)
    this.unref()
  }

  /**
   * Registers a listener until it unsubscribes, and returns its id. It does not keep the process alive.
   * @param {Listener} listener
   */
  subscribe(listener) {
    const subscriptionId = this.#newId()
    this.#listeners[subscriptionId] = listener
    return subscriptionId
  }

  /** Removes a subscriber. Its id is not used again, since a message may be in flight. @param {number} subscriptionId */
  unsubscribe(subscriptionId) {
    this.#listeners[subscriptionId] = undefined
  }

  /** Keeps the process alive until `unref`. */
  ref() {
    if (this.#pending++ === 0) this.#watchFunction()
    if (!this.#keepsAlive && !this.#isPolling) this.#keepAlive(true)
  }

  unref() {
    if (--this.#pending === 0 && !this.#isPolling) this.#keepAlive(false)
  }

  get pending() {
    return this.#pending
  }

  /**
   * Whether only tasks of pools and a port keep this thread alive.
   * @param {{ ref: () => void, unref: () => void } | undefined} port
   */
  awaitsOnlyTasks(port) {
    const tasks = this.#listeners.filter(listener => listener?.pool !== undefined)
    // The other listeners wait for loads of caches.
    if (this.#isPolling || tasks.length !== this.#pending) return false
    native.keepAlive(false)
    port?.unref()
    try {
      return native.isLoopIdle()
    } finally {
      port?.ref()
      native.keepAlive(this.#keepsAlive)
    }
  }

  /** Looks for deadlocks if this thread runs user functions. */
  #watchFunction() {
    const running = /** @type {any} */ (globalThis)[FUNCTION]
    if (running === undefined || !isNode) return
    this.#watch ??= new (require('./function-watch').FunctionWatch)(this, running)
    this.#watch.start()
  }

  /** @param {number} taskId */
  listener(taskId) {
    return this.#listeners[taskId]
  }

  /** Returns each id with its listener, which is `undefined` for a free id. */
  entries() {
    return [...this.#listeners.entries()]
  }

  /** Polls for a while: an outcome is expected soon. */
  keepPolling() {
    this.#expectsOutcome = true
    if (this.#isPolling) return
    this.#isPolling = true
    loopScheduler.schedule(this, Priority.Settle)
  }

  /**
   * Settles some outcomes, as a job of the scheduler.
   * @param {number} _deadline
   * @param {number} time
   */
  step(_deadline, time) {
    if (this.#index === this.#end) {
      if (this.#expectsOutcome) this.#lastOutcome = time
      const isLast = time - this.#lastOutcome > POLL_MS
      this.#expectsOutcome = this.#drain(isLast)
      if (!this.#expectsOutcome) return isLast ? this.#stopPolling() : Step.Idle
    }
    this.#isDecoded = false
    for (let count = 0; count < RECORDS_PER_STEP && this.#index < this.#end && !this.#isDecoded; count++) {
      // A listener that throws must not affect the others.
      try {
        this.#settleNext()
      } catch (error) {
        reportUncaught(error)
      }
    }
    if (this.#index < this.#end) return Step.More
    if (this.#valueIndex > 0) this.#values.length = 0
    return this.#records[1] === 1 ? Step.More : Step.Idle
  }

  /** Stops polling: the next outcome wakes the port. */
  #stopPolling() {
    this.#isPolling = false
    if (this.#keepsAlive !== this.#pending > 0) this.#keepAlive(this.#pending > 0)
    return Step.Done
  }

  /** @param {boolean} alive whether pending tasks keep the process alive; while the port polls, the scheduler does */
  #keepAlive(alive) {
    this.#keepsAlive = alive
    native.keepAlive(alive)
  }

  /** Fetches outcomes. Returns whether there were any. @param {boolean} rearm whether later ones wake the port */
  #drain(rearm) {
    this.#end = this.#index = FIRST_RECORD
    this.#valueIndex = this.#offset = 0
    native.drain(this.#records, this.#bytes, this.#values, rearm)
    this.#end = this.#records[0]
    return this.#end > FIRST_RECORD
  }

  /** Settles one record, or one item of a batch. Advances the position before it calls a listener, which may throw. */
  #settleNext() {
    if (this.#batchListener !== undefined) return this.#settleItem(this.#batchListener)
    const index = this.#index
    const taskId = this.#records[index]
    const kind = this.#records[index + 1]
    const size = this.#records[index + 2]
    const listener = this.#listeners[taskId]
    this.#index = index + 3
    if (kind === Mail) {
      const flightId = /** @type {number} */ (this.#nextValue())
      const hasBytes = size === native.MailKind.Value || size === native.MailKind.Error
      const bytes = hasBytes ? /** @type {Buffer} */ (this.#nextValue()) : undefined
      return listener?.onMessage?.(size, flightId, bytes)
    }
    if (kind === Begun) return listener?.onPermit === undefined ? native.dropPermit(size) : listener.onPermit(size)
    if (kind === Watched) return listener?.onWatched?.()
    if (listener === undefined) throw new Error('offloop: an outcome without a task')
    if (kind === Room) return listener.onRoom?.()
    if (kind === Document || kind === Part) {
      const text = /** @type {Buffer} */ (this.#nextValue())
      const plan = /** @type {Buffer} */ (this.#nextValue())
      return this.#partsDecoder?.addPart(taskId, listener, size, kind === Document, text, plan)
    }
    this.#partsDecoder?.discard(taskId)
    this.release(taskId)
    if (kind === Granted) listener.onGranted?.(size)
    else if (kind === Notified) listener.onNotified?.()
    else if (kind === Many) this.#beginBatch(taskId, listener, size)
    else this.#settleOne(taskId, listener, kind, size)
  }

  #nextValue() {
    return this.#values[this.#valueIndex++]
  }

  /**
   * @param {number} taskId
   * @param {Listener} listener
   * @param {number} kind
   * @param {number} size
   */
  #settleOne(taskId, listener, kind, size) {
    if (kind === Bytes) return listener.settle?.(this.#copyBytes(size), undefined, taskId)
    const value = this.#nextValue()
    if (kind === Failure) return listener.settle?.(undefined, /** @type {SerializedFailure} */ (value), taskId)
    const decode = this.#decoders.get(kind)
    if (decode === undefined) return listener.settle?.(value, undefined, taskId)
    this.#isDecoded = true
    listener.settle?.(decode(value), undefined, taskId)
  }

  /**
   * Begins a batch; its items are settled like records, since all together may exceed a step.
   * @param {number} taskId
   * @param {Listener} listener
   * @param {number} count
   */
  #beginBatch(taskId, listener, count) {
    const micros = this.#records[this.#index++]
    this.#batchListener = listener
    this.#batchId = taskId
    this.#batchEnd = this.#index + 2 * count
    listener.onBatch?.(count, micros)
  }

  /** @param {Listener} listener of the batch */
  #settleItem(listener) {
    const index = this.#index
    const kind = this.#records[index]
    const size = this.#records[index + 1]
    this.#index = index + 2
    if (this.#index === this.#batchEnd) this.#batchListener = undefined
    if (kind === JsonList) listener.settle?.(this.#nextOfList(size), undefined, this.#batchId)
    else this.#settleOne(this.#batchId, listener, kind, size)
  }

  /** Returns the next value of a list of JSON. @param {number} length of a list that starts here, or 0 */
  #nextOfList(length) {
    if (length > 0) {
      const decode = /** @type {Decoder} */ (this.#decoders.get(Json))
      this.#list = /** @type {unknown[]} */ (decode(this.#nextValue()))
      this.#listIndex = 0
      this.#isDecoded = true
    }
    const value = this.#list[this.#listIndex++]
    if (this.#listIndex === this.#list.length) this.#list = NO_VALUES
    return value
  }

  /** Copies the next short result into a Buffer of Node's slab. @param {number} length */
  #copyBytes(length) {
    const copy = Buffer.allocUnsafe(length)
    const offset = this.#offset
    this.#offset += length
    if (length <= LOOP_BYTES) {
      for (let i = 0; i < length; i++) copy[i] = this.#bytes[offset + i]
    } else {
      copy.set(this.#bytes.subarray(offset, offset + length))
    }
    return copy
  }
}

module.exports = { completionPort: share('port', CompletionPort) }

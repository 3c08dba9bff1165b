'use strict'

const { now, queueMicrotask, setImmediate } = require('../internal/clock')
const native = require('.')

/**
 * Receives the outcome of a task that it registered with the port.
 * @typedef {object} Listener
 * @property {{ handle: number }} [pool]
 * @property {(value: unknown, failure: SerializedFailure | undefined) => void} [settle] a task ended
 * @property {boolean} [isSettled] nobody waits for it any more
 * @property {(reason: unknown) => void} [abort] the pool is closed by force
 * @property {(force: boolean) => void} [onClose] the pool is closing; replaces `abort`
 * @property {(handle: number) => void} [onGranted] a reservation was granted
 * @property {(kind: number, flightId: number, bytes: Buffer | undefined) => void} [onMessage] a message for a cache arrived
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
 *
 * How far a drain has been settled: in the records, in the values and in the bytes.
 * @typedef {{ at: number, value: number, offset: number }} Cursor
 */

const { Begun, Bytes, Document, Error: Failure, Granted, Json, Mail, Many, Part, Table } = native.RecordKind
/** Kinds of record whose values are decoded elsewhere. */
const ENCODED = { jsonText: Json, table: Table }
const FIRST_RECORD = 2

// What a drain took.
const EMPTY = 0
const ALL = 1
const MORE = 2

/** After settling for this long (ms) a drain lets the loop turn. */
const DRAIN_BUDGET = 2
/**
 * For this long (ms) after an outcome the port looks for the next one every turn of the loop, before it waits to be
 * called: sleeping and being woken costs more than a few turns.
 */
const POLL_MS = 0.05
/** Up to here a loop over the bytes is faster than a view and `set`. */
const LOOP_BYTES = 48

/** The completion port: settles what threads have finished, many at a time. There is one per environment. */
class CompletionPort {
  /** @type {(Listener | undefined)[]} */
  #listeners = []
  /** @type {number[]} */
  #free = []
  #pending = 0
  #isPolling = false
  #keepsAlive = false
  #lastOutcome = 0
  #records = new Uint32Array(8192)
  #bytes = Buffer.allocUnsafeSlow(128 * 1024)
  #pollAgain = () => this.#poll()
  /** @type {Map<number, Decoder>} by kind of record */
  #decoders = new Map()
  /** @type {PartsDecoder | undefined} */
  #partsDecoder

  constructor() {
    native.open(() => {
      if (!this.#isPolling) this.#poll()
    })
  }

  /**
   * Registers the decoder of a kind of record. The first one stays: a second copy of this package in one environment has the same.
   * @param {keyof typeof ENCODED} kind
   * @param {Decoder} decoder
   */
  registerDecoder(kind, decoder) {
    if (!this.#decoders.has(ENCODED[kind])) this.#decoders.set(ENCODED[kind], decoder)
  }

  /** Registers the decoder of results that arrive in parts; the first one stays. @param {PartsDecoder} decoder */
  registerPartsDecoder(decoder) {
    this.#partsDecoder ??= decoder
  }

  /**
   * Registers a task and returns its id. The process stays alive until the id is released.
   * @param {Listener} listener
   */
  register(listener) {
    const taskId = this.#free.pop() ?? this.#listeners.length
    this.#listeners[taskId] = listener
    this.#pending++
    if (!this.#keepsAlive && !this.#isPolling) this.#keepAlive(true)
    return taskId
  }

  /**
   * Releases the id of a task about which native code reports nothing more.
   * @param {number} taskId
   */
  release(taskId) {
    this.#listeners[taskId] = undefined
    this.#free.push(taskId)
    if (--this.#pending === 0 && !this.#isPolling) this.#keepAlive(false)
  }

  /**
   * Registers a listener until it unsubscribes, and returns its id. It does not keep the process alive.
   * @param {Listener} listener
   */
  subscribe(listener) {
    this.#listeners.push(listener)
    return this.#listeners.length - 1
  }

  /**
   * A message may still be in flight: the id is not used again.
   * @param {number} subscriptionId
   */
  unsubscribe(subscriptionId) {
    this.#listeners[subscriptionId] = undefined
  }

  /** Keeps the process alive until `unref`. */
  ref() {
    this.#pending++
    if (!this.#keepsAlive && !this.#isPolling) this.#keepAlive(true)
  }

  unref() {
    if (--this.#pending === 0 && !this.#isPolling) this.#keepAlive(false)
  }

  /**
   * Returns the listener of an id.
   * @param {number} taskId
   */
  listener(taskId) {
    return this.#listeners[taskId]
  }

  /** Polls in every event-loop iteration for a while: an outcome is expected soon. */
  keepPolling() {
    this.#lastOutcome = now()
    if (this.#isPolling) return
    this.#isPolling = true
    setImmediate(this.#pollAgain)
  }

  /** Those that still wait for something, each once. */
  listeners() {
    return new Set(this.#listeners)
  }

  /**
   * One turn of the loop: settles what is there, for a bounded time, and decides whether to come back in the next turn
   * or when it is called.
   */
  #poll() {
    const start = now()
    const isLast = start - this.#lastOutcome > POLL_MS && this.#isPolling
    // If anything is thrown below, the next turn goes on.
    this.#isPolling = true
    let state = EMPTY
    let isThrowing = true
    try {
      state = this.#drain(isLast)
      while (state === MORE && now() - start < DRAIN_BUDGET) state = this.#drain(false)
      isThrowing = false
    } finally {
      if (isThrowing) setImmediate(this.#pollAgain)
    }
    if (state !== EMPTY) this.#lastOutcome = now()
    this.#isPolling = state !== EMPTY || !isLast
    if (this.#isPolling) setImmediate(this.#pollAgain)
    else if (this.#keepsAlive !== this.#pending > 0) this.#keepAlive(this.#pending > 0)
  }

  /** @param {boolean} alive whether pending tasks keep the process alive by themselves */
  #keepAlive(alive) {
    this.#keepsAlive = alive
    native.keepAlive(alive)
  }

  /** @param {boolean} rearm whether to be called for what comes from now on */
  #drain(rearm) {
    const records = this.#records
    const values = native.drain(records, this.#bytes, rearm) ?? []
    const [used, more] = records
    if (used === FIRST_RECORD) return EMPTY
    /** @type {Cursor} */
    const cursor = { at: FIRST_RECORD, value: 0, offset: 0 }
    while (cursor.at < used) {
      try {
        this.#dispatch(cursor, values)
      } catch (error) {
        // One listener's trouble is not the others'; it is reported as any exception that nobody caught.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    return more === 1 ? MORE : ALL
  }

  /**
   * Settles one record. The cursor moves on before any listener is called.
   * @param {Cursor} cursor
   * @param {unknown[]} values
   */
  #dispatch(cursor, values) {
    const records = this.#records
    const { at } = cursor
    const taskId = records[at]
    const kind = records[at + 1]
    const size = records[at + 2]
    const listener = this.#listeners[taskId]
    cursor.at += 3
    if (kind === Mail) {
      const flightId = /** @type {number} */ (values[cursor.value++])
      const hasBytes = size === native.MailKind.Value || size === native.MailKind.Error
      const bytes = hasBytes ? /** @type {Buffer} */ (values[cursor.value++]) : undefined
      return listener?.onMessage?.(size, flightId, bytes)
    }
    if (kind === Begun) return listener?.onPermit === undefined ? native.dropPermit(size) : listener.onPermit(size)
    if (listener === undefined) throw new Error('offloop: an outcome without a task')
    if (kind === Document || kind === Part) {
      const text = /** @type {Buffer} */ (values[cursor.value++])
      const plan = /** @type {Buffer} */ (values[cursor.value++])
      return /** @type {PartsDecoder} */ (this.#partsDecoder).addPart(
        taskId,
        listener,
        size,
        kind === Document,
        text,
        plan
      )
    }
    this.#partsDecoder?.discard(taskId)
    this.release(taskId)
    if (kind === Granted) listener.onGranted?.(size)
    else if (kind === Many) this.#settleBatch(listener, size, cursor, values)
    else this.#settleOne(listener, kind, size, cursor, values)
  }

  /**
   * @param {Listener} listener
   * @param {number} kind
   * @param {number} size
   * @param {Cursor} cursor
   * @param {unknown[]} values
   */
  #settleOne(listener, kind, size, cursor, values) {
    if (kind === Bytes) {
      const { offset } = cursor
      cursor.offset += size
      listener.settle?.(this.#copy(offset, size), undefined)
    } else {
      const value = values[cursor.value++]
      if (kind === Failure) return listener.settle?.(undefined, /** @type {SerializedFailure} */ (value))
      const decode = this.#decoders.get(kind)
      listener.settle?.(decode === undefined ? value : decode(value), undefined)
    }
  }

  /**
   * @param {Listener} listener
   * @param {number} count
   * @param {Cursor} cursor
   * @param {unknown[]} values
   */
  #settleBatch(listener, count, cursor, values) {
    const records = this.#records
    const first = cursor.at + 1
    cursor.at = first + 2 * count
    try {
      listener.onBatch?.(count, records[first - 1])
    } finally {
      for (let at = first; at < cursor.at; at += 2)
        this.#settleOne(listener, records[at], records[at + 1], cursor, values)
    }
  }

  /**
   * Out of the scratch memory and into a Buffer of Node's own slab.
   * @param {number} offset
   * @param {number} length
   */
  #copy(offset, length) {
    const copy = Buffer.allocUnsafe(length)
    if (length <= LOOP_BYTES) {
      for (let i = 0; i < length; i++) copy[i] = this.#bytes[offset + i]
    } else {
      copy.set(this.#bytes.subarray(offset, offset + length))
    }
    return copy
  }
}

// A second copy of this file in one environment (test runners reset module registries) must share the port,
// because it shares the addon's instance data.
const key = Symbol.for('offloop.port')
const shared = /** @type {Record<symbol, CompletionPort | undefined>} */ (/** @type {unknown} */ (native))
shared[key] ??= new CompletionPort()

module.exports = { completionPort: /** @type {CompletionPort} */ (shared[key]) }

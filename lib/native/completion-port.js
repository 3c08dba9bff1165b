'use strict'

const { now, queueMicrotask, setImmediate } = require('../internal/clock')
const native = require('.')

/**
 * Whoever hears of the outcome of a number that it drew from the port.
 * @typedef {object} Listener
 * @property {{ number: number }} [pool]
 * @property {(value: unknown, failure: FailureRecord | undefined) => void} [settle] a task ended
 * @property {boolean} [isSettled] nobody waits for it any more
 * @property {(reason: unknown) => void} [abort] the pool is closed by force
 * @property {(handle: number) => void} [granted] a reservation was granted
 * @property {(kind: number, token: number, bytes: Buffer | undefined) => void} [mail] for a cache
 * @property {(permit: number) => void} [begun] the turn of a task has come that JavaScript runs
 * @property {(count: number, micros: number) => void} [batch] a batch ended; `settle` follows for each of its items
 * @typedef {import('../internal/errors').FailureRecord} FailureRecord
 *
 * Turns the value of a record into the result of a task. Registered by the module that knows the format.
 * @typedef {(value: any) => unknown} Decoder
 *
 * Builds results that arrive in parts.
 * @typedef {object} PartsDecoder
 * @property {(id: number, listener: Listener, budget: number, isLast: boolean, text: Buffer, plan: Buffer) => void} add
 * @property {(id: number) => void} abandon drops the parts of a task that failed or was cancelled
 *
 * How far a drain has been settled: in `heads`, in the values and in the bytes.
 * @typedef {{ at: number, value: number, offset: number }} Place
 */

// Kinds of record that native code writes (src/node/output.rs).
const BYTES = 0
const ERROR = 2
const GRANTED = 3
const MANY = 4
const MAIL = 5
const BEGUN = 6
/** Kinds of record whose values are decoded elsewhere. */
const ENCODED = { jsonText: 7, table: 10 }
const DOCUMENT = 8
const PART = 9
/** Kinds of mail up to this one come with bytes. */
const WITH_BYTES = 1
const FIRST = 2

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
const POLL = 0.05
/** Up to here a loop over the bytes is faster than a view and `set`. */
const LOOP_BYTES = 48

/** The completion port: settles what threads have finished, many at a time. There is one per environment. */
class Port {
  /** @type {(Listener | undefined)[]} */
  #listeners = []
  /** @type {number[]} */
  #free = []
  #pending = 0
  #isPolling = false
  #keepsAlive = false
  #lastOutcome = 0
  #heads = new Uint32Array(8192)
  #bytes = Buffer.allocUnsafeSlow(128 * 1024)
  #turn = () => this.#poll()
  /** @type {Map<number, Decoder>} by kind of record */
  #decoders = new Map()
  /** @type {PartsDecoder | undefined} */
  #parts

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
  decodeWith(kind, decoder) {
    if (!this.#decoders.has(ENCODED[kind])) this.#decoders.set(ENCODED[kind], decoder)
  }

  /** Registers the decoder of results that arrive in parts; the first one stays. @param {PartsDecoder} decoder */
  decodePartsWith(decoder) {
    this.#parts ??= decoder
  }

  /**
   * Draws a number for a task. While numbers are out the process stays alive.
   * @param {Listener} listener
   */
  draw(listener) {
    const id = this.#free.pop() ?? this.#listeners.length
    this.#listeners[id] = listener
    this.#pending++
    if (!this.#keepsAlive && !this.#isPolling) this.#keepAlive(true)
    return id
  }

  /**
   * Returns a number of which native code will not speak again.
   * @param {number} id
   */
  release(id) {
    this.#listeners[id] = undefined
    this.#free.push(id)
    if (--this.#pending === 0 && !this.#isPolling) this.#keepAlive(false)
  }

  /**
   * Draws a number for whoever gets mail until it unsubscribes. It does not keep the process alive.
   * @param {Listener} listener
   */
  subscribe(listener) {
    this.#listeners.push(listener)
    return this.#listeners.length - 1
  }

  /**
   * Mail may still be on its way: the number is not used again.
   * @param {number} id
   */
  unsubscribe(id) {
    this.#listeners[id] = undefined
  }

  /** Keeps the process alive until `unhold`. */
  hold() {
    this.#pending++
    if (!this.#keepsAlive && !this.#isPolling) this.#keepAlive(true)
  }

  unhold() {
    if (--this.#pending === 0 && !this.#isPolling) this.#keepAlive(false)
  }

  /**
   * Who has drawn a number.
   * @param {number} id
   */
  listener(id) {
    return this.#listeners[id]
  }

  /** Something will come soon: looks for it every turn of the loop for a while. */
  stayAwake() {
    this.#lastOutcome = now()
    if (this.#isPolling) return
    this.#isPolling = true
    setImmediate(this.#turn)
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
    const isLast = start - this.#lastOutcome > POLL && this.#isPolling
    // If anything is thrown below, the next turn goes on.
    this.#isPolling = true
    let state = EMPTY
    let isThrowing = true
    try {
      state = this.#settleSome(isLast)
      while (state === MORE && now() - start < DRAIN_BUDGET) state = this.#settleSome(false)
      isThrowing = false
    } finally {
      if (isThrowing) setImmediate(this.#turn)
    }
    if (state !== EMPTY) this.#lastOutcome = now()
    this.#isPolling = state !== EMPTY || !isLast
    if (this.#isPolling) setImmediate(this.#turn)
    else if (this.#keepsAlive !== this.#pending > 0) this.#keepAlive(this.#pending > 0)
  }

  /** @param {boolean} alive whether pending tasks keep the process alive by themselves */
  #keepAlive(alive) {
    this.#keepsAlive = alive
    native.keepAlive(alive)
  }

  /** @param {boolean} rearm whether to be called for what comes from now on */
  #settleSome(rearm) {
    const heads = this.#heads
    const values = native.drain(heads, this.#bytes, rearm) ?? []
    const [used, more] = heads
    if (used === FIRST) return EMPTY
    /** @type {Place} */
    const place = { at: FIRST, value: 0, offset: 0 }
    while (place.at < used) {
      try {
        this.#settleNext(place, values)
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
   * Settles what stands in one record. Its place is left before anyone is called.
   * @param {Place} place
   * @param {unknown[]} values
   */
  #settleNext(place, values) {
    const heads = this.#heads
    const { at } = place
    const id = heads[at]
    const kind = heads[at + 1]
    const size = heads[at + 2]
    const listener = this.#listeners[id]
    place.at += 3
    if (kind === MAIL) {
      const token = /** @type {number} */ (values[place.value++])
      const bytes = size <= WITH_BYTES ? /** @type {Buffer} */ (values[place.value++]) : undefined
      return listener?.mail?.(size, token, bytes)
    }
    if (kind === BEGUN) return listener?.begun === undefined ? native.dropPermit(size) : listener.begun(size)
    if (listener === undefined) throw new Error('offloop: an outcome without a task')
    if (kind === DOCUMENT || kind === PART) {
      const text = /** @type {Buffer} */ (values[place.value++])
      const plan = /** @type {Buffer} */ (values[place.value++])
      return /** @type {PartsDecoder} */ (this.#parts).add(id, listener, size, kind === DOCUMENT, text, plan)
    }
    this.#parts?.abandon(id)
    this.release(id)
    if (kind === GRANTED) listener.granted?.(size)
    else if (kind === MANY) this.#settleMany(listener, size, place, values)
    else this.#settleOne(listener, kind, size, place, values)
  }

  /**
   * @param {Listener} listener
   * @param {number} kind
   * @param {number} size
   * @param {Place} place
   * @param {unknown[]} values
   */
  #settleOne(listener, kind, size, place, values) {
    if (kind === BYTES) {
      const { offset } = place
      place.offset += size
      listener.settle?.(this.#copy(offset, size), undefined)
    } else {
      const value = values[place.value++]
      if (kind === ERROR) return listener.settle?.(undefined, /** @type {FailureRecord} */ (value))
      const decode = this.#decoders.get(kind)
      listener.settle?.(decode === undefined ? value : decode(value), undefined)
    }
  }

  /**
   * @param {Listener} listener
   * @param {number} count
   * @param {Place} place
   * @param {unknown[]} values
   */
  #settleMany(listener, count, place, values) {
    const heads = this.#heads
    const first = place.at + 1
    place.at = first + 2 * count
    try {
      listener.batch?.(count, heads[first - 1])
    } finally {
      for (let at = first; at < place.at; at += 2) this.#settleOne(listener, heads[at], heads[at + 1], place, values)
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
const shared = /** @type {Record<symbol, Port | undefined>} */ (/** @type {unknown} */ (native))
shared[key] ??= new Port()

module.exports = { port: /** @type {Port} */ (shared[key]) }

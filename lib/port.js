'use strict'

const native = require('./native')

/**
 * Whoever hears of the outcome of a number that it drew from the port.
 * @typedef {object} Listener
 * @property {import('./pool-handle').PoolHandle} pool
 * @property {(value: unknown, failure: FailureRecord | undefined) => void} [settle] a task ended
 * @property {(reason: unknown) => void} abort the pool is closed by force
 * @property {(room: number) => void} [granted] room was granted
 * @property {(count: number, micros: number) => void} [batch] a batch ended; `settle` follows for each of its items
 * @typedef {import('./errors').FailureRecord} FailureRecord
 */

// Kinds of record that native code writes (src/node/output.rs).
const BYTES = 0
const ERROR = 2
const GRANTED = 3
const MANY = 4
const FIRST = 2

/** After settling for this long (ms) a drain lets the loop turn. */
const DRAIN_BUDGET = 2
/** Up to here a loop over the bytes is faster than a view and `set`. */
const LOOP_BYTES = 48

/** The completion port: settles what threads have finished, many at a time. There is one per environment. */
class Port {
  /** @type {(Listener | undefined)[]} */
  #listeners = []
  /** @type {number[]} */
  #free = []
  #pending = 0
  #heads = new Uint32Array(8192)
  #bytes = Buffer.allocUnsafeSlow(128 * 1024)
  #drain = () => this.drain()

  constructor() {
    native.open(this.#drain)
  }

  /**
   * Draws a number for a task. While numbers are out the process stays alive.
   * @param {Listener} listener
   */
  draw(listener) {
    const id = this.#free.pop() ?? this.#listeners.length
    this.#listeners[id] = listener
    if (this.#pending++ === 0) native.keepAlive(true)
    return id
  }

  /**
   * Returns a number of which native code will not speak again.
   * @param {number} id
   */
  release(id) {
    this.#listeners[id] = undefined
    this.#free.push(id)
    if (--this.#pending === 0) native.keepAlive(false)
  }

  /** Those that still wait for something, each once. */
  listeners() {
    return new Set(this.#listeners)
  }

  /** Settles what is there, for a bounded time. */
  drain() {
    const start = performance.now()
    let more
    do {
      more = this.#settleSome()
    } while (more && performance.now() - start < DRAIN_BUDGET)
    if (more) setImmediate(this.#drain)
  }

  #settleSome() {
    const heads = this.#heads
    const values = native.drain(heads, this.#bytes) ?? []
    const [used, more] = heads
    let value = 0
    let offset = 0
    for (let at = FIRST; at < used; ) {
      const id = heads[at]
      const kind = heads[at + 1]
      const listener = this.#listeners[id]
      const size = heads[at + 2]
      at += 3
      if (listener === undefined) throw new Error('offloop: an outcome without a task')
      if (kind === BYTES) {
        this.release(id)
        listener.settle?.(this.#copy(offset, size), undefined)
        offset += size
      } else if (kind === MANY) {
        this.release(id)
        listener.batch?.(size, heads[at++])
        for (let item = 0; item < size; item++, at += 2) {
          const length = heads[at + 1]
          if (heads[at] === BYTES) {
            listener.settle?.(this.#copy(offset, length), undefined)
            offset += length
          } else settleValue(listener, heads[at], values[value++])
        }
      } else if (kind === GRANTED) {
        this.release(id)
        listener.granted?.(size)
      } else {
        this.release(id)
        settleValue(listener, kind, values[value++])
      }
    }
    return more === 1
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

/**
 * @param {Listener} listener
 * @param {number} kind
 * @param {unknown} value
 */
function settleValue(listener, kind, value) {
  if (kind === ERROR) listener.settle?.(undefined, /** @type {FailureRecord} */ (value))
  else listener.settle?.(value, undefined)
}

// A second copy of this file in one environment (test runners reset module registries) must share the port,
// because it shares the addon's instance data.
const key = Symbol.for('offloop.port')
const shared = /** @type {Record<symbol, Port | undefined>} */ (/** @type {unknown} */ (native))
shared[key] ??= new Port()

module.exports = { port: /** @type {Port} */ (shared[key]) }

'use strict'

const native = require('../native')
const { readWorkerOptions } = require('../worker')
const { closedError, forcedError, queueFullError } = require('../internal/errors')
const { setImmediate } = require('../internal/clock')
const { port } = require('../native/completion-port')
const { NO_RESERVATION } = require('../native/reservation')
const { checkOptions } = require('../internal/validate')
const { Waiter } = require('../task/waiter')

const OPTIONS = ['name', 'threads', 'maxQueue', 'maxQueueBytes', 'maxWait', 'workers']

/** A pool that was dropped without being closed is let go of when JavaScript has forgotten it. */
const registry = new FinalizationRegistry((/** @type {number} */ handle) => native.closePool(handle))

/**
 * @typedef {import('../native/reservation').Reservation} Reservation
 *
 * @typedef {object} Lane
 * @property {(force: boolean) => Promise<void>} end
 */

/** This environment's hold on a pool: what was admitted through it, and the way from open to closing to closed. */
class PoolHandle {
  /** @type {'open' | 'closing' | 'closed'} */
  #state = 'open'
  /** Tasks, batches and waiters of which native code will speak again. */
  #admitted = 0
  /**
   * Reservations granted in this event-loop iteration and not used yet.
   * @type {Reservation[]}
   */
  #reservations = []
  #missing = 1
  #isForced = false
  /** @type {Promise<void> | undefined} */
  #closing
  /** @type {() => void} */
  #closed = () => {}

  /**
   * Maps and iterations that are not over, and streams with a step under way.
   * @type {Set<{ stop(reason: unknown): void }>}
   */
  flows = new Set()
  /** Folding streams that are open, whether or not a step is under way. @type {Set<WeakRef<{ stop(reason: unknown): void }>>} */
  streams = new Set()

  /** Told what was counted in a period that is over. @type {Set<(stats: import('../..').PoolStats) => void>} */
  resetListeners = new Set()

  /** What runs JavaScript of users, once there is any. @type {Map<Function, Lane>} */
  #lanes = new Map()
  #workers

  /** @param {import('../..').PoolOptions} options */
  constructor(options) {
    checkOptions(options, OPTIONS)
    const { workers, ...others } = options
    this.#workers = readWorkerOptions(workers)
    this.info = native.openPool(others)
    /** Whether the name was given: a given name may equal the default one. */
    this.isNamed = others.name !== undefined
    /** What native code calls it. */
    this.number = this.info.handle
    registry.register(this, this.number, this)
  }

  checkOpen() {
    if (this.#state !== 'open') throw closedError(this.info.name)
  }

  /**
   * What runs JavaScript of users in this pool, made on first use.
   * @template {Lane} L
   * @param {new (pool: PoolHandle, options: import('../worker/options').WorkerOptions) => L} Lane
   * @returns {L}
   */
  lane(Lane) {
    let lane = this.#lanes.get(Lane)
    if (lane === undefined) {
      lane = new Lane(this, this.#workers)
      this.#lanes.set(Lane, lane)
    }
    return /** @type {L} */ (lane)
  }

  /**
   * The error of a task that is turned away, which is counted here.
   * @param {import('../native/binding').Bound} bound
   * @param {number} [bytes] that it needs
   */
  full(bound, bytes = 1) {
    native.countRejected(this.number)
    if (bound === 'bytes') this.#missing = bytes
    return queueFullError(this.info, bound)
  }

  /** The bytes to wait for before the next `run`: those of the input that was turned away last, if it was for them. */
  takeMissing() {
    const missing = this.#missing
    this.#missing = 1
    return Math.min(missing, this.info.maxQueueBytes)
  }

  /** Tasks of this environment that are under way. */
  get admitted() {
    return this.#admitted
  }

  /** A task was admitted, or waits to be. */
  entered() {
    this.#admitted++
  }

  /** Native code has spoken of a task for the last time. */
  left() {
    if (--this.#admitted === 0) this.#closeIfDone()
  }

  /**
   * Keeps a reservation until the end of this iteration, for the `run` that its waiter is about to call.
   * @param {Reservation} reservation
   */
  keepReservation(reservation) {
    if (this.#state !== 'open') return reservation.release()
    this.#reservations.push(reservation)
    setImmediate(() => {
      const index = this.#reservations.indexOf(reservation)
      if (index < 0) return
      this.#reservations.splice(index, 1)
      reservation.release()
    })
  }

  /** Returns a kept reservation, or `NO_RESERVATION`. The caller owns it. */
  takeReservation() {
    return this.#reservations.shift() ?? NO_RESERVATION
  }

  /** @param {boolean} reset */
  stats(reset) {
    if (this.#state === 'closed') throw closedError(this.info.name)
    const stats = native.poolStats(this.number, reset)
    if (reset) for (const listener of this.resetListeners) listener(stats)
    return stats
  }

  /**
   * Takes no more tasks and waits for those that were admitted, or cancels them.
   * @param {boolean} force
   * @returns {Promise<void>}
   */
  close(force) {
    this.#closing ??= new Promise(resolve => {
      this.#closed = resolve
      this.#state = 'closing'
      for (const reservation of this.#reservations.splice(0)) reservation.release()
    })
    // A map may wait for its inputs when nothing of it is under way any more.
    this.#isForced ||= force
    if (force || this.#state === 'closing') this.#end(force)
    this.#closeIfDone()
    return this.#closing
  }

  /**
   * Turns away whoever waits for room, and with `all` cancels every task.
   * @param {boolean} all
   */
  #end(all) {
    const { name } = this.info
    if (all) for (const flow of this.flows) flow.stop(forcedError(name))
    if (all) for (const stream of this.streams) stream.deref()?.stop(forcedError(name))
    for (const listener of port.listeners()) {
      if (listener?.pool !== this) continue
      if (listener instanceof Waiter) {
        if (all || !listener.isForRest) listener.abort(closedError(name))
      } else if (all) listener.abort?.(forcedError(name))
    }
  }

  #closeIfDone() {
    if (this.#state !== 'closing' || this.#admitted > 0) return
    this.#state = 'closed'
    // Those that were not ended have nothing to go on with.
    for (const stream of this.streams) stream.deref()?.stop(closedError(this.info.name))
    registry.unregister(this)
    native.closePool(this.number)
    Promise.all([...this.#lanes.values()].map(lane => lane.end(this.#isForced))).then(() => this.#closed())
  }
}

module.exports = { PoolHandle }

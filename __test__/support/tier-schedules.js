'use strict'

// Random schedules of processes that share a tier, and a checker of the guarantee. Each id has one writer, which changes the source, and
// then deletes or sets the id. A call must not return a value that such a change had replaced before the call began (in another process:
// `maxStale` before).

const { Simulation, randomOf, turn } = require('./tier-simulation')

/**
 * @typedef {import('./tier-simulation').Mutation} Mutation
 * @typedef {{ version: number, at: number, step: number, process: number }} Change acknowledged
 */

const MAX_STALE = 1000
const SETTINGS = { maxStale: MAX_STALE, timeout: 250, leaseTtl: 900 }
const OPTIONS = { refreshAfter: 2000, staleWhileRevalidate: 0, staleIfError: 0 }

/**
 * @typedef {object} Actions
 * @property {InstanceType<typeof import('./tier-simulation').Wire>} wire of one process
 * @property {(count: number) => number} pick returns a random index
 * @property {() => void} get
 * @property {() => void} change
 * @property {() => void} load ends a load
 * @property {(most: number) => Promise<void>} advance the time, by at most `most` ms
 * @property {() => void} relay
 * @property {() => void} restart
 */

/** Actions of a schedule, and how often they are chosen. @type {readonly (readonly [number, (actions: Actions) => unknown])[]} */
const ACTIONS = [
  [20, it => it.get()],
  [10, it => it.change()],
  [10, ({ wire }) => wire.execute()],
  [10, ({ wire }) => wire.replies.shift()?.()],
  [10, ({ wire }) => wire.messages.shift()?.()],
  [30, ({ wire }) => wire.flow()],
  [2, ({ wire, pick }) => wire.stall(pick(4))],
  [8, it => it.load()],
  [12, it => it.advance(20)],
  [2, it => it.advance(200)],
  [0.5, it => it.advance(1500)],
  [1, ({ wire }) => wire.late.shift()?.()],
  [2, it => it.relay()],
  [0.4, ({ wire }) => wire.disconnect()],
  // A `set` is in flight.
  [2, ({ wire }) => wire.commands.some(({ command }) => command.name === 'put') && wire.disconnect()],
  [2, ({ wire }) => wire.connect()],
  [0.05, it => it.restart()]
]
const TOTAL = ACTIONS.reduce((sum, [weight]) => sum + weight, 0)

/** One id of the source, and its writer. */
class Source {
  version = 0
  isWriting = false
  /** @type {Change[]} */
  changes = []

  /**
   * @param {string} id
   * @param {number} writer process
   */
  constructor(id, writer) {
    this.id = id
    this.writer = writer
  }
}

class Schedule {
  /** @type {string[]} */
  violations = []
  #random
  #simulation
  /** @type {Source[]} */
  #sources = []
  /** Loads in flight. @type {(() => void)[]} */
  #loads = []
  #step = 0
  /** Number of calls in flight. */
  #open = 0
  #count = 0

  /**
   * @param {number} seed
   * @param {Mutation} [mutation]
   * @param {number} [processes]
   */
  constructor(seed, mutation, processes = 3) {
    this.#random = randomOf(seed)
    this.#simulation = new Simulation(this.#random, {
      processes,
      settings: SETTINGS,
      options: { ...OPTIONS, load: (/** @type {string} */ id) => this.#load(id) },
      ...(mutation === undefined ? {} : { mutation })
    })
  }

  /**
   * Runs schedules, each with its own ids.
   * @param {number} count
   * @param {number} steps of each
   */
  async run(count, steps) {
    const { time, caches, wires } = this.#simulation
    await this.#simulation.settle()
    for (let schedule = 0; schedule < count && this.violations.length === 0; schedule++) {
      this.#sources = [0, 1].map(() => new Source(`id ${++this.#count}`, this.#pick(caches.length)))
      for (let step = 0; step < steps; step++) {
        this.#step++
        await this.#act()
      }
      for (let left = 40; left > 0 && (this.#open > 0 || left > 38); left--) {
        for (const wire of wires) for (const execute of wire.late.splice(0)) execute()
        for (const relay of this.#simulation.relayed.splice(0)) relay()
        await this.#simulation.settle()
        for (const end of this.#loads.splice(0)) end()
        await time.advance(300)
      }
      if (this.#open > 0) this.violations.push(`${this.#open} calls hang`)
    }
    this.#simulation.close()
    return this.violations
  }

  /** @param {number} count */
  #pick(count) {
    return Math.floor(this.#random() * count)
  }

  async #act() {
    const { time, wires } = this.#simulation
    const wire = wires[this.#pick(wires.length)]
    const choice = this.#random() * TOTAL
    let sum = 0
    const [, act] = /** @type {[number, (schedule: Actions) => unknown]} */ (
      ACTIONS.find(([weight]) => {
        sum += weight
        return choice < sum
      })
    )
    await act({
      wire,
      pick: count => this.#pick(count),
      get: () => void this.#get(),
      change: () => void this.#change(),
      load: () => this.#loads.splice(this.#pick(this.#loads.length), 1)[0]?.(),
      advance: most => time.advance(this.#random() * most),
      relay: () => this.#simulation.relayed.shift()?.(),
      restart: () => this.#simulation.restart()
    })
    await turn()
  }

  /** @param {string} id */
  #load(id) {
    const { version } = /** @type {Source} */ (this.#sources.find(source => source.id === id) ?? new Source(id, 0))
    return new Promise(resolve => this.#loads.push(() => resolve(version)))
  }

  async #get() {
    const { caches, time } = this.#simulation
    const source = this.#sources[this.#pick(this.#sources.length)]
    const process = this.#pick(caches.length)
    const isExact = this.#random() < 0.3
    const began = { at: time.time, step: this.#step }
    const changes = [...source.changes]
    this.#open++
    try {
      const value = await caches[process].get(source.id, isExact ? { maxStale: 0 } : {})
      const missed = changes.find(change => change.version > value && isSeen(change, process, isExact, began))
      if (missed === undefined) return
      const { version, at, process: writer } = missed
      this.violations.push(
        `process ${process} returned version ${value} of ${source.id} at ${began.at} (step ${began.step}${isExact ? ', exact' : ''}), version ${version} was acknowledged by process ${writer} at ${at} (step ${missed.step})`
      )
    } catch (error) {
      const { code, message } = /** @type {any} */ (error)
      if (code !== 'ERR_OFFLOOP_TIER') this.violations.push(`get failed: ${message}`)
    } finally {
      this.#open--
    }
  }

  async #change() {
    const { caches, time } = this.#simulation
    const source = this.#sources[this.#pick(this.#sources.length)]
    if (source.isWriting) return
    const { id, writer } = source
    source.isWriting = true
    this.#open++
    const version = ++source.version
    const sets = this.#random() < 0.5
    try {
      await (sets ? caches[writer].set(id, version) : caches[writer].delete(id))
      source.changes.push({ version, at: time.time, step: this.#step, process: writer })
    } catch {
      // Only acknowledged changes count.
    } finally {
      source.isWriting = false
      this.#open--
    }
  }
}

/**
 * Returns whether a call must see a change.
 * @param {Change} change
 * @param {number} process of the call
 * @param {boolean} isExact
 * @param {{ at: number, step: number }} began
 */
function isSeen(change, process, isExact, began) {
  if (process === change.process || isExact) return change.step <= began.step
  return change.at + MAX_STALE < began.at
}

/**
 * Returns the violations of the guarantee in random schedules.
 * @param {number} seed
 * @param {{ count: number, steps?: number, mutation?: Mutation }} options
 */
function violationsOf(seed, { count, steps = 300, mutation }) {
  return new Schedule(seed, mutation).run(count, steps)
}

module.exports = { violationsOf }

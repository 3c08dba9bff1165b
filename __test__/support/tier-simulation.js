'use strict'

// Simulates processes that share a tier, in virtual time: each command, reply and message is delayed until the schedule releases
// it. Commands of a lost connection may be executed later.

const { setImmediate: turn } = require('node:timers/promises')
const { clock } = require('../../lib/cache/clock')
const { commandsOver } = require('../../lib/tier/commands')
const { Hub } = require('../../lib/tier/hub')
const { Tier } = require('../../lib/tier/tier')
const { TieredCache } = require('../../lib/tier/tiered-cache')
const { timing } = require('../../lib/tier/timing')

/** Returns a generator of random numbers (Vigna's SplitMix, in 32 bits). @param {number} seed */
function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

/** A clock whose timers run when it is advanced. */
class VirtualTime {
  time = 1_000_000
  /** @type {Set<{ at: number, callback(): void }>} */
  #timers = new Set()

  setTimeout = (/** @type {() => void} */ callback, /** @type {number} */ delay) => {
    const timer = { at: this.time + Math.max(0, delay), callback }
    this.#timers.add(timer)
    return Object.assign(timer, { unref: () => timer, close: () => this.#timers.delete(timer) })
  }

  setImmediate = (/** @type {() => void} */ callback) => callback()

  /** Advances the time and runs timers. @param {number} millis */
  async advance(millis) {
    const end = this.time + millis
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.time = Math.max(this.time, due.at)
      due.callback()
      await turn()
    }
    this.time = end
  }

  clear() {
    this.#timers.clear()
  }
}

/** The connection of a process, with delayed traffic. */
class Wire {
  /** @type {{ command: any, resolve(reply: any): void, reject(error: Error): void }[]} */
  commands = []
  /** @type {(() => void)[]} */
  replies = []
  /** @type {(() => void)[]} */
  messages = []
  /** Pending commands of lost connections. @type {(() => void)[]} */
  late = []
  isConnected = true
  /** Traffic that `flow` does not release. @type {'none' | 'all' | 'messages'} */
  #stalled = 'none'
  /** @type {import('../../lib/tier/engine').EngineListener | undefined} */
  #listener
  /** @type {any} */
  #connection
  #simulation

  /** @param {Simulation} simulation */
  constructor(simulation) {
    this.#simulation = simulation
    this.#connect()
  }

  #connect() {
    const connection = {
      onEvent: (/** @type {any} */ event) => {
        if (this.#connection === connection) this.#simulation.route(this, event)
      },
      onEcho: (/** @type {number} */ beat) => {
        if (this.#connection === connection) this.#simulation.echo(this, () => this.#listener?.onEcho(beat))
      }
    }
    this.#connection = connection
  }

  /** @param {any} event */
  deliver({ cache, key, message }) {
    this.messages.push(() => this.#listener?.onMessage(cache, key, message))
  }

  engine() {
    return {
      ...commandsOver(command => this.#send(command)),
      open: (/** @type {any} */ listener) => {
        this.#listener = listener
        listener.onConnected()
      },
      hold() {},
      async close() {}
    }
  }

  /** @param {any} command */
  #send(command) {
    return new Promise((resolve, reject) => {
      if (this.isConnected) this.commands.push({ command: structuredClone(command), resolve, reject })
      else reject(new Error('not connected'))
    })
  }

  /** Executes the oldest command. */
  execute() {
    const sent = this.commands.shift()
    if (sent === undefined) return
    const reply = this.#simulation.hub.execute(this.#connection, sent.command)
    this.replies.push(() => sent.resolve(structuredClone(reply)))
  }

  /** Stalls some of the traffic, or none. @param {number} index */
  stall(index) {
    this.#stalled = /** @type {const} */ (['none', 'none', 'all', 'messages'])[index]
  }

  /** Releases the traffic that is not stalled. */
  flow() {
    if (this.#stalled === 'all') return
    while (this.commands.length > 0) this.execute()
    const messages = this.#stalled === 'messages' ? [] : this.messages.splice(0)
    for (const deliver of [...messages, ...this.replies.splice(0)]) deliver()
  }

  disconnect() {
    if (!this.isConnected) return
    this.isConnected = false
    const connection = this.#connection
    const { hub } = this.#simulation
    hub.disconnect(connection)
    for (const { command, reject } of this.commands) {
      if (command.name !== 'subscribe')
        this.late.push(() => hub === this.#simulation.hub && hub.execute(connection, command))
      reject(new Error('lost'))
    }
    this.commands = []
    this.replies = []
    this.messages = []
    this.#connect()
    this.#listener?.onDisconnected(new Error('lost'))
  }

  connect() {
    if (this.isConnected) return
    this.isConnected = true
    this.#listener?.onConnected()
  }
}

/**
 * A fault of the implementation, which the checker must find.
 * @typedef {object} Mutation
 * @property {(rules: typeof import('../../lib/tier/rules')) => void} [rules] changes the rules; they are restored
 * @property {(simulation: Simulation) => void} [simulation]
 * @property {(member: import('../../lib/tier/link').Member) => void} [member]
 * @property {(link: import('../../lib/tier/link').Link) => void} [link]
 */

let count = 0

class Simulation {
  time = new VirtualTime()
  wires
  caches
  /** Offset of the clock of the tier. */
  #skew
  /** Whether clients send the messages of deletes. */
  relays = false
  /** Messages that a client still has to send. @type {(() => void)[]} */
  relayed = []
  /** Whether replies carry echoes. */
  echoesWithReplies = false
  #restore

  /**
   * @param {() => number} random
   * @param {{ processes: number, settings: Partial<import('../../lib/tier/tier').TierSettings>, options: any, mutation?: Mutation }} setup
   */
  constructor(random, { processes, settings, options, mutation = {} }) {
    const { time } = this
    const rules = require('../../lib/tier/rules')
    const originals = { ...rules }
    const { Link } = require('../../lib/tier/link')
    const { enter } = Link.prototype
    const before = { ...timing, clock: clock.now }
    Object.assign(timing, {
      now: () => time.time,
      setTimeout: time.setTimeout,
      setImmediate: time.setImmediate,
      random
    })
    timing.clearTimeout = timer => timer?.close()
    clock.now = () => time.time
    this.#skew = random() * 1e6
    this.hub = this.#newHub()
    mutation.rules?.(rules)
    Link.prototype.enter = function (/** @type {import('../../lib/tier/link').Member} */ member) {
      mutation.member?.(member)
      mutation.link?.(this)
      return enter.call(this, member)
    }
    this.#restore = () => {
      const { clock: now, ...rest } = before
      Object.assign(timing, rest)
      clock.now = now
      Object.assign(rules, originals)
      Link.prototype.enter = enter
    }
    this.wires = Array.from({ length: processes }, () => new Wire(this))
    const common = {
      maxStale: 1000,
      timeout: 250,
      leaseTtl: 3000,
      maxValueBytes: 1 << 20,
      whenDown: 'local',
      compressor: undefined,
      onError() {}
    }
    this.caches = this.wires.map(wire => {
      const tier = new Tier(
        () => /** @type {any} */ (wire.engine()),
        /** @type {any} */ ({ ...common, ...settings, space: `simulation ${++count}` })
      )
      return new TieredCache({ name: 'simulated', max: 1000, ttl: 20_000, tier: /** @type {any} */ (tier), ...options })
    })
    mutation.simulation?.(this)
  }

  #newHub() {
    return new Hub(1 << 24, () => this.time.time + this.#skew)
  }

  /** Drops all records and connections. */
  restart() {
    for (const wire of this.wires) wire.disconnect()
    this.hub = this.#newHub()
    for (const wire of this.wires) wire.late = []
  }

  /**
   * @param {Wire} wire
   * @param {any} event
   */
  route(wire, event) {
    if (this.relays && event.message.kind === 'dropped') this.relayed.push(() => wire.deliver(event))
    else wire.deliver(event)
  }

  /**
   * @param {Wire} wire
   * @param {() => void} deliver
   */
  echo(wire, deliver) {
    if (this.echoesWithReplies) wire.replies.push(deliver)
    else wire.messages.push(deliver)
  }

  /** Releases all traffic until it ends. */
  async settle() {
    for (const wire of this.wires) {
      wire.connect()
      wire.stall(0)
    }
    for (let idle = 0; idle < 3; ) {
      await turn()
      const before = this.wires.some(
        ({ commands, replies, messages }) => commands.length + replies.length + messages.length > 0
      )
      for (const wire of this.wires) wire.flow()
      idle = before ? 0 : idle + 1
    }
  }

  close() {
    for (const cache of this.caches) cache.close()
    this.time.clear()
    this.#restore()
  }
}

module.exports = { Simulation, Wire, randomOf, turn }

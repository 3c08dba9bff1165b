'use strict'

// Executes the commands of the processes that share a tier, and sends the messages that the commands cause.

const rules = require('./rules')
const { Space } = require('./space')

/**
 * @typedef {import('./space').Event} Event
 * @typedef {import('./engine').Command} Command
 *
 * The connection of a process.
 * @typedef {object} Connection
 * @property {(event: Event) => void} onEvent
 * @property {(beat: number) => void} onEcho
 */

/** @type {Record<Command['name'], (hub: Hub, connection: Connection, cache: string, key: string, argument: any) => unknown>} */
const COMMANDS = {
  take: (hub, _connection, cache, key, request) => hub.apply(rules.take, cache, key, request),
  store: (hub, _connection, cache, key, request) => hub.apply(rules.store, cache, key, request),
  finish: (hub, _connection, cache, key, request) => hub.apply(rules.finish, cache, key, request),
  renew: (hub, _connection, cache, key, request) => hub.apply(rules.renew, cache, key, request),
  put: (hub, _connection, cache, key, request) => hub.apply(rules.put, cache, key, request),
  dropVersion: (hub, _connection, cache, key, request) => hub.apply(rules.dropVersion, cache, key, request),
  drop: (hub, _connection, cache, _key, keys) => {
    let had = false
    for (const key of keys) had = hub.apply(rules.drop, cache, key, undefined) || had
    return had
  },
  clear: (hub, _connection, cache) => hub.clear(cache),
  agree: (hub, _connection, cache, _key, settings) => hub.agree(cache, settings),
  beat: (hub, connection, _cache, _key, beat) => hub.beat(connection, beat),
  subscribe: (hub, connection, cache) => hub.subscribe(connection, cache),
  unsubscribe: (hub, connection, cache) => hub.unsubscribe(connection, cache)
}

class Hub {
  #space
  #now
  /** @type {Map<string, Set<Connection>>} */
  #subscribers = new Map()

  /**
   * @param {number} maxBytes of all records together
   * @param {() => number} now returns monotonic milliseconds
   */
  constructor(maxBytes, now) {
    this.#space = new Space(maxBytes)
    this.#now = now
  }

  /** Memory of all records, in bytes; an estimate. */
  get bytes() {
    return this.#space.bytes
  }

  /**
   * Executes a command: sends its messages, then returns its reply.
   * @param {Connection} connection
   * @param {Command} command
   */
  execute(connection, { name, cache, key, argument }) {
    return COMMANDS[name](this, connection, cache, key, argument)
  }

  /** Forgets a connection. @param {Connection} connection */
  disconnect(connection) {
    for (const cache of this.#subscribers.keys()) this.unsubscribe(connection, cache)
  }

  /**
   * @template Request
   * @template Reply
   * @param {import('./space').Rule<Request, Reply>} rule
   * @param {string} cache
   * @param {string} key
   * @param {Request} request
   */
  apply(rule, cache, key, request) {
    const { reply, event } = this.#space.apply(rule, cache, key, request, this.#now())
    if (event !== undefined) this.#publish(event)
    return reply
  }

  /** @param {string} cache */
  clear(cache) {
    this.#publish(this.#space.clear(cache))
  }

  /** @type {(cache: string, settings: string) => string} */
  agree(cache, settings) {
    return this.#space.agree(cache, settings)
  }

  /** @type {(connection: Connection, beat: number) => number} */
  beat(connection, beat) {
    connection.onEcho(beat)
    return this.#now()
  }

  /** @type {(connection: Connection, cache: string) => void} */
  subscribe(connection, cache) {
    const subscribers = this.#subscribers.get(cache) ?? new Set()
    this.#subscribers.set(cache, subscribers.add(connection))
  }

  /** @type {(connection: Connection, cache: string) => void} */
  unsubscribe(connection, cache) {
    const subscribers = this.#subscribers.get(cache)
    subscribers?.delete(connection)
    if (subscribers?.size === 0) this.#subscribers.delete(cache)
  }

  /** @param {Event} event */
  #publish(event) {
    for (const connection of this.#subscribers.get(event.cache) ?? []) connection.onEvent(event)
  }
}

module.exports = { Hub }

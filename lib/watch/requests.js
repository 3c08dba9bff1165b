'use strict'

// The HTTP requests of this thread that are in flight, for the request that a block belongs to. A request costs its beginning one
// channel; everything else is read from its connection, when a stack is captured.

const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { attachment } = require('../internal/attachment')

/**
 * @typedef {import('node:net').Socket} Socket
 * @typedef {import('node:http2').ServerHttp2Stream} Http2Stream
 * @typedef {import('node:http2').IncomingHttpHeaders} Headers
 * @typedef {import('../../watch').Frame} Frame
 * @typedef {import('../../watch').BlockRequest} BlockRequest
 *
 * A stream of HTTP/2 with its position in the list of open streams.
 * @typedef {{ stream: Http2Stream, headers: Headers, index: number }} Stream
 *
 * An `IncomingMessage` or a stream of HTTP/2, with properties of frameworks.
 * @typedef {Record<PropertyKey, any>} Target
 *
 * A list of requests.
 * @typedef {{ target: Target, headers: Headers | undefined, isEnded: boolean, next: InFlight | undefined }} InFlight
 *
 * The requests when a stack was captured: the count of those that had begun, the one whose server function may be running, and those
 * in flight whose client was connected.
 * @typedef {{ begun: number, current: Target | undefined, inFlight: InFlight | undefined }} Moment
 */

const { getOwnPropertyDescriptor } = Object
const { apply } = Reflect
const { deref } = WeakRef.prototype

/** Connections that are always remembered. Beyond, those that have ended are forgotten whenever their number has doubled. */
const CONNECTIONS = 64
/** Owner of the list that a connection is in. @type {ReturnType<typeof attachment<object>>} */
const owners = attachment()
/** Entry of a stream of HTTP/2. @type {ReturnType<typeof attachment<Stream>>} */
const entries = attachment()
/** Fastify's route of a request. @type {ReturnType<typeof attachment<string>>} */
const routes = attachment()
/** Function of Node.js in which a server begins a request. */
const BEGINS = 'parserOnIncoming'
/** Files of Node.js that call timers and immediates, and continuations. */
const TIMERS = 'node:internal/timers'
const CONTINUATIONS = 'node:internal/process/task_queues'

/** Parts of a path that are ids. */
const IDS = [
  /^\d+$/,
  // Addresses of mail, and other characters than those of words.
  /[@%]/,
  // JSON Web Tokens.
  /^eyJ[\w-]+\./,
  // UUIDs, and hashes.
  /^[0-9a-f]{8}-[0-9a-f-]{27,}$/i,
  /^[0-9a-f]{16,}$/i,
  // Long, with a digit, or with digits among letters.
  /^(?=.*\d)[\w-]{20,}$/,
  /(?=[a-z]*\d+[a-z])[a-z\d]{12,}/i,
  // Long, with more capitals than a name of several words.
  /^(?=.*(?:[a-z]{1,3}[A-Z]+){4})[A-Za-z_-]{20,}$/
]

/** The requests of this thread. */
class Requests {
  /** Count of the requests that have begun. Native code reads it at the beginning of an event-loop iteration. */
  begun = new Float64Array(1)
  /** Connection of the last request that began. @type {Socket | undefined} */
  #latest
  /** Marks the connections of `#connections`. */
  #owner = {}
  /** Connections that have had a request. @type {WeakRef<Socket>[]} */
  #connections = []
  #limit = CONNECTIONS
  /** Open streams of HTTP/2. @type {Stream[]} */
  #streams = []

  /** @type {[string, (message: any) => void][]} */
  #subscriptions = [
    ['http.server.request.start', ({ socket }) => this.#begin(socket)],
    // Node.js 22 and later.
    ['http2.server.stream.start', ({ stream, headers }) => this.#open(stream, headers)],
    ['http2.server.stream.close', ({ stream }) => this.#close(stream)],
    [
      'tracing:fastify.request.handler:start',
      ({ request, route }) => {
        const raw = request?.raw
        if (raw !== undefined && typeof route?.url === 'string') routes.set(Object(raw.stream ?? raw), route.url)
      }
    ]
  ]

  start() {
    for (const [name, listener] of this.#subscriptions) subscribe(name, listener)
  }

  stop() {
    for (const [name, listener] of this.#subscriptions) unsubscribe(name, listener)
    this.#latest = undefined
    this.#owner = {}
    this.#connections = []
    this.#streams = []
  }

  /**
   * Returns the requests of this moment. Called in an interrupt: it must not run code of the program, which may have replaced any
   * method and may have defined accessors.
   * @returns {Moment}
   */
  inFlight() {
    const latest = this.#latest
    const parser = own(latest, 'parser')
    const current = own(parser, 'incoming') ?? own(own(latest, '_httpMessage'), 'req')
    /** @type {InFlight | undefined} */
    let inFlight
    const connections = this.#connections
    for (let index = 0; index < connections.length; index++) {
      const response = own(apply(deref, connections[index], []), '_httpMessage')
      const target = own(response, 'destroyed') === true ? undefined : own(response, 'req')
      // `end` sets it immediately; the response leaves its connection later.
      const isEnded = own(response, 'finished') === true
      if (target !== undefined) inFlight = { target, headers: undefined, isEnded, next: inFlight }
    }
    const streams = this.#streams
    for (let index = 0; index < streams.length; index++) {
      const { stream, headers } = streams[index]
      inFlight = { target: stream, headers, isEnded: false, next: inFlight }
    }
    return { begun: this.begun[0], current, inFlight }
  }

  /**
   * Returns the request that a block belongs to, and the number of requests that waited for its end: those that began after its
   * first stack. Earlier requests are not counted: they may have been idle.
   * @param {readonly Frame[]} frames of the first stack of the block
   * @param {Moment} moment of that stack
   * @returns {{ request?: BlockRequest, waited: number }}
   */
  during(frames, moment) {
    const request = ownerOf(frames, moment)
    const waited = this.begun[0] - moment.begun
    return request === undefined ? { waited } : { request, waited }
  }

  /** @param {Socket} socket */
  #begin(socket) {
    this.begun[0]++
    this.#latest = socket
    if (owners.get(socket) !== this.#owner) this.#connect(socket)
  }

  /** @param {Socket} socket */
  #connect(socket) {
    owners.set(socket, this.#owner)
    this.#connections.push(new WeakRef(socket))
    if (this.#connections.length < this.#limit) return
    this.#connections = this.#connections.filter(reference => reference.deref()?.destroyed === false)
    this.#limit = Math.max(CONNECTIONS, this.#connections.length * 2)
  }

  /**
   * @param {Http2Stream} stream
   * @param {Headers} headers
   */
  #open(stream, headers) {
    this.begun[0]++
    const entry = { stream, headers, index: this.#streams.length }
    entries.set(stream, entry)
    this.#streams.push(entry)
  }

  /** @param {Http2Stream} stream */
  #close(stream) {
    const entry = entries.get(stream)
    // It may have begun before the watch.
    if (entry === undefined || this.#streams[entry.index] !== entry) return
    const last = /** @type {Stream} */ (this.#streams.pop())
    if (last === entry) return
    last.index = entry.index
    this.#streams[last.index] = last
  }
}

/**
 * Returns the value of an object's own property, unless it is an accessor.
 * @param {any} object
 * @param {PropertyKey} name
 */
function own(object, name) {
  return object === undefined || object === null ? undefined : getOwnPropertyDescriptor(object, name)?.value
}

/**
 * @param {readonly Frame[]} frames
 * @param {Moment} moment
 * @returns {BlockRequest | undefined}
 */
function ownerOf(frames, { current, inFlight }) {
  if (frames.some(({ name, file }) => name === BEGINS && file.startsWith('node:'))) {
    return current && { ...describe(current), certainty: 'exact' }
  }
  if (inFlight === undefined || !mayContinue(frames)) return undefined
  const { method, route } = describe(inFlight.target, inFlight.headers)
  for (let other = inFlight.next; other !== undefined; other = other.next) {
    const described = describe(other.target, other.headers)
    if (described.method !== method || described.route !== route) return undefined
  }
  return { method, route, certainty: 'likely' }
}

/**
 * Returns whether a stack may belong to a request after an `await`: not if it begins in a timer without a continuation.
 * @param {readonly Frame[]} frames
 */
function mayContinue(frames) {
  const outermost = frames.at(-1)?.file
  return outermost !== undefined && (outermost !== TIMERS || frames.some(({ file }) => file === CONTINUATIONS))
}

/**
 * Returns the method of a request, and the route of its framework, or else its path without ids.
 * @param {Target} target
 * @param {Headers} [headers] of a stream of HTTP/2
 */
function describe(target, headers) {
  const method = textOf(target.method ?? headers?.[':method'])
  const route = typeof target.route?.path === 'string' ? target.route.path : routes.get(target)
  if (route !== undefined) return { method, route: withoutIds(textOf(target.baseUrl)) + route }
  return { method, route: withoutIds(textOf(target.originalUrl ?? target.url ?? headers?.[':path'])) }
}

/**
 * Returns a property of a request as text: the program can set the property to any value, such as a `URL`.
 * @param {unknown} value
 */
function textOf(value) {
  if (typeof value === 'string') return value
  return value instanceof URL ? value.pathname : ''
}

/** Replaces ids in a path, and drops the query. @param {string} url */
function withoutIds(url) {
  const path = url.split(/[?#]/, 1)[0]
  return path
    .split('/')
    .map(part => (IDS.some(id => id.test(part)) ? ':id' : part))
    .join('/')
}

module.exports = { Requests, describe, withoutIds }

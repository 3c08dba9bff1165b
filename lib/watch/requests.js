'use strict'

// The HTTP requests of this thread that are in flight, for the request that a block belongs to.

const { subscribe, unsubscribe } = require('node:diagnostics_channel')

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 * @typedef {import('node:http2').ServerHttp2Stream} ServerHttp2Stream
 * @typedef {import('node:http2').IncomingHttpHeaders} Headers
 * @typedef {import('../../watch').Frame} Frame
 * @typedef {import('../../watch').BlockRequest} BlockRequest
 *
 * @typedef {{ closed: boolean, destroyed: boolean, [key: symbol]: Entry | undefined }} Response
 *
 * Names and times of a request, kept after its end in place of it: its body may be large.
 * @typedef {object} Outline
 * @property {boolean} isStream
 * @property {boolean} isGone whether its client has left, at an unknown time
 * @property {string} method
 * @property {string} path
 * @property {string | undefined} route of a framework
 * @property {string} base path of a router of Express
 * @property {number} began
 * @property {number} ended
 *
 * Times of a block in events. `sampled` is that of its first stack.
 * @typedef {{ began: number, sampled: number }} Times
 */

/** Requests whose client has gone are looked for when as many have begun as are in flight, and at least this many. */
const SWEEP = 8
/** Requests that are remembered after their end: a response may finish before its block is reported. */
const MAX_ENDED = 64
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

/** A request of HTTP/1, or a stream of HTTP/2, in flight: a node of a list. */
class Entry {
  /** @type {Entry | undefined} */
  next = undefined

  /**
   * @param {IncomingMessage | ServerHttp2Stream} target
   * @param {Response} response
   * @param {Headers | undefined} headers of a stream
   * @param {number} began
   * @param {Entry | undefined} previous
   */
  constructor(target, response, headers, began, previous) {
    this.target = target
    this.response = response
    this.headers = headers
    this.began = began
    this.previous = previous
  }
}

class Requests {
  /**
   * Counts the beginnings and ends of requests: a clock that costs less than the time. Native code reads the count at the beginning
   * of an event-loop iteration and for each stack.
   */
  events = new Float64Array(1)
  /** Key of the entries in their responses: a Map takes three times as long. */
  #key = Symbol('offloop.request')
  /** The newest request in flight. @type {Entry | undefined} */
  #newest
  #inFlight = 0
  /** The last requests that have ended, in a ring. @type {Outline[]} */
  #ended = []
  #endings = 0
  /** Routes of Fastify. @type {WeakMap<object, string>} */
  #routes = new WeakMap()
  #untilSweep = SWEEP

  /** @type {[string, (message: any) => void][]} */
  #subscriptions = [
    ['http.server.request.start', ({ request, response }) => this.#begin(request, response)],
    ['http.server.response.finish', ({ response }) => this.#end(response)],
    // Node.js 22 and later.
    ['http2.server.stream.start', ({ stream, headers }) => this.#begin(stream, stream, headers)],
    ['http2.server.stream.close', ({ stream }) => this.#end(stream)],
    [
      'tracing:fastify.request.handler:start',
      ({ request, route }) => {
        const raw = request?.raw
        if (raw !== undefined && typeof route?.url === 'string') this.#routes.set(raw.stream ?? raw, route.url)
      }
    ]
  ]

  start() {
    for (const [name, listener] of this.#subscriptions) subscribe(name, listener)
  }

  stop() {
    for (const [name, listener] of this.#subscriptions) unsubscribe(name, listener)
    for (const { response } of this.#entries()) response[this.#key] = undefined
    this.#newest = undefined
    this.#inFlight = 0
    this.#ended.length = 0
    this.#endings = 0
  }

  /**
   * Returns the request that a block belongs to, and the number of requests that waited for its end: those that began after its
   * first stack, for the loop held them up. Older ones may have waited too, or had nothing to do.
   * @param {readonly Frame[]} frames of the first stack of the block
   * @param {Times} times
   * @returns {{ request?: BlockRequest, waited: number }}
   */
  during(frames, { began, sampled }) {
    const inFlight = this.#entries().map(entry => this.#outline(entry, Infinity))
    const requests = [...this.#ended, ...inFlight].filter(({ ended }) => ended > began)
    const request = ownerOf(
      frames,
      requests.filter(request => request.began <= sampled)
    )
    const waited = requests.filter(request => request.began > sampled && !request.isGone).length
    this.#sweep()
    return request === undefined ? { waited } : { request, waited }
  }

  /** Returns the requests in flight. */
  #entries() {
    const entries = []
    for (let entry = this.#newest; entry !== undefined; entry = entry.previous) entries.push(entry)
    return entries
  }

  /**
   * @param {Entry} entry
   * @param {number} ended
   * @returns {Outline}
   */
  #outline({ target, response, headers, began }, ended) {
    const { method, originalUrl, url, route, baseUrl } = /** @type {any} */ (target)
    const isExpress = typeof route?.path === 'string'
    return {
      isStream: headers !== undefined,
      isGone: ended === Infinity && isGone(response),
      method: method ?? headers?.[':method'] ?? '',
      path: originalUrl ?? url ?? headers?.[':path'] ?? '',
      route: isExpress ? route.path : this.#routes.get(target),
      base: isExpress ? (baseUrl ?? '') : '',
      began,
      ended
    }
  }

  /**
   * @param {Entry['target']} target
   * @param {Response} response
   * @param {Headers} [headers]
   */
  #begin(target, response, headers) {
    const entry = new Entry(target, response, headers, ++this.events[0], this.#newest)
    if (this.#newest !== undefined) this.#newest.next = entry
    this.#newest = entry
    this.#inFlight++
    response[this.#key] = entry
    if (--this.#untilSweep === 0) this.#sweep()
  }

  /** @param {Response} response */
  #end(response) {
    const entry = this.#remove(response)
    if (entry !== undefined) this.#ended[this.#endings++ % MAX_ENDED] = this.#outline(entry, ++this.events[0])
  }

  /** @param {Response} response */
  #remove(response) {
    const entry = response[this.#key]
    if (entry === undefined) return undefined
    response[this.#key] = undefined
    this.#inFlight--
    if (entry.previous !== undefined) entry.previous.next = entry.next
    if (entry.next !== undefined) entry.next.previous = entry.previous
    else this.#newest = entry.previous
    return entry
  }

  /** Drops requests whose client has gone: they do not finish. */
  #sweep() {
    for (const { response } of this.#entries()) {
      if (isGone(response)) this.#remove(response)
    }
    this.#untilSweep = Math.max(SWEEP, this.#inFlight)
  }
}

/**
 * @param {readonly Frame[]} frames
 * @param {readonly Outline[]} requests that began before the stack was captured
 * @returns {BlockRequest | undefined}
 */
function ownerOf(frames, requests) {
  if (frames.some(({ name, file }) => name === BEGINS && file.startsWith('node:'))) {
    const candidates = requests.filter(({ isStream }) => !isStream)
    if (candidates.length === 0) return undefined
    const latest = candidates.reduce((one, other) => (other.began >= one.began ? other : one))
    return { ...describe(latest), certainty: 'exact' }
  }
  const present = requests.filter(({ isGone }) => !isGone)
  if (present.length === 0 || !mayContinue(frames)) return undefined
  const [first, ...others] = present.map(describe)
  const isOnly = others.every(({ method, route }) => method === first.method && route === first.route)
  return isOnly ? { ...first, certainty: 'likely' } : undefined
}

/** @param {Response} response */
function isGone({ closed, destroyed }) {
  return closed || destroyed
}

/**
 * Returns whether a stack may be that of a request after an `await`, by its outermost frame: not if a timer called it.
 * @param {readonly Frame[]} frames
 */
function mayContinue(frames) {
  const outermost = frames.at(-1)?.file
  return outermost !== undefined && (outermost !== TIMERS || frames.some(({ file }) => file === CONTINUATIONS))
}

/** @param {Outline} request */
function describe({ method, path, route, base }) {
  return { method, route: route === undefined ? withoutIds(path) : withoutIds(base) + route }
}

/** Replaces ids in a path, and drops the query. @param {string} url */
function withoutIds(url) {
  const path = url.split(/[?#]/, 1)[0]
  return path
    .split('/')
    .map(part => (IDS.some(id => id.test(part)) ? ':id' : part))
    .join('/')
}

module.exports = { Requests, withoutIds }

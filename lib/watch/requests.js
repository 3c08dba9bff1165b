'use strict'

// The HTTP requests of this thread that are in flight, for the request that a block belongs to.

const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { now } = require('../internal/clock')

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 * @typedef {import('node:http2').ServerHttp2Stream} ServerHttp2Stream
 * @typedef {import('node:http2').IncomingHttpHeaders} Headers
 * @typedef {import('../../watch').Frame} Frame
 * @typedef {import('../../watch').BlockRequest} BlockRequest
 *
 * A request of HTTP/1, or a stream of HTTP/2, in flight.
 * @typedef {object} Entry
 * @property {IncomingMessage | ServerHttp2Stream} target
 * @property {Headers | undefined} headers of a stream
 * @property {{ closed: boolean, destroyed: boolean }} response
 * @property {number} began in milliseconds of the clock
 *
 * Names and times of a request, kept after its end in place of it: its body may be large.
 * @typedef {object} Outline
 * @property {boolean} isStream
 * @property {string} method
 * @property {string} path
 * @property {string | undefined} route of a framework
 * @property {string} base path of a router of Express
 * @property {number} began
 * @property {number} ended
 *
 * Times of a block in milliseconds of the clock. `sampled` is that of its first stack.
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

class Requests {
  /** @type {Map<Entry['target'], Entry>} */
  #inFlight = new Map()
  /** The last requests that have ended, oldest first. @type {Outline[]} */
  #ended = []
  /** Routes of Fastify. @type {WeakMap<object, string>} */
  #routes = new WeakMap()
  #untilSweep = SWEEP
  #users = 0

  /** @type {[string, (message: any) => void][]} */
  #subscriptions = [
    ['http.server.request.start', ({ request, response }) => this.#begin(request, response)],
    ['http.server.response.finish', ({ request }) => this.#end(request)],
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

  /** Starts to follow requests, unless that has been done: each call needs a call of `stop`. */
  start() {
    if (this.#users++ > 0) return
    for (const [name, listener] of this.#subscriptions) subscribe(name, listener)
  }

  stop() {
    if (--this.#users > 0) return
    for (const [name, listener] of this.#subscriptions) unsubscribe(name, listener)
    this.#inFlight.clear()
    this.#ended.length = 0
  }

  /**
   * Returns the request that a block belongs to, and the number of requests that waited for its end: those that began after its
   * first stack, for the loop held them up. Older ones may have waited too, or had nothing to do.
   * @param {readonly Frame[]} frames of the first stack of the block
   * @param {Times} times
   * @returns {{ request?: BlockRequest, waited: number }}
   */
  during(frames, { began, sampled }) {
    this.#sweep()
    const inFlight = [...this.#inFlight.values()].map(entry => this.#outline(entry, Infinity))
    const requests = [...this.#ended, ...inFlight].filter(({ ended }) => ended >= began)
    const older = requests.filter(request => request.began <= sampled)
    const request = ownerOf(frames, older)
    const waited = requests.length - older.length
    return request === undefined ? { waited } : { request, waited }
  }

  /**
   * @param {Entry} entry
   * @param {number} ended
   * @returns {Outline}
   */
  #outline({ target, headers, began }, ended) {
    const { method, originalUrl, url, route, baseUrl } = /** @type {any} */ (target)
    const isExpress = typeof route?.path === 'string'
    return {
      isStream: headers !== undefined,
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
   * @param {Entry['response']} response
   * @param {Headers} [headers]
   */
  #begin(target, response, headers) {
    this.#inFlight.set(target, { target, headers, response, began: now() })
    if (--this.#untilSweep === 0) this.#sweep()
  }

  /** @param {Entry['target']} target */
  #end(target) {
    const entry = this.#inFlight.get(target)
    if (entry === undefined) return
    this.#inFlight.delete(target)
    this.#ended.push(this.#outline(entry, now()))
    if (this.#ended.length > MAX_ENDED) this.#ended.splice(0, MAX_ENDED / 2)
  }

  /** Drops requests whose client has gone: they do not finish. */
  #sweep() {
    for (const { target, response } of this.#inFlight.values()) {
      if (response.closed || response.destroyed) this.#end(target)
    }
    this.#untilSweep = Math.max(SWEEP, this.#inFlight.size)
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
  if (requests.length === 0 || !mayContinue(frames)) return undefined
  const [first, ...others] = requests.map(describe)
  const isOnly = others.every(({ method, route }) => method === first.method && route === first.route)
  return isOnly ? { ...first, certainty: 'likely' } : undefined
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

/** The requests of this thread. */
const requests = new Requests()

module.exports = { Requests, requests, withoutIds }

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
 * A response of HTTP/1, or a stream of HTTP/2.
 * @typedef {{ closed: boolean, destroyed: boolean, req?: any, [BEGAN]?: number, [HEADERS]?: Headers } & Record<string, any>} Response
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
 * Times of a block in events. `sampled` is that of its first stack, `beginnings` the count of beginnings up to it.
 * @typedef {{ began: number, sampled: number, beginnings: number }} Times
 */

/** Events whose requests are remembered: as many may follow a block before it is described. */
const REMEMBERED = 2048
/** Events after which a request is dropped if its client has gone: its response does not finish. */
const LOOKS = /** @type {const} */ ([16, 128, 1024])
/** Key of the event at which the request of a response began. */
const BEGAN = Symbol('offloop.began')
/** Key of the headers of a stream of HTTP/2. */
const HEADERS = Symbol('offloop.headers')
/** Key of the route of Fastify that a request has. */
const ROUTE = Symbol('offloop.route')
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

/** The last requests of this thread. Their bookkeeping is a part of the cost of each request, so it hardly allocates. */
class Requests {
  /**
   * Counts the beginnings and ends of requests, and the beginnings alone: a clock that costs less than the time. Native code reads
   * the counts at the beginning of an event-loop iteration and for each stack, and copies the first to the third at a stack.
   */
  events = new Float64Array([0, 0, Number.NEGATIVE_INFINITY])
  #count = 0
  #beginnings = 0
  /** Responses in flight, by the event at which their request began, modulo `REMEMBERED`. @type {(Response | undefined)[]} */
  #inFlight = new Array(REMEMBERED).fill(undefined)
  /** Requests that have ended since the last stack, oldest first. @type {Outline[]} */
  #ended = []

  /** @type {[string, (message: any) => void][]} */
  #subscriptions = [
    ['http.server.request.start', ({ response }) => this.#begin(response)],
    ['http.server.response.finish', ({ response }) => this.#end(response)],
    // Node.js 22 and later.
    [
      'http2.server.stream.start',
      ({ stream, headers }) => {
        stream[HEADERS] = headers
        this.#begin(stream)
      }
    ],
    ['http2.server.stream.close', ({ stream }) => this.#end(stream)],
    [
      'tracing:fastify.request.handler:start',
      ({ request, route }) => {
        const raw = request?.raw
        if (raw !== undefined && typeof route?.url === 'string') Object(raw.stream ?? raw)[ROUTE] = route.url
      }
    ]
  ]

  start() {
    for (const [name, listener] of this.#subscriptions) subscribe(name, listener)
  }

  stop() {
    for (const [name, listener] of this.#subscriptions) unsubscribe(name, listener)
    this.#inFlight.fill(undefined)
    this.#ended.length = 0
  }

  /**
   * Returns the request that a block belongs to, and the number of requests that waited for its end: those that began after its
   * first stack. Earlier requests are not counted: they may have been idle.
   * @param {readonly Frame[]} frames of the first stack of the block
   * @param {Times} times
   * @returns {{ request?: BlockRequest, waited: number }}
   */
  during(frames, { began, sampled, beginnings }) {
    const responses = this.#inFlight.filter(response => response !== undefined)
    const inFlight = responses.map(response => this.#describe(response, outlineOfNothing(), Infinity))
    const requests = [...this.#ended, ...inFlight].filter(({ ended }) => ended > began)
    const request = ownerOf(
      frames,
      requests.filter(request => request.began <= sampled)
    )
    const waited = this.#beginnings - beginnings
    return request === undefined ? { waited } : { request, waited }
  }

  /**
   * Writes names and times of a request into an outline.
   * @param {Response} response
   * @param {Outline} outline
   * @param {number} ended
   */
  #describe(response, outline, ended) {
    const target = response.req ?? response
    const headers = response[HEADERS]
    outline.isStream = headers !== undefined
    outline.isGone = ended === Infinity && isGone(response)
    outline.method = target.method ?? headers?.[':method'] ?? ''
    outline.path = target.originalUrl ?? target.url ?? headers?.[':path'] ?? ''
    outline.route = typeof target.route?.path === 'string' ? target.route.path : target[ROUTE]
    outline.base = target.baseUrl ?? ''
    outline.began = response[BEGAN] ?? 0
    outline.ended = ended
    return outline
  }

  /** @param {Response} response */
  #begin(response) {
    const event = this.#next()
    this.events[1] = ++this.#beginnings
    response[BEGAN] = event
    this.#inFlight[event & (REMEMBERED - 1)] = response
  }

  /** @param {Response} response */
  #end(response) {
    const began = response[BEGAN]
    // It began before the watch.
    if (began === undefined) return
    const slot = began & (REMEMBERED - 1)
    if (this.#inFlight[slot] === response) this.#inFlight[slot] = undefined
    const event = this.#next()
    // Most iterations have no stack.
    if (event - this.events[2] > REMEMBERED) {
      this.#ended.length = 0
      return
    }
    if (this.#ended.length >= REMEMBERED) this.#ended.splice(0, REMEMBERED / 2)
    this.#ended.push(this.#describe(response, outlineOfNothing(), event))
  }

  #next() {
    this.#count++
    this.events[0] = this.#count
    for (const events of LOOKS) this.#dropIfGone((this.#count - events) & (REMEMBERED - 1))
    return this.#count
  }

  /** @param {number} slot */
  #dropIfGone(slot) {
    const response = this.#inFlight[slot]
    if (response !== undefined && isGone(response)) this.#inFlight[slot] = undefined
  }
}

/** @returns {Outline} */
function outlineOfNothing() {
  return { isStream: false, isGone: false, method: '', path: '', route: undefined, base: '', began: 0, ended: 0 }
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
 * Returns whether a stack may belong to a request after an `await`: not if it begins in a timer without a continuation.
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

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
 * A request of HTTP/1, or a stream of HTTP/2.
 * @typedef {object} Entry
 * @property {IncomingMessage | ServerHttp2Stream} target
 * @property {Headers | undefined} headers of a stream
 * @property {{ closed: boolean, destroyed: boolean }} response
 * @property {number} began in milliseconds of the clock
 * @property {number} ended
 *
 * Times of a block in milliseconds of the clock. `sampled` is that of its first stack.
 * @typedef {{ began: number, sampled: number }} Times
 */

/** Closed responses are looked for when this many requests have been added. */
const SWEEP = 256
/** Requests that are remembered after their end: a response may finish before its block is reported. */
const MAX_ENDED = 64
/** Function of Node.js in which a server begins a request. */
const BEGINS = 'parserOnIncoming'

const NUMBER = /^\d+$/
const ID = /^(?:[0-9a-f]{8}-[0-9a-f-]{27,}|[0-9a-f]{16,}|(?=[^/]*\d)[\w-]{20,})$/i

class Requests {
  /** @type {Map<Entry['target'], Entry>} */
  #inFlight = new Map()
  /** The last requests that have ended, oldest first. @type {Entry[]} */
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
   * Returns the request that a block belongs to, and the number of requests that waited for its end.
   * @param {readonly Frame[]} frames of the first stack of the block
   * @param {Times} times
   * @returns {{ request?: BlockRequest, waited: number }}
   */
  during(frames, { began, sampled }) {
    this.#sweep()
    const requests = [...this.#ended, ...this.#inFlight.values()].filter(({ ended }) => ended >= began)
    const owner =
      frames.length === 0
        ? undefined
        : this.#ownerOf(
            frames,
            requests.filter(it => it.began <= sampled)
          )
    const waited = requests.length - (owner === undefined ? 0 : 1)
    return owner === undefined ? { waited } : { request: owner, waited }
  }

  /**
   * @param {readonly Frame[]} frames
   * @param {Entry[]} requests that began before the stack was captured
   * @returns {BlockRequest | undefined}
   */
  #ownerOf(frames, requests) {
    if (requests.length === 0) return undefined
    const isBeginning = frames.some(({ name, file }) => name === BEGINS && file.startsWith('node:'))
    const candidates = isBeginning ? requests.filter(({ headers }) => headers === undefined) : requests
    const latest = candidates.reduce((one, other) => (other.began >= one.began ? other : one), candidates[0])
    if (isBeginning) return latest && { ...this.#describe(latest), certainty: 'exact' }
    const routes = new Set(candidates.map(entry => Object.values(this.#describe(entry)).join(' ')))
    return routes.size === 1 ? { ...this.#describe(latest), certainty: 'likely' } : undefined
  }

  /** @param {Entry} entry */
  #describe({ target, headers }) {
    const { method, originalUrl, url, route, baseUrl } = /** @type {any} */ (target)
    if (typeof route?.path === 'string') return { method, route: `${baseUrl ?? ''}${route.path}` }
    const path = originalUrl ?? url ?? headers?.[':path'] ?? ''
    return { method: method ?? headers?.[':method'] ?? '', route: this.#routes.get(target) ?? withoutIds(path) }
  }

  /**
   * @param {Entry['target']} target
   * @param {Entry['response']} response
   * @param {Headers} [headers]
   */
  #begin(target, response, headers) {
    this.#inFlight.set(target, { target, headers, response, began: now(), ended: Infinity })
    if (--this.#untilSweep === 0) this.#sweep()
  }

  /** @param {Entry['target']} target */
  #end(target) {
    const entry = this.#inFlight.get(target)
    if (entry === undefined) return
    this.#inFlight.delete(target)
    entry.ended = now()
    this.#ended.push(entry)
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

/** Replaces ids in a path, and drops the query. @param {string} url */
function withoutIds(url) {
  const path = url.split(/[?#]/, 1)[0]
  return path
    .split('/')
    .map(part => (NUMBER.test(part) || ID.test(part) ? ':id' : part))
    .join('/')
}

/** The requests of this thread. */
const requests = new Requests()

module.exports = { Requests, requests, withoutIds }

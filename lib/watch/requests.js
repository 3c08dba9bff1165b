'use strict'

// The HTTP requests of this thread that are in flight, for the request that a block belongs to.

const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { now } = require('../internal/clock')

/**
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 * @typedef {import('../../watch').Frame} Frame
 * @typedef {import('../../watch').BlockRequest} BlockRequest
 *
 * @typedef {object} InFlight
 * @property {ServerResponse} response
 * @property {number} began in milliseconds of the clock
 *
 * @typedef {{ request: IncomingMessage, began: number, ended: number }} Ended
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
  /** @type {Map<IncomingMessage, InFlight>} */
  #inFlight = new Map()
  /** The last requests that have ended, oldest first. @type {Ended[]} */
  #ended = []
  /** Routes of Fastify. @type {WeakMap<object, string>} */
  #routes = new WeakMap()
  #untilSweep = SWEEP

  /** @type {[string, (message: any) => void][]} */
  #subscriptions = [
    ['http.server.request.start', ({ request, response }) => this.#begin(request, response)],
    ['http.server.response.finish', ({ request }) => this.#end(request)],
    [
      'tracing:fastify.request.handler:start',
      ({ request, route }) => {
        if (request?.raw !== undefined && typeof route?.url === 'string') this.#routes.set(request.raw, route.url)
      }
    ]
  ]

  start() {
    for (const [name, listener] of this.#subscriptions) subscribe(name, listener)
  }

  stop() {
    for (const [name, listener] of this.#subscriptions) unsubscribe(name, listener)
    this.#inFlight.clear()
    this.#ended.length = 0
  }

  /**
   * Returns the request that a block belongs to, and the number of requests that waited for its end.
   * @param {readonly Frame[]} frames of the first stack of the block
   * @param {number} began when the block began, in milliseconds of the clock
   * @param {number} ended
   * @returns {{ request?: BlockRequest, waited: number }}
   */
  during(frames, began, ended) {
    this.#sweep()
    const current = [...this.#inFlight].map(([request, entry]) => ({ request, began: entry.began, ended: Infinity }))
    const all = [...this.#ended, ...current].filter(request => request.ended >= began)
    const owner =
      frames.length === 0
        ? undefined
        : this.#ownerOf(
            frames,
            all.filter(request => request.began <= ended)
          )
    return { ...(owner && { request: owner }), waited: Math.max(0, all.length - (owner === undefined ? 0 : 1)) }
  }

  /**
   * @param {readonly Frame[]} frames
   * @param {Ended[]} requests that began before the end of the block
   * @returns {BlockRequest | undefined}
   */
  #ownerOf(frames, requests) {
    if (requests.length === 0) return undefined
    const isBeginning = frames.some(frame => frame.name === BEGINS && frame.file.startsWith('node:'))
    const latest = requests.reduce((one, other) => (other.began > one.began ? other : one))
    if (isBeginning) return this.#describe(latest.request, 'exact')
    const routes = new Set(requests.map(({ request }) => `${request.method} ${this.#routeOf(request)}`))
    return routes.size === 1 ? this.#describe(latest.request, 'likely') : undefined
  }

  /**
   * @param {IncomingMessage} request
   * @param {'exact' | 'likely'} certainty
   */
  #describe(request, certainty) {
    return { method: request.method ?? '', route: this.#routeOf(request), certainty }
  }

  /** @param {any} request */
  #routeOf(request) {
    const route = request.route?.path
    if (typeof route === 'string') return `${request.baseUrl ?? ''}${route}`
    return this.#routes.get(request) ?? withoutIds(request.originalUrl ?? request.url ?? '')
  }

  /**
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  #begin(request, response) {
    this.#inFlight.set(request, { response, began: now() })
    if (--this.#untilSweep === 0) this.#sweep()
  }

  /** @param {IncomingMessage} request */
  #end(request) {
    const entry = this.#inFlight.get(request)
    if (entry === undefined) return
    this.#inFlight.delete(request)
    this.#ended.push({ request, began: entry.began, ended: now() })
    if (this.#ended.length > MAX_ENDED) this.#ended.splice(0, MAX_ENDED / 2)
  }

  /** Drops requests whose client has gone: they do not finish. */
  #sweep() {
    for (const [request, { response }] of this.#inFlight) {
      if (response.closed || response.destroyed) this.#end(request)
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

module.exports = { Requests, withoutIds }

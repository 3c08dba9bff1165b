'use strict'

// Durations of HTTP requests by route.

const { subscribe } = require('node:diagnostics_channel')
const { now } = require('../../internal/clock')
const { describe } = require('../../watch/requests')

/**
 * @typedef {import('../facts').RouteFact} RouteFact
 * @typedef {{ method: string, route: string, count: number, errors: number, durations: LogHistogram }} Route
 */

const MAX_ROUTES = 200
/** Paths whose routes are remembered. */
const MAX_PATHS = 2000
/** Key of the time at which the request of a response began. */
const BEGAN = Symbol('offloop.doctor.began')
/** Buckets for each doubling of the duration. */
const STEPS = 8
/** Upper bound of the first bucket, in milliseconds. */
const SHORTEST = 0.01

const { get, set } = Map.prototype
const { apply } = Reflect

/** A histogram of durations whose relative error is below a tenth. */
class LogHistogram {
  #counts = new Uint32Array(STEPS * 32)
  #count = 0
  #sum = 0
  #max = 0

  /** @param {number} duration in milliseconds */
  record(duration) {
    const index = duration <= SHORTEST ? 0 : Math.ceil(Math.log2(duration / SHORTEST) * STEPS)
    this.#counts[Math.min(index, this.#counts.length - 1)]++
    this.#count++
    this.#sum += duration
    if (duration > this.#max) this.#max = duration
  }

  /** @returns {import('../../../watch').Durations} */
  summary() {
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map(share => this.#quantile(share))
    return { count: this.#count, mean: this.#count === 0 ? 0 : this.#sum / this.#count, p50, p90, p99, max: this.#max }
  }

  /** @param {number} share */
  #quantile(share) {
    let rest = this.#count * share
    for (let index = 0; index < this.#counts.length; index++) {
      rest -= this.#counts[index]
      if (rest <= 0 && this.#count > 0) return Math.min(this.#max, SHORTEST * 2 ** (index / STEPS))
    }
    return this.#max
  }
}

/** Counts requests, and measures them by route. */
class RequestTimes {
  /** Requests that have begun since the start. */
  count = 0
  #measured = 0
  #errors = 0
  #all = new LogHistogram()
  /** @type {Map<string, Route>} */
  #routes = new Map()
  /** Routes by method and path. @type {Map<string, Route>} */
  #paths = new Map()

  #isStarted = false

  start() {
    if (this.#isStarted) return
    this.#isStarted = true
    subscribe('http.server.request.start', (/** @type {any} */ { response }) => {
      this.count++
      response[BEGAN] = now()
    })
    subscribe('http.server.response.finish', (/** @type {any} */ { response }) => this.#finish(response))
    subscribe('http2.server.stream.start', () => this.count++)
  }

  /** The measurement begins. */
  begin() {
    this.#measured = 0
    this.#errors = 0
    this.#all = new LogHistogram()
    this.#routes = new Map()
    this.#paths = new Map()
  }

  /** @returns {import('../facts').ProcessFacts['requests']} */
  collect() {
    const routes = [...this.#routes.values()].map(({ durations, ...route }) => {
      return { ...route, durations: durations.summary(), held: 0, waited: 0 }
    })
    return { count: this.#measured, errors: this.#errors, durations: this.#all.summary(), routes }
  }

  /** @param {any} response */
  #finish(response) {
    const began = response[BEGAN]
    // It began before the doctor looked.
    if (began === undefined) return
    const duration = now() - began
    const isError = response.statusCode >= 500
    const route = this.#routeOf(response.req)
    this.#measured++
    this.#all.record(duration)
    route.count++
    route.durations.record(duration)
    if (!isError) return
    this.#errors++
    route.errors++
  }

  /** @param {any} request */
  #routeOf(request) {
    const { method, url } = request
    const end = url.indexOf('?')
    const hasFramework = request.route !== undefined
    const path = `${method} ${end === -1 ? url : url.slice(0, end)}`
    const known = hasFramework ? undefined : apply(get, this.#paths, [path])
    if (known !== undefined) return known
    const described = describe(request)
    const name = `${described.method} ${described.route}`
    let route = apply(get, this.#routes, [name]) ?? (this.#routes.size < MAX_ROUTES ? undefined : this.#rest())
    if (route === undefined) {
      route = { ...described, count: 0, errors: 0, durations: new LogHistogram() }
      apply(set, this.#routes, [name, route])
    }
    if (!hasFramework && this.#paths.size < MAX_PATHS) apply(set, this.#paths, [path, route])
    return route
  }

  /** Returns the route of those beyond the bound. */
  #rest() {
    const rest = this.#routes.get('') ?? {
      method: '',
      route: '(others)',
      count: 0,
      errors: 0,
      durations: new LogHistogram()
    }
    this.#routes.set('', rest)
    return rest
  }
}

module.exports = { LogHistogram, RequestTimes }

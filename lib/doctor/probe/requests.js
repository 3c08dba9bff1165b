'use strict'

// Durations of HTTP requests by route.

const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { clearTimeout, now, setImmediate, setTimeout } = require('../../internal/clock')
const { describe } = require('../../watch/requests')
const { TICK } = require('../settings')
const { attachment } = require('../../internal/attachment')

/**
 * @typedef {import('../facts').RouteFact} RouteFact
 * @typedef {{ method: string, route: string, count: number, errors: number, durations: LogHistogram }} Route
 * @typedef {{ began: number, weight: number, round: number }} Timing
 */

const MAX_ROUTES = 200
/** Paths whose routes are remembered. */
const MAX_PATHS = 2000
/** Requests of a sample interval that are timed. */
const TIMED = 250
const START = 'http.server.request.start'
const START_OF_STREAM = 'http2.server.stream.start'
const END = 'http.server.response.finish'
/** Buckets for each doubling of the duration. */
const STEPS = 8
/** Upper bound of the first bucket, in milliseconds. */
const SHORTEST = 0.01

/** Timings of responses. @type {ReturnType<typeof attachment<Timing>>} */
const timings = attachment()
const { get, set } = Map.prototype
const { apply } = Reflect
const { random } = Math

/** A histogram of durations whose relative error is below a tenth. */
class LogHistogram {
  #counts = new Float64Array(STEPS * 32)
  #count = 0
  #sum = 0
  #max = 0

  /**
   * @param {number} duration in milliseconds
   * @param {number} [weight] number of durations for which it stands
   */
  record(duration, weight = 1) {
    const index = duration <= SHORTEST ? 0 : Math.ceil(Math.log2(duration / SHORTEST) * STEPS)
    this.#counts[Math.min(index, this.#counts.length - 1)] += weight
    this.#count += weight
    this.#sum += duration * weight
    if (duration > this.#max) this.#max = duration
  }

  /** @returns {import('../../../watch').Durations} */
  summary() {
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map(share => this.#quantile(share))
    return {
      count: Math.round(this.#count),
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50,
      p90,
      p99,
      max: this.#max
    }
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

/**
 * Counts requests, and times them by route. At high rates, a burst of requests stands for all those between two samples. The ends of
 * responses are observed only while timed requests are in flight. Aborted requests have no end.
 */
class RequestTimes {
  /** Requests that have begun since the start. */
  count = 0
  /** Value of `count` at the last sample. */
  #sampled = 0
  /** Requests of HTTP/1 in the measurement. */
  #measured = 0
  /** Number of further requests that are timed. */
  #left = 0
  /** Timer of a burst that has not begun. @type {NodeJS.Timeout | undefined} */
  #pending
  /** Timed requests in flight. */
  #open = 0
  /** Number of requests for which a timed one stands. */
  #weight = 1
  #errors = 0
  #all = new LogHistogram()
  /** @type {Map<string, Route>} */
  #routes = new Map()
  /** Routes by method and path. @type {Map<string, Route>} */
  #paths = new Map()
  #isStarted = false
  /** Counts the stops: requests that were timed before a stop do not count after it. */
  #round = 0
  #isObservingEnds = false

  start() {
    this.#sampled = this.count
    if (this.#isStarted) return
    this.#isStarted = true
    this.#left = TIMED
    subscribe(START, this.#onStart)
    subscribe(START_OF_STREAM, this.#onStartOfStream)
  }

  stop() {
    this.#isStarted = false
    unsubscribe(START, this.#onStart)
    unsubscribe(START_OF_STREAM, this.#onStartOfStream)
    clearTimeout(this.#pending)
    this.#pending = undefined
    this.#round++
    this.#open = this.#left = 0
    this.#stopObserving()
    this.begin()
  }

  /** The measurement begins. */
  begin() {
    this.#measured = 0
    this.#errors = 0
    this.#all = new LogHistogram()
    this.#routes = new Map()
    this.#paths = new Map()
  }

  #onStart = (/** @type {any} */ { response }) => {
    this.count++
    this.#measured++
    if (this.#left > 0) this.#time(response)
  }

  #onStartOfStream = () => this.count++

  /** Allows the timed requests of the next interval. At high rates, their burst begins at a random time, but early enough to be whole. */
  sample() {
    this.#weight = Math.max(1, (this.count - this.#sampled) / TIMED)
    this.#sampled = this.count
    if (this.#weight === 1) this.#burst()
    // A burst whose timer is still pending goes on: iterations of the loop may be longer than the interval.
    else if (this.#left === 0 && this.#pending === undefined) {
      this.#pending = setTimeout(this.#burst, random() * TICK * (1 - 1 / this.#weight)).unref()
    }
  }

  #burst = () => {
    clearTimeout(this.#pending)
    this.#pending = undefined
    this.#left = TIMED
  }

  /** @param {any} response */
  #time(response) {
    if (!timings.set(response, { began: now(), weight: this.#weight, round: this.#round })) return
    this.#left--
    this.#open++
    if (this.#isObservingEnds) return
    this.#isObservingEnds = true
    subscribe(END, this.#onEnd)
  }

  #onEnd = (/** @type {any} */ { response }) => {
    const timing = timings.get(response)
    if (timing?.round !== this.#round) return
    timings.set(response, undefined)
    // Before 22.13, a subscriber that leaves during a publication makes Node.js skip the next one.
    if (--this.#open === 0) setImmediate(this.#stopObserving)
    try {
      this.#finish(response, timing)
    } catch {
      // The program has replaced properties of its request.
    }
  }

  #stopObserving = () => {
    if (!this.#isObservingEnds || this.#open > 0 || this.#left > 0) return
    this.#isObservingEnds = false
    unsubscribe(END, this.#onEnd)
  }

  /** Returns the facts. Those of routes and the errors are estimates if not all requests were timed. */
  collect() {
    const count = this.#measured
    const durations = this.#all.summary()
    const scale = durations.count === 0 ? 1 : count / durations.count
    const estimate = (/** @type {number} */ value) => Math.round(value * scale)
    const routes = [...this.#routes.values()].map(({ method, route, count, errors, durations }) => {
      const figures = { count: estimate(count), errors: estimate(errors), durations: durations.summary() }
      return { method, route, ...figures, held: 0, waited: 0 }
    })
    return { count, errors: estimate(this.#errors), durations, routes }
  }

  /**
   * @param {any} response
   * @param {Timing} timing
   */
  #finish({ req, statusCode }, { began, weight }) {
    const duration = now() - began
    const route = this.#routeOf(req)
    this.#all.record(duration, weight)
    route.count += weight
    route.durations.record(duration, weight)
    if (statusCode < 500) return
    this.#errors += weight
    route.errors += weight
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

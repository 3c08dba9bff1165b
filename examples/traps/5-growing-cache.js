'use strict'

// A cache without a bound: each search is kept for its next page of results, which most visitors never open.

const { Cache } = require('offloop')
const { pages } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

const RATE = 500
const regions = pages(8, 2000)

let visits = 0

/** @type {Map<string, object[]>} */
const map = new Map()

/**
 * The garbage collector moves the entries, and traces all of them again and again without freeing any. The more there
 * are, the longer that takes, until memory runs out.
 * @type {Handler}
 */
async function naive(request, response) {
  const key = `${request.url}?visit=${visits++}`
  if (!map.has(key)) map.set(key, search(request))
  send(response, map.get(key))
}

/** @type {Cache<string, object[]>} */
const cache = new Cache({ maxBytes: 32 << 20, storage: 'native', codec: 'json' })

/**
 * Results become bytes, which the collector does not scan, and the least recently used ones are evicted above 32 MiB.
 * This has a price: encoding a result takes a millisecond on the loop, which shows in /ping.
 * @type {Handler}
 */
async function offloop(request, response) {
  const key = `${request.url}?visit=${visits++}`
  send(response, await cache.get(key, () => search(request)))
}

/**
 * The cities of a region, in the form shown to visitors.
 * @param {import('./traps').Request} request
 */
function search({ url = '' }) {
  const region = regions[Number(url.slice('/regions/'.length))]
  return region.map(({ name, country, lat, lng }) => ({ name, country, place: [lat, lng] }))
}

/**
 * @param {import('./traps').Response} response
 * @param {object[]} [results]
 */
function send(response, results = []) {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(results.slice(0, 20)))
}

/**
 * @param {import('./traps').Aftermath} aftermath
 * @returns {import('./traps').Row[]}
 */
function rows({ heapGrown, delay, collections }) {
  return [
    { name: 'results made', value: visits },
    { name: 'results kept', value: map.size + cache.size },
    { name: 'heap growth, MB', value: Math.max(0, heapGrown) / 1e6, better: 'less' },
    { name: 'bytes kept outside the heap, MB', value: cache.bytes / 1e6 },
    { name: 'time in garbage collection, ms', value: collections.total, better: 'less' },
    { name: 'longest garbage collection, ms', value: collections.longest, better: 'less' },
    { name: 'loop delay p99, ms', value: delay, better: 'less' }
  ]
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 5,
  name: 'growing-cache',
  title: `a cache that only grows: ${RATE} searches a second, 2,000 cities found by each`,
  paths: regions.map((_, region) => `/regions/${region}`),
  connections: 1,
  rate: RATE,
  naive,
  offloop,
  open: body => JSON.parse(body.toString()),
  rows
}

'use strict'

// The cost of a hit. The requested ids are copies, as in real requests, not the string objects in the cache.

const { equal } = require('node:assert')
const { AsyncLocalStorage } = require('node:async_hooks')
const { performance } = require('node:perf_hooks')
const { Cache } = require('../../..')
const { processPerContender } = require('../../harness/process-per-contender.js')
const { CACHES, HEAP } = require('../../contenders/caches.js')
const { copy, ids, spread } = require('../../data/ids.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../harness/case.js').Contender} Contender
 */

const ENTRIES = 100_000
const HOT = 1000
/** Duration of a round in milliseconds. */
const ROUND = 400

/**
 * One loop over ids per cache, which V8 compiles for that cache alone.
 * @type {Record<string, (cached: string[]) => (ids: string[]) => number>}
 */
const PEEKS = {
  offloop(cached) {
    /** @type {Cache<string, unknown>} */
    const cache = new Cache({ max: ENTRIES })
    for (const id of cached) cache.set(id, { id })
    return ids => {
      let found = 0
      for (const id of ids) if (cache.peek(id) !== undefined) found++
      return found
    }
  },
  'lru-cache'(cached) {
    const { LRUCache } = require('lru-cache')
    const cache = new LRUCache({ max: ENTRIES })
    for (const id of cached) cache.set(id, { id })
    return ids => {
      let found = 0
      for (const id of ids) if (cache.get(id) !== undefined) found++
      return found
    }
  }
}

/**
 * @param {string} name
 * @returns {Contender}
 */
function peeks(name) {
  const cached = ids(ENTRIES)
  const hot = spread(cached, HOT)
  const copies = hot.map(copy)
  const pass = PEEKS[name](cached)
  return { name, round: () => ({ time: timed(pass, copies), 'time, the held strings': timed(pass, hot) }) }
}

/**
 * Returns nanoseconds per call.
 * @param {(ids: string[]) => number} pass
 * @param {string[]} ids
 */
function timed(pass, ids) {
  const begin = performance.now()
  let count = 0
  let found = 0
  while (performance.now() - begin < ROUND / 2) {
    found += pass(ids)
    count += ids.length
  }
  const time = ((performance.now() - begin) * 1e6) / count
  equal(found, count)
  return time
}

/**
 * @param {string} name
 * @returns {Promise<Contender>}
 */
async function gets(name) {
  const cached = ids(ENTRIES)
  const hot = spread(cached, HOT).map(copy)
  let loads = 0
  const { getAll, close } = CACHES[name](async id => {
    loads++
    return { id }
  }, ENTRIES)
  await getAll(cached)
  const round = async () => {
    const begin = performance.now()
    let count = 0
    while (performance.now() - begin < ROUND) {
      await getAll(hot)
      count += hot.length
    }
    const time = ((performance.now() - begin) * 1e6) / count
    equal(loads, ENTRIES)
    return { time }
  }
  return { name, round, close }
}

async function contender(/** @type {string} */ caseName, /** @type {string} */ name) {
  if (caseName === 'hit-peek') return peeks(name)
  if (caseName === 'hit-get-context') new AsyncLocalStorage().run({}, () => {})
  return gets(name)
}

/** @type {Case[]} */
const cases = [
  {
    name: 'hit-peek',
    what: 'peek against lru-cache.get, 1,000 hot of 100,000 held',
    reference: 'lru-cache',
    measures: [
      { name: 'time', unit: 'ns', target: { of: 'ratio', atMost: 0.6 } },
      { name: 'time, the held strings', unit: 'ns' }
    ],
    open: () => ['offloop', 'lru-cache'].map(name => processPerContender(__filename, 'hit-peek', name))
  },
  {
    name: 'hit-get',
    what: 'awaited get against lru-cache.fetch, 1,000 hot of 100,000 held',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'ns', target: { of: 'ratio', atMost: 0.8 } }],
    open: () => HEAP.map(name => processPerContender(__filename, 'hit-get', name))
  },
  {
    name: 'hit-get-context',
    what: 'the same in programs that use an AsyncLocalStorage',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'ns' }],
    open: () => ['offloop', 'lru-cache'].map(name => processPerContender(__filename, 'hit-get-context', name))
  },
  {
    name: 'native-get',
    what: 'awaited get in native storage, 1,000 hot of 100,000 held',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'ns' }],
    open: () => ['offloop, native', 'lru-cache'].map(name => processPerContender(__filename, 'native-get', name))
  }
]

module.exports = { contender, cases }

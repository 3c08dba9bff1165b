'use strict'

// The cost of a miss whose loader returns immediately: each id is new and evicts an old one.

const { equal } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { processPerContender } = require('../../harness/process-per-contender.js')
const { CACHES } = require('../../contenders/caches.js')
const { ids } = require('../../data/ids.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../harness/case.js').Contender} Contender
 */

const MAX = 50_000
const GETS = 100_000

/**
 * @param {string} _caseName
 * @param {string} name
 * @returns {Promise<Contender>}
 */
async function contender(_caseName, name) {
  let loads = 0
  const { getAll, close } = CACHES[name](async id => {
    loads++
    return { id }
  }, MAX)
  let first = 0
  const round = async () => {
    const fresh = ids(GETS, first)
    first += GETS
    const begin = performance.now()
    await getAll(fresh)
    const time = ((performance.now() - begin) * 1e3) / GETS
    equal(loads, first)
    return { time }
  }
  return { name, round, close }
}

/** @type {Case[]} */
const cases = [
  {
    name: 'miss',
    what: 'awaited get of ids that are not cached, 50,000 entries at most, a loader that returns immediately',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'µs', target: { of: 'ratio', atMost: 0.7 } }],
    open: () => Object.keys(CACHES).map(name => processPerContender(__filename, 'miss', name))
  }
]

module.exports = { contender, cases }

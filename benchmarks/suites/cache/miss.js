'use strict'

// What a miss costs if its loader has the value at once: each id is new, and pushes an old one out.

const { equal } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { apart } = require('../../harness/process-per-contender.js')
const { CACHES } = require('../../contenders/caches.js')
const { ids } = require('../../data/ids.js')

/**
 * @typedef {import('../../harness/case.js').Row} Row
 * @typedef {import('../../harness/case.js').Contender} Contender
 */

const MAX = 50_000
const GETS = 100_000

/**
 * @param {string} _row
 * @param {string} name
 * @returns {Promise<Contender>}
 */
async function contender(_row, name) {
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

/** @type {Row[]} */
const rows = [
  {
    name: 'miss',
    what: 'awaited get of ids that are not held, 50,000 held at most, a loader that has the value at once',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'µs', bar: { of: 'ratio', atMost: 1.5 } }],
    open: () => Object.keys(CACHES).map(name => apart(__filename, 'miss', name))
  }
]

module.exports = { contender, rows }

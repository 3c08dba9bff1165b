'use strict'

// Many concurrent callers request the same id.

const { performance } = require('node:perf_hooks')
const { processPerContender } = require('../../harness/process-per-contender.js')
const { CACHES } = require('../../contenders/caches.js')
const { copy, id } = require('../../data/ids.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../harness/case.js').Contender} Contender
 */

const CALLERS = 10_000
const MAX = 1000

/**
 * @param {string} _caseName
 * @param {string} name
 * @returns {Promise<Contender>}
 */
async function contender(_caseName, name) {
  let loads = 0
  const { get, close } = CACHES[name](id => {
    loads++
    return new Promise(resolve => setImmediate(resolve, { id }))
  }, MAX)
  let next = 0
  const round = async () => {
    const requested = id(next++)
    const copies = Array.from({ length: CALLERS }, () => copy(requested))
    const before = loads
    const begin = performance.now()
    await Promise.all(copies.map(copy => get(copy)))
    return { time: performance.now() - begin, loads: loads - before }
  }
  return { name, round, close }
}

/** @type {Case[]} */
const cases = [
  {
    name: 'stampede',
    what: '10,000 concurrent gets of one id, a loader that takes one event-loop iteration',
    reference: 'lru-cache',
    measures: [
      { name: 'time', unit: 'ms' },
      { name: 'loads', unit: '', fold: 'max' }
    ],
    open: () => Object.keys(CACHES).map(name => processPerContender(__filename, 'stampede', name))
  }
]

module.exports = { contender, cases }

'use strict'

// A mix of hits and misses: few ids are requested often, most of them seldom.

const { equal } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { processPerContender } = require('../../harness/process-per-contender.js')
const { CACHES } = require('../../contenders/caches.js')
const { copy, id, random } = require('../../data/ids.js')

/**
 * @typedef {import('../../harness/case.js').Case} Case
 * @typedef {import('../../harness/case.js').Contender} Contender
 */

const IDS = 100_000
const MAX = 50_000
const EXPONENT = 0.9
const GETS = 500_000

/**
 * @param {string} _caseName
 * @param {string} name
 * @returns {Promise<Contender>}
 */
async function contender(_caseName, name) {
  const chances = cumulative()
  const next = random(1)
  let loads = 0
  const { getAll, close } = CACHES[name](async id => {
    loads++
    return { id }
  }, MAX)
  const round = async () => {
    const sequence = Array.from({ length: GETS }, () => copy(id(rank(chances, next()))))
    const before = loads
    const begin = performance.now()
    await getAll(sequence)
    return { time: ((performance.now() - begin) * 1e6) / GETS, 'hit ratio': 1 - (loads - before) / GETS }
  }
  return { name, round, close }
}

/** Contenders with the same eviction order: in each round all must have the hit ratio of the first. */
function open() {
  /** @type {number[]} */
  const first = []
  return ['offloop', 'lru-cache'].map(name => {
    const { round, close } = processPerContender(__filename, 'zipf', name)
    let rounds = 0
    const checked = async () => {
      const sample = await round()
      first[rounds] ??= sample['hit ratio']
      equal(sample['hit ratio'], first[rounds++])
      return sample
    }
    return { name, round: checked, close }
  })
}

/** Returns the cumulative probabilities of requests by rank. */
function cumulative() {
  const chances = new Float64Array(IDS)
  let sum = 0
  for (let rank = 0; rank < IDS; rank++) {
    sum += 1 / (rank + 1) ** EXPONENT
    chances[rank] = sum
  }
  return chances.map(chance => chance / sum)
}

/**
 * Returns the first rank whose cumulative probability exceeds a random number.
 * @param {Float64Array} chances
 * @param {number} chance
 */
function rank(chances, chance) {
  let low = 0
  let high = IDS - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (chances[middle] > chance) high = middle
    else low = middle + 1
  }
  return low
}

/** @type {Case[]} */
const cases = [
  {
    name: 'zipf',
    what: 'awaited get against lru-cache.fetch, Zipf 0.9 over 100,000 ids, 50,000 held at most',
    reference: 'lru-cache',
    measures: [
      { name: 'time', unit: 'ns', target: { of: 'ratio', atMost: 0.85 } },
      { name: 'hit ratio', unit: '' }
    ],
    open
  }
]

module.exports = { contender, cases }

'use strict'

// A mix of hits and misses: few ids are asked for often, most of them seldom.

const { equal } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { lruCache, offloop } = require('../../caches.js')
const { id, random, copy } = require('../../ids.js')

/**
 * @typedef {import('../../row.js').Row} Row
 * @typedef {import('../../row.js').Contender} Contender
 * @typedef {import('../../caches.js').Peer} Peer
 */

const IDS = 100_000
const MAX = 50_000
const EXPONENT = 0.9
const GETS = 500_000

/** @returns {Contender[]} */
function open() {
  const chances = cumulative()
  /** Loads of each round, which must be the same for both: they forget exactly the same. @type {number[]} */
  const loadsOf = []
  return [contender(offloop), contender(lruCache)]

  /** @param {(load: import('../../caches.js').Load, max: number) => Peer} open */
  function contender(open) {
    let loads = 0
    let rounds = 0
    const next = random(1)
    const peer = open(async id => {
      loads++
      return { id }
    }, MAX)
    const round = async () => {
      const sequence = Array.from({ length: GETS }, () => copy(id(rank(chances, next()))))
      const before = loads
      const begin = performance.now()
      await peer.getAll(sequence)
      const time = ((performance.now() - begin) * 1e6) / GETS
      const missed = loads - before
      loadsOf[rounds] ??= missed
      equal(missed, loadsOf[rounds++])
      return { time, 'hit ratio': 1 - missed / GETS }
    }
    return { name: peer.name, round, close: peer.close }
  }
}

/** The chance that an id of this rank or one before it is asked for. */
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
 * The first rank whose chance is above a random number.
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

/** @type {Row[]} */
const rows = [
  {
    name: 'zipf',
    what: 'awaited get against lru-cache.fetch, Zipf 0.9 over 100,000 ids, 50,000 held at most',
    reference: 'lru-cache',
    measures: [
      { name: 'time', unit: 'ns', bar: { of: 'ratio', atMost: 1 } },
      { name: 'hit ratio', unit: '' }
    ],
    open
  }
]

module.exports = { rows }

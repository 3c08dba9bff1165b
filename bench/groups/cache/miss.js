'use strict'

// What a miss costs if its loader has the value at once: each id is new, and pushes an old one out.

const { equal } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { ALL } = require('../../caches.js')
const { ids } = require('../../ids.js')

/**
 * @typedef {import('../../row.js').Row} Row
 * @typedef {import('../../row.js').Contender} Contender
 */

const MAX = 50_000
const GETS = 100_000

/** @returns {Contender[]} */
function open() {
  let loads = 0
  const load = async (/** @type {string} */ id) => {
    loads++
    return { id }
  }
  return ALL.map(open => {
    const peer = open(load, MAX)
    let first = 0
    const round = async () => {
      const fresh = ids(GETS, first)
      first += GETS
      const before = loads
      const begin = performance.now()
      await peer.getAll(fresh)
      const time = ((performance.now() - begin) * 1e3) / GETS
      equal(loads - before, GETS)
      return { time }
    }
    return { name: peer.name, round, close: peer.close }
  })
}

/** @type {Row[]} */
const rows = [
  {
    name: 'miss',
    what: 'awaited get of ids that are not held, 50,000 held at most, a loader that has the value at once',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'µs', bar: { of: 'ratio', atMost: 1.5 } }],
    open
  }
]

module.exports = { rows }

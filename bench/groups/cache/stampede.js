'use strict'

// Everybody asks for the same id at once.

const { performance } = require('node:perf_hooks')
const { ALL } = require('../../caches.js')
const { copy, id } = require('../../ids.js')

/**
 * @typedef {import('../../row.js').Row} Row
 * @typedef {import('../../row.js').Contender} Contender
 */

const CALLERS = 10_000
const MAX = 1000

/** @returns {Contender[]} */
function open() {
  let loads = 0
  const load = (/** @type {string} */ id) => {
    loads++
    return new Promise(resolve => setImmediate(resolve, { id }))
  }
  return ALL.map(open => {
    const peer = open(load, MAX)
    let next = 0
    const round = async () => {
      const asked = id(next++)
      const copies = Array.from({ length: CALLERS }, () => copy(asked))
      const before = loads
      const begin = performance.now()
      await Promise.all(copies.map(peer.get))
      return { time: performance.now() - begin, loads: loads - before }
    }
    return { name: peer.name, round, close: peer.close }
  })
}

/** @type {Row[]} */
const rows = [
  {
    name: 'stampede',
    what: '10,000 gets of one id at once, a loader that takes a turn of the loop',
    reference: 'lru-cache',
    measures: [
      { name: 'time', unit: 'ms' },
      { name: 'loads', unit: '', fold: 'max' }
    ],
    open
  }
]

module.exports = { rows }

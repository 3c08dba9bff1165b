'use strict'

// What a hit costs. The ids asked for are copies, as requests bring them, and not the very strings that are held.

const { equal } = require('node:assert')
const { performance } = require('node:perf_hooks')
const { Cache } = require('../../..')
const { ALL, lruCache, offloop } = require('../../caches.js')
const { copy, ids, spread } = require('../../ids.js')

/**
 * @typedef {import('../../row.js').Row} Row
 * @typedef {import('../../row.js').Contender} Contender
 * @typedef {import('../../caches.js').Peer} Peer
 * @typedef {import('../../caches.js').Load} Load
 */

const HELD = 100_000
const HOT = 1000
/** How long a round takes, in milliseconds. */
const ROUND = 400

/** @returns {Contender[]} */
function peeks() {
  const { LRUCache } = require('lru-cache')
  const held = ids(HELD)
  const same = spread(held, HOT)
  const copies = same.map(copy)
  const cache = new Cache({ max: HELD })
  const lru = new LRUCache({ max: HELD })
  for (const id of held) {
    cache.set(id, { id })
    lru.set(id, { id })
  }
  const measure = (/** @type {(ids: string[]) => number} */ pass) => () => {
    return { time: timed(pass, copies), 'time, the held strings': timed(pass, same) }
  }
  return [
    {
      name: 'offloop',
      round: measure(ids => {
        let found = 0
        for (const id of ids) if (cache.peek(id) !== undefined) found++
        return found
      }),
      close: () => cache.close()
    },
    {
      name: 'lru-cache',
      round: measure(ids => {
        let found = 0
        for (const id of ids) if (lru.get(id) !== undefined) found++
        return found
      })
    }
  ]
}

/**
 * Nanoseconds each.
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
 * @param {((load: Load, max: number) => Peer)[]} peers
 * @returns {Promise<Contender[]>}
 */
async function gets(peers) {
  const held = ids(HELD)
  const hot = spread(held, HOT).map(copy)
  let loads = 0
  const load = async (/** @type {string} */ id) => {
    loads++
    return { id }
  }
  const contenders = []
  for (const open of peers) {
    const peer = open(load, HELD)
    await peer.getAll(held)
    contenders.push({ name: peer.name, round: () => awaited(peer), close: peer.close })
  }
  equal(loads, HELD * peers.length)
  return contenders

  /** @param {Peer} peer */
  async function awaited(peer) {
    const before = loads
    const begin = performance.now()
    let count = 0
    while (performance.now() - begin < ROUND) {
      await peer.getAll(hot)
      count += hot.length
    }
    const time = ((performance.now() - begin) * 1e6) / count
    equal(loads, before)
    return { time }
  }
}

/** @type {Row[]} */
const rows = [
  {
    name: 'hit-peek',
    what: 'peek against lru-cache.get, 1,000 hot of 100,000 held',
    reference: 'lru-cache',
    measures: [
      { name: 'time', unit: 'ns', bar: { of: 'ratio', atMost: 0.8 } },
      { name: 'time, the held strings', unit: 'ns' }
    ],
    open: peeks
  },
  {
    name: 'hit-get',
    what: 'awaited get against lru-cache.fetch, 1,000 hot of 100,000 held',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'ns', bar: { of: 'ratio', atMost: 0.8 } }],
    open: () => gets(ALL)
  },
  {
    name: 'native-get',
    what: 'awaited get in native storage, 1,000 hot of 100,000 held',
    reference: 'lru-cache',
    measures: [{ name: 'time', unit: 'ns' }],
    open: () => gets([(load, max) => offloop(load, max, 'native'), lruCache])
  }
]

module.exports = { rows }

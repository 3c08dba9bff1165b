'use strict'

// node entries.js <contender> <entries>: prints the CPU time of awaited gets from a full cache, in nanoseconds.

const { Cache } = require('../..')
const { random } = require('../data/ids.js')
const { cpuTime } = require('./cpu-time.js')

const HOT = 1000
const HITS = 2_000_000
const MISSES = 300_000

/**
 * @typedef {{ set: (id: number, value: number) => void, get: (id: number) => Promise<number> | number, size: number }} Entries
 * @typedef {(max: number, load: (id: number) => Promise<number>) => Entries} Open
 */

/** Two plain Maps, which show how much slower the memory of many entries is than that of few. @type {Open} */
function plainMap(max, load) {
  // V8 limits a Map to 2^24 entries, deleted ones included.
  const maps = [new Map(), new Map()]
  let oldest = 0
  const cache = {
    size: 0,
    set(/** @type {number} */ id, /** @type {number} */ value) {
      maps[id % 2].set(id, value)
      if (cache.size < max) cache.size++
      else maps[oldest % 2].delete(oldest++)
    },
    get: (/** @type {number} */ id) => maps[id % 2].get(id) ?? loaded(id)
  }
  const loaded = async (/** @type {number} */ id) => {
    const value = await load(id)
    cache.set(id, value)
    return value
  }
  return cache
}

/** @type {Record<string, Open>} */
const CONTENDERS = {
  offloop: (max, load) => new Cache({ max, load }),
  'offloop, native': (max, load) => new Cache({ max, storage: 'native', load }),
  Map: plainMap
}

/**
 * Requests the hot ids in turn.
 * @param {Entries} cache
 * @param {readonly number[]} hot
 * @param {number} count
 */
async function hits(cache, hot, count) {
  for (let done = 0; done < count; done += hot.length) for (const id of hot) await cache.get(id)
}

/**
 * Requests new ids, each of which evicts the oldest one.
 * @param {Entries} cache
 * @param {number} first
 */
async function misses(cache, first) {
  for (let id = first; id < first + MISSES; id++) await cache.get(id)
}

async function main() {
  const [name, count] = process.argv.slice(2)
  const entries = Number(count)
  let loads = 0
  const cache = CONTENDERS[name](entries, async id => {
    loads++
    return id
  })
  for (let id = 0; id < entries; id++) cache.set(id, id)
  const chance = random(1)
  const hot = Array.from({ length: HOT }, () => Math.floor(chance() * entries))
  // As many as are measured, as for the misses: V8 finishes the collection that filling the cache started.
  await hits(cache, hot, HITS)
  const hit = await cpuTime(HITS, () => hits(cache, hot, HITS))
  await misses(cache, entries)
  const miss = await cpuTime(MISSES, () => misses(cache, entries + MISSES))
  if (loads !== 2 * MISSES || cache.size !== entries) throw new Error(`${loads} loads, ${cache.size} entries`)
  process.stdout.write(JSON.stringify({ hit, miss }))
}

main()

'use strict'

// node resident-entries.js <contender>: caches a million entries of 1 KB; prints how much memory they occupy and how much
// remains after their release.

const { setTimeout: sleep } = require('node:timers/promises')
const { LRUCache } = require('lru-cache')
const { Cache } = require('../..')
const { ids } = require('../data/ids.js')
const { record } = require('../data/records.js')

const ENTRIES = 1_000_000
const SIZE = 1024
/** Time without released memory after which the process counts as settled, in milliseconds. */
const REST = 1000

const buffer = (/** @type {number} */ number) => Buffer.alloc(SIZE, number)

/**
 * @typedef {object} ResidentCache
 * @property {(number: number) => unknown} make
 * @property {(id: string, value: any) => unknown} set
 * @property {() => void} close
 */

/** @type {Record<string, () => ResidentCache>} */
const CONTENDERS = {
  offloop: () => native('bytes', buffer),
  'offloop, objects': () => native('v8', record),
  'lru-cache': () => inHeap(buffer),
  'lru-cache, objects': () => inHeap(record)
}

/**
 * @param {'bytes' | 'v8'} codec
 * @param {ResidentCache['make']} make
 * @returns {ResidentCache}
 */
function native(codec, make) {
  const cache = new Cache({ max: ENTRIES, storage: 'native', codec })
  return { make, set: (id, value) => cache.set(id, value), close: () => cache.close() }
}

/**
 * @param {ResidentCache['make']} make
 * @returns {ResidentCache}
 */
function inHeap(make) {
  const cache = new LRUCache({ max: ENTRIES })
  return { make, set: (id, value) => cache.set(id, value), close: () => cache.clear() }
}

function memory() {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed / 1e6, resident: rss / 1e6 }
}

/** Returns the resident memory (MB) when the process has stopped releasing memory. */
async function settledMemory() {
  let lowest = memory().resident
  for (let waited = 0; waited < REST; waited += 100) {
    await sleep(100)
    const { resident } = memory()
    if (resident < lowest - 1) waited = 0
    lowest = Math.min(lowest, resident)
  }
  return lowest
}

async function main() {
  const { make, set, close } = CONTENDERS[process.argv[2]]()
  const empty = memory()
  for (let number = 0; number < ENTRIES; number++) set(ids(1, number)[0], make(number))
  const full = memory()
  close()
  const measured = {
    'V8 heap, growth': full.heap - empty.heap,
    'resident, growth': full.resident - empty.resident,
    'resident, after close': (await settledMemory()) - empty.resident
  }
  process.stdout.write(JSON.stringify(measured))
}

main()
